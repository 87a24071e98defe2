/*
 * Metrics: what the totals row shows, in order, and how each is worded, explained and judged.
 */

import { compact, count, decimal, duration, percent, wholePercent } from "./format.js";

/**
 * @typedef {object} Metric
 * @property {string} id its name in the API
 * @property {string} label
 * @property {string} meaning shown on hover
 * @property {(value: number|null) => string} format
 * @property {(value: number) => string} tick on the chart's axis
 * @property {boolean} [counted] a whole number, and so are the marks of its axis
 * @property {boolean} [lowerIsBetter]
 */

/** @type {Metric[]} */
export const METRICS = [
  {
    id: "visitors", label: "Visitors", format: count, tick: compact, counted: true,
    meaning: "Distinct visitors per day, in the site's time zone; a range is the sum of its days",
  },
  {
    id: "visits", label: "Visits", format: count, tick: compact, counted: true,
    meaning: "Events of one visitor with no gap over 30 minutes",
  },
  {
    id: "pageviews", label: "Pageviews", format: count, tick: compact, counted: true,
    meaning: "Pages shown",
  },
  {
    id: "views_per_visit", label: "Views per visit", format: decimal, tick: decimal,
    meaning: "Pageviews divided by visits",
  },
  {
    id: "bounce_rate", label: "Bounce rate", format: percent, tick: wholePercent, lowerIsBetter: true,
    meaning: "Visits with one pageview and no custom event",
  },
  {
    id: "visit_duration_seconds", label: "Visit duration", format: duration, tick: duration,
    meaning: "Average time from the first to the last event of a visit; bounces count as 0",
  },
];

/** @returns {Metric} */
export const metricOf = (id) => METRICS.find((metric) => metric.id === id);
