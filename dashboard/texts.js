/*
 * Texts: every word of the page, in the reader's language. The tables are in texts/; a text with a number
 * has a form for each plural that the language knows, chosen by the value named `n`.
 */

import { EN } from "./texts/en.js";
import { KO } from "./texts/ko.js";

const TABLES = { en: EN, ko: KO };
export const LANGUAGES = Object.keys(TABLES);
const KEPT = "liveinsight.language";

/** The reader's choice, else the browser's. */
export const language = (() => {
  const wished = [kept(), ...(navigator.languages ?? [])].map((tag) => String(tag ?? "").slice(0, 2).toLowerCase());
  return wished.find((tag) => tag in TABLES) ?? "en";
})();

/** Of numbers and dates. */
export const locale = { en: "en-GB", ko: "ko-KR" }[language];

const plurals = new Intl.PluralRules(language);
const grouped = new Intl.NumberFormat(locale);

/**
 * A text.
 * @param {string} key
 * @param {Record<string, string|number>} [values] what stands for {name} in it; numbers are written with separators
 */
export function t(key, values = {}) {
  const entry = TABLES[language][key] ?? key;
  const form = typeof entry === "string" ? entry : entry[plurals.select(values.n)] ?? entry.other;
  return form.replace(/\{(\w+)\}/g, (_, name) => worded(values[name]));
}

const worded = (value) => (typeof value === "number" ? grouped.format(value) : String(value ?? ""));

/** Whether there is a text of this name. */
export const has = (key) => key in TABLES[language];

/** Write the texts of the elements that name one: data-t, data-t-label, data-t-title, data-t-role, data-t-placeholder. */
export function translate(root) {
  document.documentElement.lang = language;
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of root.querySelectorAll("[data-t-title]")) node.title = t(node.dataset.tTitle);
  for (const node of root.querySelectorAll("[data-t-role]")) node.setAttribute("aria-roledescription", t(node.dataset.tRole));
  for (const node of root.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
}

/** Show the page in another language, from its start. */
export function chooseLanguage(tag) {
  try {
    localStorage.setItem(KEPT, tag);
  } catch {
    return; // storage may be forbidden: the browser's language then holds
  }
  location.reload();
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
