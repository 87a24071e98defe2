/*
 * Change: how a number differs from the one before it, and whether that is worth a colour: only above a
 * twentieth, and beyond what chance does to so few visits.
 */

import { oneDecimalPoints, wholePercent } from "./format.js";
import { t } from "./texts.js";

const HIGHEST = 9.99; // beyond +999% a percentage says nothing
const SLIGHT = 0.05;
const SLIGHT_POINTS = 0.02;
const DEVIATIONS = 2;
const SPREAD = 1.5; // of visit durations: standard deviation by mean, as sites have it

/**
 * @typedef {object} Change
 * @property {string} text "+12%", "−3%", "+0.6 pp"
 * @property {string} spoken "up 12%"
 * @property {"good"|"bad"|"same"} tone
 * @property {number} amount a share, or for a share its difference
 */

/**
 * @param {import("./metrics.js").Metric} metric
 * @param {object|null|undefined} now the metrics of this range
 * @param {object|null|undefined} before those it is compared with
 * @returns {Change|null} null where there is nothing to compare
 */
export function changeOf(metric, now, before) {
  const [here, there] = [now?.[metric.id], before?.[metric.id]];
  if (typeof here !== "number" || typeof there !== "number") return null;
  if (metric.isShare) return worded(metric, here - there, isBeyondChance(metric, now, before));
  if (there <= 0) return null;
  return worded(metric, (here - there) / there, isBeyondChance(metric, now, before));
}

/** @param {number|null} amount as change() of series.js gives it */
export function changeBy(metric, amount, now, before) {
  return amount === null ? null : worded(metric, amount, isBeyondChance(metric, now, before));
}

function worded(metric, amount, isBeyond) {
  const size = Math.abs(amount);
  const figure = metric.isShare ? oneDecimalPoints(size) : size > HIGHEST ? ">999%" : wholePercent(size);
  const isSame = /^0\D*$|^0[.,]0\D*$/.test(figure);
  const isUp = amount > 0;
  const isSlight = size < (metric.isShare ? SLIGHT_POINTS : SLIGHT) || !isBeyond;
  return {
    amount,
    text: isSame ? figure : figure.startsWith(">") ? figure.replace(">", ">+") : `${isUp ? "+" : "−"}${figure}`,
    spoken: isSame ? t("change.same") : t(isUp ? "change.up" : "change.down", { by: figure }),
    tone: isSlight || isSame ? "same" : isUp === Boolean(metric.lowerIsBetter) ? "bad" : "good",
  };
}

/** Counts are Poisson's, shares binomial, means as spread as visits are. */
function isBeyondChance(metric, now, before) {
  const [here, there] = [now?.[metric.id] ?? 0, before?.[metric.id] ?? 0];
  if (metric.counted) return Math.abs(here - there) > DEVIATIONS * Math.sqrt(here + there);
  const weight = metric.id === "conversion_rate" ? "visitors" : "visits";
  const [some, others] = [now?.[weight] ?? now?.visitors ?? 0, before?.[weight] ?? before?.visitors ?? 0];
  if (some <= 0 || others <= 0) return false;
  const scatter = Math.sqrt(1 / some + 1 / others);
  const pooled = (here * some + there * others) / (some + others);
  const deviation = metric.isShare ? Math.sqrt(pooled * (1 - pooled)) : SPREAD * pooled;
  return Math.abs(here - there) > DEVIATIONS * deviation * scatter;
}
