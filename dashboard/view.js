/*
 * View: which site and which days are on screen, and how the page's address says so. Days are plain
 * "YYYY-MM-DD" strings in the site's time zone.
 */

const DEFAULT_PERIOD = "28d";
const BEFORE_ALL = "1995-01-01"; // older than any access log

/** `first` and `last`: days before today; null: since there are numbers. */
export const PERIODS = [
  { id: "today", label: "Today", first: 0, last: 0 },
  { id: "yesterday", label: "Yesterday", first: 1, last: 1 },
  { id: "7d", label: "Last 7 days", first: 6, last: 0 },
  { id: "28d", label: "Last 28 days", first: 27, last: 0 },
  { id: "90d", label: "Last 90 days", first: 89, last: 0 },
  { id: "12mo", label: "Last 12 months", first: 364, last: 0 },
  { id: "all", label: "All time", first: null, last: 0 },
];

const period = (id) => PERIODS.find((candidate) => candidate.id === id);

/** Whether text is a day that exists. */
export function isDay(text) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text ?? "")) return false;
  const time = Date.parse(`${text}T00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** @returns {{site: string|null, period: string, from?: string, to?: string}} what an address asks for */
export function readView(search) {
  const query = new URLSearchParams(search);
  const site = query.get("site")?.trim() || null;
  const [from, to] = [query.get("from"), query.get("to")];
  const named = query.get("period");
  if (!period(named) && isDay(from) && isDay(to) && from <= to) return { site, period: "custom", from, to };
  return { site, period: period(named) ? named : DEFAULT_PERIOD };
}

/** @returns {string|null} the read key in the fragment of an address, which no server sees */
export const keyIn = (hash) => new URLSearchParams(hash.slice(1)).get("key");

/** The address of a view: relative periods stay relative. */
export function writeView({ site, period: id, from, to }) {
  const query = new URLSearchParams({ site });
  if (id === "custom") for (const [name, day] of Object.entries({ from, to })) query.set(name, day);
  else query.set("period", id);
  return `?${query}`;
}

/**
 * The days of a view.
 * @param {object} view @param {string} today
 * @param {string} [since] the first day with numbers, once it is known
 * @returns {{from: string, to: string}}
 */
export function daysOf(view, today, since = BEFORE_ALL) {
  if (view.period === "custom") return { from: view.from, to: view.to };
  const { first, last } = period(view.period);
  return { from: first === null ? since : addDays(today, -first), to: addDays(today, -last) };
}

/** The same number of days, just before. */
export function previousDays({ from, to }) {
  const length = daysBetween(from, to) + 1;
  return { from: addDays(from, -length), to: addDays(from, -1) };
}

export const labelOf = (view) => period(view.period)?.label ?? "Custom range";

function addDays(day, days) {
  const date = new Date(`${day}T00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);

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
