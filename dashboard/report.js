/*
 * Report: the numbers of a view. The plain ones come from /api/stats, at once; what only raw events can
 * answer, filters, goals and the comparison of like with like, from /api/query. Where a server has no
 * /api/query, whole intervals are compared here (series.js), and nothing can be filtered.
 */

import { ApiError, fetchQuery, fetchStats } from "./api.js";
import { changeBy, changeOf } from "./change.js";
import { change, pointsOf } from "./series.js";
import { comparedDays, drawsGoal, filterText, isPlain, stepsOf } from "./view.js";

const COMPARED_EVERY = 60_000;
/** The events of the day that is cut have come, but cannot be asked for a moment yet. */
const NOT_READY = "not_ready";

/** The comparison as /api/query is asked for it. */
const compareOf = ({ compare, period }) => (compare === "none" || period === "all" ? undefined : compare);

export class Questions {
  #compared = null; // the last comparison: {name, at, comparison}
  #before = null; // a range of closed days: {name, stats}
  /** Whether this server answers /api/query: null as long as nobody has asked. */
  canQuery = null;

  forget() {
    this.#compared = null;
    this.#before = null;
  }

  /**
   * The numbers of a range.
   * @param {import("./view.js").View} view
   * @param {object} days
   * @param {{limit: number, breakdowns: string[]}} wanted of rollups all breakdowns come, of events the wanted ones
   */
  async numbers(view, days, { limit, breakdowns }, signal) {
    const interval = intervalOf(view, days);
    if (isPlain(view)) return fetchStats(view.site, { ...days, interval, limit }, signal);
    return this.query(view, days, { interval, limit, breakdowns: breakdowns.join(), compare: compareOf(view), goal: drawsGoal(view) ? view.goal : null }, signal);
  }

  /** One question of /api/query, with the filters of a view, and filters that are its own. */
  async query(view, days, { also = [], ...more }, signal) {
    const asked = { ...days, filter: [...view.filters.map(filterText), ...also], ...more };
    try {
      const answer = await fetchQuery(view.site, asked, signal);
      this.canQuery = true;
      return answer;
    } catch (error) {
      if (error instanceof ApiError && error.unanswerable) this.canQuery = false;
      else if (error instanceof ApiError && error.status === 422) this.canQuery = true;
      throw error;
    }
  }

  /** What was compared last, if it is of the same question. */
  kept(view, days) {
    return this.#compared?.name === nameOf(view, days) ? this.#compared.comparison : null;
  }

  /**
   * What a range is compared with.
   * @param {object} stats the answer for the range itself; `breakdowns`: whose rows are compared
   * @returns {Promise<object|null>} {from, to, series, rows, change, reason}, null: no comparison is wished
   */
  async comparison(view, days, { stats, clock, limit, breakdowns }, signal) {
    const compare = compareOf(view);
    if (!compare) return null;
    const name = nameOf(view, days);
    const isFresh = this.#compared?.name === name && Date.now() - this.#compared.at < COMPARED_EVERY;
    if (isPlain(view) && isFresh) return this.#compared.comparison;
    const comparison = await this.#compare(view, days, { stats, clock, limit, breakdowns, compare }, signal);
    this.#compared = { name, at: comparison?.isMakeshift ? 0 : Date.now(), comparison };
    return comparison;
  }

  async #compare(view, days, { stats, clock, limit, breakdowns, compare }, signal) {
    if ("comparison" in stats) return fromQuery(stats);
    if (this.canQuery !== false) {
      try {
        const found = fromQuery(await this.query(view, days, { interval: intervalOf(view, days), compare, limit, breakdowns: breakdowns.join() }, signal));
        if (found.reason !== NOT_READY) return found;
      } catch (error) {
        if (!(error instanceof ApiError) || signal.aborted) throw error;
      }
    }
    const found = await this.#byIntervals(view, days, { stats, clock, compare }, signal);
    return found && { ...found, isMakeshift: this.canQuery === true };
  }

  /** Where /api/query has no answer: whole intervals against whole intervals. */
  async #byIntervals(view, days, { stats, clock, compare }, signal) {
    const before = comparedDays(compare, days);
    const earlier = await this.#earlier(view.site, { ...before, interval: stats.interval }, signal);
    if (!earlier) return null;
    const [here, there] = [stats, earlier].map((one) => ({ ...one, points: pointsOf(one, clock) }));
    const { visits, pageviews } = earlier.totals;
    if (!visits && !pageviews) return { ...before, reason: "no_earlier_data" };
    const isWhole = here.points.every((point) => point.phase === "past");
    return {
      ...before,
      series: there.points,
      extent: isWhole ? "whole" : here.points[0]?.phase === "past" ? stats.interval : "none",
      change: (metric) => changeBy(metric, change(metric.id, here, there), here.totals, there.totals),
    };
  }

  async #earlier(site, days, signal) {
    const name = [site, ...Object.values(days)].join();
    if (this.#before?.name === name) return this.#before.stats;
    try {
      const stats = await fetchStats(site, { ...days, limit: 1 }, signal);
      this.#before = { name, stats };
      return stats;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return null;
    }
  }
}

const nameOf = (view, days) => JSON.stringify([view.site, days, view.compare, view.interval, view.filters, drawsGoal(view) && view.goal]);

/** The step that is wished, where the range can be drawn so. */
const intervalOf = ({ interval }, days) => (stepsOf(days).includes(interval) ? interval : undefined);

/** An answer of /api/query with a comparison. */
function fromQuery(answer) {
  const { comparison, comparison_reason: reason, breakdowns, totals } = answer;
  if (!comparison) return { reason: reason ?? "no_earlier_data" };
  const rows = Object.entries(breakdowns ?? {}).map(([dimension, list]) =>
    [dimension, new Map(list.map((row) => [rowKey(row), row]))]);
  return {
    from: comparison.from,
    to: comparison.to,
    extent: comparison.until ? "cut" : "whole",
    series: comparison.series ?? [],
    rows: Object.fromEntries(rows),
    change: (metric) => changeOf(metric, totals, comparison.totals),
  };
}

const rowKey = (row) => `${row.kind ?? ""} ${row.value}`;

/** What the page shows: an answer, its points, and what it is compared with. */
export function reportOf(stats, comparison, clock) {
  const { pageviews, visits, events } = stats.totals;
  return {
    stats,
    comparison,
    totals: stats.totals,
    interval: stats.interval,
    points: pointsOf(stats, clock),
    before: comparison?.series ?? [],
    change: (metric) => comparison?.change?.(metric) ?? null,
    /** Whether the rows of a dimension are there, and compared if any are. */
    has: (dimension) => dimension in (stats.breakdowns ?? {}) && dimension in (comparison?.rows ?? stats.breakdowns),
    rows: (dimension) => (stats.breakdowns?.[dimension] ?? []).map((row) => withBefore(row, comparison?.rows?.[dimension])),
    isEmpty: !pageviews && !visits && !events,
  };
}

/** A row with what it was before; its change is that of the answer which compared it. */
function withBefore(row, compared) {
  if (row.before || !compared) return row;
  const same = compared.get(rowKey(row));
  return same?.before ? { ...row, before: same.before } : row;
}
