/*
 * Series: the intervals of a range as the chart and the comparison need them. Every interval of the
 * range is there, and each says whether it is past, current (still growing) or future.
 */

import { addDays, daysBetween } from "./view.js";

/**
 * @typedef {object} Point an interval of the answer's series
 * @property {string} start
 * @property {"past"|"current"|"future"} phase
 * @property {number} visitors
 * @property {number} visits
 * @property {number} pageviews
 */

const LONGEST = 3700; // a safeguard: no answer makes the page draw more points than this

/**
 * @param {object} stats an answer of /api/stats
 * @param {string} clock the site's wall clock, "2026-11-22T14:05"
 * @returns {Point[]}
 */
export function pointsOf(stats, clock) {
  const precision = stats.interval === "hour" ? 13 : 10;
  const now = clock.slice(0, precision);
  return complete(stats, precision).map((point) => {
    const at = point.start.slice(0, precision);
    return { ...point, phase: at === now ? "current" : at > now ? "future" : "past" };
  });
}

/** Add the intervals that an answer left out. A day with a clock change keeps its 23 or 25 hours. */
function complete(stats, precision) {
  const series = stats.series ?? [];
  const present = new Set(series.map((point) => point.start.slice(0, precision)));
  if (stats.interval === "hour" && series.length >= 23) return series;
  const missing = startsOf(stats).filter((start) => !present.has(start.slice(0, precision)));
  const zeros = missing.map((start) => ({ start, visitors: 0, visits: 0, pageviews: 0, events: 0 }));
  const at = (point) => point.start.slice(0, precision);
  return [...series, ...zeros].sort((a, b) => (at(a) < at(b) ? -1 : Number(at(a) > at(b))));
}

function startsOf({ interval, from, to }) {
  const two = (n) => String(n).padStart(2, "0");
  if (interval === "hour") return Array.from({ length: 24 }, (_, hour) => `${from}T${two(hour)}:00:00`);
  const length = Math.min(LONGEST, daysBetween(from, to) + 1);
  return Array.from({ length }, (_, day) => `${addDays(from, day)}T00:00:00`);
}

const ADDITIVE = new Set(["visitors", "visits", "pageviews", "events"]);

/**
 * The change of a metric against the previous range: a fraction, or for `bounce_rate` a difference.
 * While the last interval is still growing, sums leave it out on both sides, so that like is compared
 * with like. Null when there is nothing to compare.
 * @param {string} metric
 * @param {{totals: object, points: Point[]}} current
 * @param {{totals: object, points: Point[]}|null} previous
 */
export function change(metric, current, previous) {
  if (!previous?.totals.pageviews && !previous?.totals.visits) return null;
  const [now, before] = ADDITIVE.has(metric)
    ? fairSums(metric, current, previous)
    : [current.totals[metric], previous.totals[metric]];
  if (typeof now !== "number" || typeof before !== "number") return null;
  if (metric === "bounce_rate") return now - before;
  return before > 0 ? (now - before) / before : null;
}

function fairSums(metric, current, previous) {
  const open = current.points.findIndex((point) => point.phase !== "past");
  if (open === -1) return [current.totals[metric], previous.totals[metric]];
  const sum = (points) => points.slice(0, open).reduce((total, point) => total + (point[metric] ?? 0), 0);
  return [sum(current.points), sum(previous.points)];
}
