/*
 * CSV: tables as files. A text that a spreadsheet would take for a formula gets an apostrophe before it.
 */

const FORMULA = /^[=+\-@\t\r]/;

const cell = (value) => {
  if (typeof value === "number") return String(value);
  const text = String(value ?? "");
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
};

/** @param {string[]} head @param {(string|number|null)[][]} rows */
export const csvOf = (head, rows) => [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");

/** Have the browser save a table. */
export function saveCsv(name, head, rows) {
  const blob = new Blob(["\ufeff", csvOf(head, rows)], { type: "text/csv;charset=utf-8" });
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: url, download: `${name.replace(/[^\w.-]+/g, "-")}.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
