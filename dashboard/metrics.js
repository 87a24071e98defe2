/*
 * Metrics: what the numbers of the page are, in order, and how each is worded and judged.
 */

import { compact, count, decimal, duration, percent, wholePercent } from "./format.js";
import { t } from "./texts.js";

/**
 * @typedef {object} Metric
 * @property {string} id its name in the API
 * @property {string} label
 * @property {string} meaning shown on hover
 * @property {(value: number|null) => string} format
 * @property {(value: number) => string} tick on the chart's axis
 * @property {boolean} [counted] a whole number, and so are the marks of its axis
 * @property {boolean} [isShare] between 0 and 1: it changes by points
 * @property {boolean} [lowerIsBetter]
 */

const metric = (id, traits) => ({ id, label: t(`metric.${id}`), meaning: t(`meaning.${id}`), ...traits });
const COUNTED = { format: count, tick: compact, counted: true };
const SHARE = { format: percent, tick: wholePercent, isShare: true };

/** @type {Metric[]} */
export const METRICS = [
  metric("visitors", COUNTED),
  metric("visits", COUNTED),
  metric("pageviews", COUNTED),
  metric("bounce_rate", { ...SHARE, lowerIsBetter: true }),
  metric("visit_duration_seconds", { format: duration, tick: duration }),
  metric("views_per_visit", { format: decimal, tick: decimal }),
];

/** In the place of the last total where a goal is chosen. */
export const CONVERSION = metric("conversion_rate", SHARE);

const OTHERS = [
  metric("events", COUNTED),
  metric("conversions", COUNTED),
  CONVERSION,
  metric("read_rate", { format: wholePercent, tick: wholePercent, isShare: true }),
];

/** @returns {Metric} */
export const metricOf = (id) => [...METRICS, ...OTHERS].find((one) => one.id === id) ?? METRICS[0];
