/*
 * Series: the intervals of a range as the chart and the comparison need them. The answer has every
 * interval of the range; each says here whether it is past, current (still growing) or future.
 */

/**
 * @typedef {object} Point an interval of the answer's series
 * @property {string} start
 * @property {"past"|"current"|"future"} phase
 * @property {number} visitors
 * @property {number} visits
 * @property {number} pageviews
 */

/**
 * @param {object} stats an answer of /api/stats
 * @param {string} clock the site's wall clock, "2026-11-22T14:05"
 * @returns {Point[]}
 */
export function pointsOf(stats, clock) {
  const precision = stats.interval === "hour" ? 13 : 10;
  const now = clock.slice(0, precision);
  return stats.series.map((point) => {
    const at = point.start.slice(0, precision);
    return { ...point, phase: at === now ? "current" : at > now ? "future" : "past" };
  });
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
