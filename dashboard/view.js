/*
 * View: what the reader looks at. All of it is in the address, so that a link shows the same and Back
 * undoes. Days are the site's own; the browser's time zone never enters.
 */

export const PERIODS = ["today", "yesterday", "7d", "28d", "30d", "91d", "month", "6mo", "12mo", "year", "all"];
export const COMPARISONS = ["previous", "weekday", "year", "none"];
export const INTERVALS = ["hour", "day", "week", "month"];
const MOST_DAYS = { hour: 31, day: 366 }; // of a range in such steps; weeks and months fit any
const DEFAULTS = { period: "7d", compare: "previous", metric: "visitors" };
const ALIASES = { day: "today" };
const DAY = /^[1-9]\d{3}-\d\d-\d\d$/;
const BETWEEN = /^([\d-]{10})\.\.([\d-]{10})$/;
const FILTER = /^(prop:(?:[^:\\]|\\.)*?|[a-z_]+)(!|~)?:(.*)$/s;
const RESERVED = ["@direct", "@not_set"]; // values that stand for none
const OPERATORS = { "": "is", "!": "is_not", "~": "contains" };
const SIGNS = { is: "", is_not: "!", contains: "~" };
const MOST_FILTERS = 20;

/** The parameters that hold which tab of a panel is shown. */
export const TAB_NAMES = ["pages", "sources", "goals", "places", "devices", "events"];

/**
 * @typedef {{dimension: string, operator: "is"|"is_not"|"contains", values: string[]}} Filter
 * @typedef {object} View
 * @property {string} site
 * @property {string} period one of PERIODS, or "custom"
 * @property {string|null} date a day in the period; null: today
 * @property {string|null} from
 * @property {string|null} to
 * @property {string} compare one of COMPARISONS, or "2026-01-01..2026-01-31"
 * @property {string} metric
 * @property {string|null} interval the step of the chart; null: what suits the range
 * @property {Filter[]} filters all must hold
 * @property {string|null} goal
 * @property {Record<string, string>} tabs
 * @property {string|null} open what the drawer shows
 */

/** @param {string} search the query of an address @returns {View} */
export function readView(search) {
  const query = new URLSearchParams(search);
  const day = (name) => (isDay(query.get(name)) ? query.get(name) : null);
  const tabs = TAB_NAMES.filter((name) => query.has(name)).map((name) => [name, query.get(name)]);
  return {
    site: query.get("site") ?? "",
    ...periodIn(query, day),
    compare: comparisonIn(query.get("compare")),
    metric: query.get("metric") ?? DEFAULTS.metric,
    interval: INTERVALS.includes(query.get("interval")) ? query.get("interval") : null,
    filters: query.getAll("filter").slice(0, MOST_FILTERS).map(parseFilter).filter(Boolean),
    goal: query.get("goal") || null,
    tabs: Object.fromEntries(tabs),
    open: query.get("open") || null,
  };
}

function periodIn(query, day) {
  const [from, to] = [day("from"), day("to")];
  if (from && to && from <= to) return { period: "custom", date: null, from, to };
  const asked = ALIASES[query.get("period")] ?? query.get("period");
  return { period: PERIODS.includes(asked) ? asked : DEFAULTS.period, date: day("date"), from: null, to: null };
}

function comparisonIn(text) {
  if (COMPARISONS.includes(text)) return text;
  const [, from, to] = BETWEEN.exec(text ?? "") ?? [];
  return isDay(from) && isDay(to) && from <= to ? text : DEFAULTS.compare;
}

/** @param {View} view @returns {string} the query of its address */
export function writeView(view) {
  const query = new URLSearchParams();
  const put = (name, value, standard = null) => value && value !== standard && query.append(name, value);
  put("site", view.site);
  if (view.period === "custom") (put("from", view.from), put("to", view.to));
  else (put("period", view.period, DEFAULTS.period), put("date", view.date));
  put("compare", view.compare, DEFAULTS.compare);
  put("metric", view.metric, DEFAULTS.metric);
  put("interval", view.interval);
  view.filters.forEach((filter) => put("filter", filterText(filter)));
  put("goal", view.goal);
  TAB_NAMES.forEach((name) => put(name, view.tabs[name]));
  put("open", view.open);
  return `?${query}`;
}

/** @param {string} text such as "page:/pricing|/docs", "source!:@direct" @returns {Filter|null} */
export function parseFilter(text) {
  const [, dimension, sign = "", rest] = FILTER.exec(text) ?? [];
  if (!dimension || !rest) return null;
  const values = [...rest.matchAll(/((?:[^\\|]|\\.)*)(?:\||$)/gs)].map(([, one]) => one.replace(/\\(.)/gs, "$1"));
  const given = values.filter((value) => value !== "");
  return given.length ? { dimension: dimension.replace(/\\(.)/gs, "$1"), operator: OPERATORS[sign], values: given } : null;
}

/** @param {Filter} filter @returns {string} as the API reads it */
export function filterText({ dimension, operator, values }) {
  const name = dimension.startsWith(PROP) ? PROP + dimension.slice(PROP.length).replace(/[\\:!~]/g, "\\$&") : dimension;
  return `${name}${SIGNS[operator]}:${values.map(escaped).join("|")}`;
}
const PROP = "prop:";

function escaped(value) {
  const text = value.replace(/[\\|]/g, "\\$&");
  return text.startsWith("@") && !RESERVED.includes(text) ? `\\${text}` : text;
}

/** The filters with one more; the same one again is taken away. @returns {Filter[]} */
export function toggled(filters, filter) {
  const text = filterText(filter);
  const without = filters.filter((one) => filterText(one) !== text);
  return without.length < filters.length ? without : [...filters, filter];
}

/** The steps that a range can be drawn in: at least two of them, and not too many. */
export function stepsOf({ from, to }) {
  const length = daysBetween(from, to) + 1;
  const least = { hour: 1, day: 2, week: 8, month: 32 };
  return INTERVALS.filter((interval) => length >= least[interval] && length <= (MOST_DAYS[interval] ?? Infinity));
}

/** Whether an answer of /api/stats is enough for a view, but for the goal's own numbers. */
export const isPlain = (view) => view.filters.length === 0 && !drawsGoal(view);

/** Whether the chart draws the goal: else only its total and the tables that are shown hold it. */
export const drawsGoal = ({ goal, metric }) => Boolean(goal) && metric === "conversion_rate";

/** A key in the fragment of a link: it is not sent to any server. */
export const keyIn = (hash) => new URLSearchParams(hash.slice(1)).get("key");

export const isDay = (text) => DAY.test(text ?? "") && addDays(text, 0) === text;

/**
 * The days of a view, both included.
 * @param {View} view @param {string} today the site's own @param {string} [since] its first day with numbers
 */
export function daysOf(view, today, since) {
  if (view.period === "custom") return { from: view.from, to: view.to };
  const day = view.date && view.date < today ? view.date : today;
  const length = Number.parseInt(view.period, 10);
  if (view.period.endsWith("d")) return { from: addDays(day, 1 - length), to: day };
  if (view.period.endsWith("mo")) return { from: addMonths(day, 1 - length), to: monthEnd(day, today) };
  const named = {
    today: () => ({ from: day, to: day }),
    yesterday: () => ({ from: addDays(day, -1), to: addDays(day, -1) }),
    month: () => ({ from: addMonths(day, 0), to: monthEnd(day, today) }),
    year: () => ({ from: `${day.slice(0, 4)}-01-01`, to: least(`${day.slice(0, 4)}-12-31`, today) }),
    all: () => ({ from: since && since < today ? since : LONG_AGO, to: today }),
  };
  return named[view.period]();
}
const LONG_AGO = "1995-01-01"; // before the first access log; within what the API takes as one range

/** The change of a view that shows the days before (-1) or after (1); null where there are none. */
export function step(view, today, direction) {
  if (view.period === "all") return null;
  const { from, to } = daysOf(view, today);
  if (direction > 0 && to >= today) return null;
  const length = daysBetween(from, to) + 1;
  if (view.period === "custom") {
    return { from: addDays(from, direction * length), to: addDays(to, direction * length) };
  }
  const date = anchorAfter(view.period, { from, to, length, direction });
  const period = view.period === "yesterday" ? "today" : view.period;
  return date >= today ? { period, date: null } : { period, date };
}

function anchorAfter(period, { from, to, length, direction }) {
  if (period === "month") return monthEnd(addMonths(from, direction), "9999-12-31");
  if (period === "year") return `${Number(from.slice(0, 4)) + direction}-12-31`;
  if (period.endsWith("mo")) return monthEnd(addMonths(from, direction > 0 ? 2 * Number.parseInt(period, 10) - 1 : -1), "9999-12-31");
  return addDays(to, direction * length);
}

/** The days that a range is compared with; null: with none. */
export function comparedDays(compare, { from, to }) {
  const length = daysBetween(from, to) + 1;
  const shift = (days) => ({ from: addDays(from, -days), to: addDays(to, -days) });
  const named = {
    none: () => null,
    previous: () => shift(length),
    weekday: () => shift(7 * Math.ceil(length / 7)),
    year: () => ({ from: yearBefore(from), to: yearBefore(to) }),
  };
  if (named[compare]) return named[compare]();
  const [, first, last] = BETWEEN.exec(compare);
  return { from: first, to: last };
}

export function addDays(day, days) {
  const date = new Date(`${day}T00:00Z`);
  if (Number.isNaN(date.getTime())) return "";
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** The first day of a month near the day's. */
function addMonths(day, months) {
  const date = new Date(`${day.slice(0, 7)}-01T00:00Z`);
  date.setUTCMonth(date.getUTCMonth() + months);
  return date.toISOString().slice(0, 10);
}

const least = (one, other) => (one < other ? one : other);
const monthEnd = (day, today) => least(addDays(addMonths(day, 1), -1), today);
const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);

function yearBefore(day) {
  const before = `${Number(day.slice(0, 4)) - 1}${day.slice(4)}`;
  return isDay(before) ? before : `${before.slice(0, 8)}28`; // of 29 February
}

/**
 * The wall clock of a time zone, "2026-11-22T14:05"; the browser's own zone when the name is unknown.
 * @param {string|undefined} timeZone @param {Date} now
 */
export function wallClock(timeZone, now) {
  const options = { dateStyle: "short", timeStyle: "short" };
  try {
    return now.toLocaleString("sv-SE", { ...options, timeZone }).replace(" ", "T");
  } catch {
    return now.toLocaleString("sv-SE", options).replace(" ", "T");
  }
}
