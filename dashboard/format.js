/*
 * Format: numbers, durations, dates and names as the page words them. Interval starts are shown as the
 * site's own wall clock, read off the string; the browser's time zone never enters.
 */

const LOCALE = "en-GB";
const MINUTE = 60;
const HOUR = 3600;

const grouped = new Intl.NumberFormat(LOCALE);
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const oneDecimal = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percentage = new Intl.NumberFormat(LOCALE, {
  style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1,
});
const wholePercentage = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 0 });

const MISSING = "–";
const known = (value) => typeof value === "number" && Number.isFinite(value);

/** Exact with separators: 12,345. */
export const count = (value) => (known(value) ? grouped.format(value) : MISSING);
/** Exact while it fits into a table cell, then 1.2M. */
export const cell = (value) => (known(value) && Math.abs(value) >= 1e6 ? compact(value) : count(value));
/** 1.2k, 3.4M. */
export const compact = (value) => (known(value) ? short.format(value).replace("K", "k") : MISSING);
export const decimal = (value) => (known(value) ? oneDecimal.format(value) : MISSING);
/** A ratio as a percentage: 0.434 -> 43.4%, 0.45 -> 45.0%. */
export const percent = (value) => (known(value) ? percentage.format(value) : MISSING);
/** A ratio without decimals: 0.434 -> 43%. */
export const wholePercent = (value) => (known(value) ? wholePercentage.format(value) : MISSING);

/** Seconds as 48s, 2m 05s or 1h 04m. */
export function duration(seconds) {
  if (!known(seconds)) return MISSING;
  const whole = Math.round(seconds);
  const two = (n) => String(n).padStart(2, "0");
  if (whole < MINUTE) return `${whole}s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)}m ${two(whole % MINUTE)}s`;
  return `${Math.floor(whole / HOUR)}h ${two(Math.floor((whole % HOUR) / MINUTE))}m`;
}

/** A short age: now, 8s, 3 min, 2 h. */
export function age(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 2) return "just now";
  if (seconds < MINUTE) return `${seconds}s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  return `${Math.floor(seconds / HOUR)} h ago`;
}

/** How far the numbers are behind the events: "0.4 s behind". */
export function lag(milliseconds) {
  if (!known(milliseconds)) return "";
  if (milliseconds < 60_000) return `${oneDecimal.format(Math.max(0, milliseconds) / 1000)} s behind`;
  return `${Math.round(milliseconds / 60_000)} min behind`;
}

const inUtc = (options) => new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: "UTC" });
const dayMonth = inUtc({ day: "numeric", month: "short" });
const dayMonthYear = inUtc({ day: "numeric", month: "short", year: "numeric" });
const monthYear = inUtc({ month: "short", year: "numeric" });
const weekday = inUtc({ weekday: "short", day: "numeric", month: "short", year: "numeric" });

/** The locale writes "Sept" among months of three letters. */
const evenMonths = (text) => text.replace("Sept", "Sep");

/** The wall clock of "2026-11-22T14:00:00+01:00" as a Date whose UTC fields are that wall clock. */
const wall = (start) => new Date(`${start.slice(0, 10)}T${start.slice(11, 16) || "00:00"}Z`);

/** The label of an interval on the time axis. */
export function axisLabel(start, interval) {
  if (interval === "hour") return start.slice(11, 16);
  return evenMonths((interval === "month" ? monthYear : dayMonth).format(wall(start)));
}

/** The full name of an interval, for the tooltip. */
export function intervalName(start, interval) {
  if (interval === "month") return monthYear.format(wall(start));
  const day = dayName(start);
  if (interval !== "hour") return day;
  const next = String((Number(start.slice(11, 13)) + 1) % 24).padStart(2, "0");
  return `${day}, ${start.slice(11, 16)}–${next}:${start.slice(14, 16)}`;
}

/** A day: "Sun, 22 Nov 2026". */
export const dayName = (day) => evenMonths(weekday.format(wall(day)));

/** Two inclusive days as "1 – 28 Nov 2026". */
export function rangeName(from, to) {
  return from === to ? dayName(from) : evenMonths(dayMonthYear.formatRange(wall(from), wall(to)));
}

/** An instant in a time zone: "22 Nov 2026, 11:00:03". */
export function instant(iso, timeZone) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const options = { dateStyle: "medium", timeStyle: "medium" };
  try {
    return date.toLocaleString(LOCALE, { ...options, timeZone });
  } catch {
    return date.toLocaleString(LOCALE, options);
  }
}

const names = (type) => new Intl.DisplayNames("en", { type, fallback: "none" });
const regions = names("region");
const languages = names("language");
const sentence = (value) => (value.charAt(0).toUpperCase() + value.slice(1)).replaceAll("_", " ");

function nameFrom(dictionary, code) {
  try {
    return dictionary.of(code) ?? code;
  } catch {
    return code; // not a well-formed code: shown as it came
  }
}

/** Rows that stand for "nothing" or "the rest"; a value that only looks like one has no kind. */
export const isPlaceholder = (row) => row.kind === "not_set" || row.kind === "other";

/** What a reader calls the value of a row: DE -> Germany, de-AT -> Austrian German, mobile -> Mobile. */
export function valueName(dimension, row) {
  const text = String(row.value ?? "").trim() || "(blank)";
  if (row.kind) return text;
  if (dimension === "country") return nameFrom(regions, text);
  if (dimension === "language") return nameFrom(languages, text);
  if (dimension === "device" || dimension === "channel") return sentence(text);
  return text;
}
