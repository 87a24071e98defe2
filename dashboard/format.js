/*
 * Format: numbers, durations, dates and names as the reader's language words them. Interval starts are
 * shown as the site's own wall clock, read off the string; the browser's time zone never enters.
 */

import { has, language, locale, t } from "./texts.js";

const MINUTE = 60;
const HOUR = 3600;
const MISSING = "–";

const number = (options) => new Intl.NumberFormat(locale, options);
const grouped = number();
const SHORT = { notation: "compact", maximumFractionDigits: 1 };
const short = language === "en" ? new Intl.NumberFormat("en-US", SHORT) : number(SHORT);
const oneDecimal = number({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percentage = number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const wholePercentage = number({ style: "percent", maximumFractionDigits: 0 });


export const known = (value) => typeof value === "number" && Number.isFinite(value);

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
  if (whole < MINUTE) return t("time.s", { s: String(whole) });
  if (whole < HOUR) return t("time.ms", { m: String(Math.floor(whole / MINUTE)), s: two(whole % MINUTE) });
  return t("time.hm", { h: count(Math.floor(whole / HOUR)), m: two(Math.floor((whole % HOUR) / MINUTE)) });
}

/** A short age: just now, 8 s ago, 3 min ago, 2 h ago. */
export function age(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 2) return t("ago.now");
  if (seconds < MINUTE) return t("ago.s", { n: seconds });
  if (seconds < HOUR) return t("ago.min", { n: Math.floor(seconds / MINUTE) });
  if (seconds < 48 * HOUR) return t("ago.h", { n: Math.floor(seconds / HOUR) });
  return t("ago.days", { n: Math.floor(seconds / (24 * HOUR)) });
}

/** How far the numbers are behind the events: "0.4 s behind". */
export function lag(milliseconds) {
  if (!known(milliseconds)) return "";
  if (milliseconds < 60_000) return t("lag.s", { s: oneDecimal.format(Math.max(0, milliseconds) / 1000) });
  return t("lag.min", { n: Math.round(milliseconds / 60_000) });
}

const inUtc = (options) => new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
const dayMonth = inUtc({ day: "numeric", month: "short" });
const dayMonthYear = inUtc({ day: "numeric", month: "short", year: "numeric" });
const monthYear = inUtc({ month: "short", year: "numeric" });
const dayOfWeek = inUtc({ weekday: "short", day: "numeric" });
const fullDay = inUtc({ weekday: "short", day: "numeric", month: "short", year: "numeric" });

/** The locale writes "Sept" among months of three letters. */
const evenMonths = (text) => text.replace("Sept", "Sep");

/** The wall clock of "2026-11-22T14:00:00+01:00" as a Date whose UTC fields are that wall clock. */
const wall = (start) => new Date(`${start.slice(0, 10)}T${start.slice(11, 16) || "00:00"}Z`);

/** The label of an interval on the time axis: of a range of a few weeks with the day of the week. */
export function axisLabel(start, interval, { isShort, hasDays }) {
  if (!start) return "";
  if (interval === "hour") return hasDays && start.slice(11, 13) === "00" ? dayOfWeek.format(wall(start)) : start.slice(11, 16);
  if (interval === "month") return evenMonths(monthYear.format(wall(start)));
  return evenMonths((isShort && interval === "day" ? dayOfWeek : dayMonth).format(wall(start)));
}

/** The full name of an interval, for the tooltip. */
export function intervalName(start, interval) {
  if (interval === "month") return monthYear.format(wall(start));
  if (interval === "week") return t("week.of", { day: evenMonths(dayMonthYear.format(wall(start))) });
  const day = dayName(start);
  if (interval !== "hour") return day;
  const next = String((Number(start.slice(11, 13)) + 1) % 24).padStart(2, "0");
  return `${day}, ${start.slice(11, 16)}–${next}:${start.slice(14, 16)}`;
}

/** A day: "Sun, 22 Nov 2026". */
export const dayName = (day) => evenMonths(fullDay.format(wall(day)));

/** Two inclusive days, "20 – 26 Nov"; with the year where it is not `year`. */
export function rangeName(from, to, year = "") {
  if (from === to) return dayName(from);
  const isPlain = from.startsWith(year || "-") && to.startsWith(year || "-");
  return evenMonths((isPlain ? dayMonth : dayMonthYear).formatRange(wall(from), wall(to)));
}

/** An instant in a time zone: "22 Nov 2026, 11:00:03". */
export const instant = (iso, timeZone) => inZone(iso, timeZone, { dateStyle: "medium", timeStyle: "medium" });

/** Its time alone: "11:00:03". */
export const clock = (iso, timeZone) => inZone(iso, timeZone, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** Its hour and minute: "11:00". */
export const minuteOf = (iso, timeZone) => inZone(iso, timeZone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function inZone(iso, timeZone, options) {
  const date = new Date(iso ?? "");
  if (Number.isNaN(date.getTime())) return "";
  try {
    return date.toLocaleString(locale, { ...options, timeZone });
  } catch {
    return date.toLocaleString(locale, options);
  }
}

const names = (type) => new Intl.DisplayNames(language, { type, fallback: "none" });
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
  if (row.kind && has(`kind.${row.kind}`)) return t(`kind.${row.kind}`);
  const text = String(row.value ?? "").trim() || t("kind.blank");
  if (row.kind) return text;
  if (dimension === "country") return nameFrom(regions, text);
  if (dimension === "language") return nameFrom(languages, text);
  if (dimension === "device" || dimension === "channel") return has(`value.${text}`) ? t(`value.${text}`) : sentence(text);
  return text;
}

/** What a filter says of a value: the reserved ones begin with an @. */
export function filterValueName(dimension, value) {
  return valueName(dimension, value.startsWith("@") && has(`kind.${value.slice(1)}`) ? { kind: value.slice(1) } : { value });
}

/** How a filter names the value of a row. */
export const filterValue = (row) => (row.kind ? `@${row.kind}` : String(row.value));

/** What a dimension is called. */
export function dimensionName(dimension) {
  if (dimension.startsWith("prop:")) return dimension.slice("prop:".length);
  return has(`dimension.${dimension}`) ? t(`dimension.${dimension}`) : sentence(dimension);
}

/** A difference of shares: 0.006 -> "0.6 pp". */
export const oneDecimalPoints = (value) => t("points", { n: decimal(100 * value) });
