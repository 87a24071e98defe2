/*
 * Series: the intervals of a range as the chart and the comparison need them. The answer has every
 * interval of the range; each says here whether it is past, current (still growing) or future.
 */

/**
 * @typedef {object} Point an interval of the answer's series
 * @property {string} start
 * @property {"past"|"current"|"future"} phase
 * @property {boolean} settled past for so long that the visits which began in it have ended
 * @property {number} visitors
 * @property {number} visits
 * @property {number} pageviews
 */

const LONGEST_PAUSE = 30 * 60_000; // in a visit, in milliseconds

const PRECISION = { hour: 13, day: 10, month: 7 }; // characters of a start that name its interval
const DAY = 86_400_000;

/** The name of the interval that a moment is in; names are ordered as the intervals are. */
function intervalAt(moment, interval) {
  if (interval !== "week") return moment.slice(0, PRECISION[interval]);
  const day = new Date(`${moment.slice(0, 10)}T00:00Z`);
  return new Date(day.getTime() - ((day.getUTCDay() + 6) % 7) * DAY).toISOString().slice(0, 10); // its Monday
}

/**
 * @param {object} stats an answer of /api/stats
 * @param {string} clock the site's wall clock, "2026-11-22T14:05"
 * @returns {Point[]}
 */
export function pointsOf(stats, clock) {
  const now = intervalAt(clock, stats.interval);
  const ended = intervalAt(new Date(Date.parse(`${clock}Z`) - LONGEST_PAUSE).toISOString(), stats.interval);
  return stats.series.map((point) => {
    const at = intervalAt(point.start, stats.interval);
    return { ...point, phase: at === now ? "current" : at > now ? "future" : "past", settled: at < ended };
  });
}

/** Rates, each with the metric that weighs its intervals. They hang on visits that have ended. */
const RATES = { bounce_rate: "visits", visit_duration_seconds: "visits", views_per_visit: "visits" };

/**
 * The change of a metric against the previous range: a fraction, or for `bounce_rate` a difference.
 * Intervals that are not complete are left out on both sides, so that like is compared with like.
 * Null when nothing complete is there to compare.
 * @param {string} metric
 * @param {{interval: string, totals: object, points: Point[]}} current
 * @param {{totals: object, points: Point[]}|null} previous
 */
export function change(metric, current, previous) {
  if (!previous?.totals.pageviews && !previous?.totals.visits) return null;
  const [now, before] = likeWithLike(metric, current, previous).map((side) => valueOf(metric, side));
  if (typeof now !== "number" || typeof before !== "number") return null;
  if (metric === "bounce_rate") return now - before;
  return before > 0 ? (now - before) / before : null;
}

/** How many intervals from the first on are past. @param {{points: Point[]}} range */
export function pastIntervals({ points }) {
  const open = points.findIndex((point) => point.phase !== "past");
  return open === -1 ? points.length : open;
}

/** Both ranges up to what is complete in the first; a range that is complete keeps its totals. */
function likeWithLike(metric, current, previous) {
  const isComplete = (point) => (metric in RATES ? point.settled : point.phase === "past");
  const open = current.points.findIndex((point) => !isComplete(point));
  if (open === -1) return [current, previous];
  const end = hourOf(current.points[open]);
  const isOneDay = current.interval === "hour" && dayOf(current.points[0]) === dayOf(current.points.at(-1));
  const isBefore = (point, i) => (isOneDay ? hourOf(point) < end : i < open);
  return [current, previous].map(({ points }) => ({ points: points.filter(isBefore) }));
}

/** Not the position: days on which the clock is changed have 23 or 25 hours. */
const dayOf = (point) => point.start.slice(0, 10);
const hourOf = (point) => point.start.slice(11, 13);

/** A metric of a whole range or of some of its intervals; null where there is none. */
function valueOf(metric, { totals, points }) {
  if (totals) return totals[metric];
  if (points.length === 0) return null;
  const weight = RATES[metric];
  if (!weight) return sum(points, (point) => point[metric]);
  const whole = sum(points, (point) => point[weight]);
  return whole > 0 ? sum(points, (point) => (point[metric] ?? 0) * (point[weight] ?? 0)) / whole : null;
}

const sum = (points, value) => points.reduce((total, point) => total + (value(point) ?? 0), 0);
