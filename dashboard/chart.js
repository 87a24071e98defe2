/*
 * Chart: one metric over the intervals of a range, as an area, and as a thin line what it was before.
 * The x axis counts intervals, not seconds, so the site's clock changes cannot bend it. The interval
 * that is still growing is dashed.
 */

import { changeOf } from "./change.js";
import { el, setText } from "./dom.js";
import { axisLabel, intervalName } from "./format.js";
import { t } from "./texts.js";

/** @typedef {{points: import("./series.js").Point[], before: import("./series.js").Point[], metric: import("./metrics.js").Metric, interval: string, onZoom: (from: string, to: string) => void}} Model */

const LABEL_WIDTH = 66;
const SHORTEST_DRAG = 12; // pixels: less is a click
const HOURS_OF_A_DAY = 25; // at most
const FEW_DAYS = 16; // are told by the day of the week
const HOUR_STEPS = [1, 2, 3, 4, 6, 12, 24, 48, 96, 168];
const SECOND_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14_400];
const DAY_STEPS = [1, 2, 3, 5, 7, 10, 14, 21, 28, 42, 56, 91, 182, 364, 728];

export class Chart {
  #plot = null;
  /** @type {Model} */
  #model = null;
  #shape = "";
  #tooltip = el("div", { class: "tooltip", hidden: true });

  /** @param {{root: HTMLElement, legend: HTMLElement, spoken: HTMLElement}} places legend: of the keys */
  constructor({ root, legend, spoken }) {
    Object.assign(this, { root, legend });
    new ResizeObserver(() => this.#resize()).observe(root);
    addEventListener("themechange", () => this.#plot && this.#draw());
    root.addEventListener("keydown", (event) => this.#plot && walk(event, this.#plot, this.#model, spoken));
    root.addEventListener("blur", () => this.#plot?.setCursor({ left: -10, top: -10 }));
  }

  /** Show a model; the plot is made anew only when its shape differs. @param {Model} model */
  show(model) {
    const { metric, interval, points } = model;
    const shape = [metric.id, interval, points.length, points[0]?.start, onlyOne(points), model.before.length > 0].join();
    this.#model = model;
    if (this.#plot && shape === this.#shape) this.#plot.setData(dataOf(model));
    else this.#draw();
    this.#shape = shape;
    drawLegend(this.legend, model);
    this.root.setAttribute("aria-label", summary(model));
  }

  #draw() {
    const old = this.#plot; // stays until the new one is there: an empty place has another width
    this.#tooltip.hidden = true;
    const onCursor = (plot) => moveTooltip(plot, this.#tooltip, this.#model);
    const onSelect = (plot) => zoom(plot, this.#model);
    this.#plot = new uPlot(options(this.root, () => this.#model, { onCursor, onSelect }), dataOf(this.#model), this.root);
    this.#plot.over.append(this.#tooltip);
    old?.destroy();
  }

  #resize() {
    if (this.#plot && this.root.clientWidth > 0) this.#plot.setSize(sizeOf(this.root));
  }
}

const onlyOne = (points) => points.filter((point) => point.phase !== "future").length === 1;
const sizeOf = (root) => ({ width: root.clientWidth, height: root.clientHeight });

/** The values of a metric in two rows: up to now, and the last stretch that is still growing. */
function rowsOf(points, id) {
  const value = (point) => (point.phase === "future" ? null : (point[id] ?? null));
  const open = points.findIndex((point) => point.phase === "current");
  const solid = points.map((point) => (point.phase === "current" ? null : value(point)));
  const growing = points.map((point, i) => (open !== -1 && (i === open || i === open - 1) ? value(point) : null));
  return [solid, growing];
}

function dataOf({ points, before, metric }) {
  const xs = points.map((_, i) => i);
  return [xs, xs.map((i) => before[i]?.[metric.id] ?? null), ...rowsOf(points, metric.id)];
}

function options(root, model, { onCursor, onSelect }) {
  const ink = inks();
  const { points, metric } = model();
  return {
    ...sizeOf(root),
    padding: [8, LABEL_WIDTH / 2, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false, dist: SHORTEST_DRAG },
      move: (u, left, top) => [left < 0 ? left : u.valToPos(u.posToIdx(left), "x"), top],
      points: { size: 9, width: 2, stroke: (u, i) => u.series[i].stroke(u, i), fill: () => ink.surface },
    },
    scales: {
      x: { time: false, range: () => (points.length > 1 ? [0, points.length - 1] : [-0.5, 0.5]) },
      y: { range: (u, low, high) => [0, ceiling(high, metric)] },
    },
    axes: [timeAxis(ink, model), valueAxis(ink, model)],
    series: [{}, ...lines(ink, onlyOne(points))],
    hooks: { setCursor: [onCursor], setSelect: [onSelect] },
  };
}

function lines(ink, lonely) {
  const paths = uPlot.paths.linear();
  const points = (stroke) => ({ show: lonely, size: 7, fill: stroke });
  const line = (stroke, extra) => ({ stroke, width: 2, paths, points: points(stroke), ...extra });
  const fill = (u) => shade(u, ink);
  return [
    line(ink.quiet, { width: 1.25, dash: [2, 4] }),
    line(ink.accent, { fill }),
    line(ink.accent, { dash: [4, 5] }),
  ];
}

/** From the highest point of the area down to the axis. */
function shade(u, ink) {
  const bottom = u.bbox.top + u.bbox.height;
  const highest = Math.max(0, ...u.data.slice(-2).flat()) || u.scales.y.max;
  const top = Math.min(bottom - 1, u.valToPos(highest, "y", true));
  const gradient = u.ctx.createLinearGradient(0, Number.isFinite(top) ? top : u.bbox.top, 0, bottom);
  gradient.addColorStop(0, ink.areaTop);
  gradient.addColorStop(1, ink.areaBottom);
  return gradient;
}

function timeAxis(ink, model) {
  return {
    ...axis(ink),
    size: 34,
    gap: 10,
    splits: (u) => {
      const { points, interval } = model();
      const steps = interval === "hour" ? HOUR_STEPS : DAY_STEPS;
      const room = Math.max(1, Math.floor(u.bbox.width / devicePixelRatio / LABEL_WIDTH));
      const step = steps.find((candidate) => points.length / candidate <= room) ?? steps.at(-1);
      return points.map((_, i) => i).filter((i) => i % step === 0);
    },
    values: (u, splits) => {
      const { points, interval } = model();
      const span = { isShort: points.length <= FEW_DAYS, hasDays: points.length > HOURS_OF_A_DAY };
      return splits.map((i) => axisLabel(points[i]?.start ?? "", interval, span));
    },
    grid: { show: false },
  };
}

function valueAxis(ink, model) {
  return {
    ...axis(ink),
    size: 46,
    gap: 8,
    splits: (u) => {
      const top = u.scales.y.max;
      return Array.from({ length: 5 }, (_, i) => (top * i) / 4);
    },
    values: (u, splits) => splits.map((value) => model().metric.tick(value)),
    grid: { stroke: ink.line, width: 1 },
  };
}

const axis = (ink) => ({ stroke: ink.muted, font: ink.font, ticks: { show: false }, border: { show: false } });

/** The next round number above, in a way that its quarters are round, too. */
function ceiling(high, { id, counted, isShare }) {
  if (isShare) return [0.04, 0.1, 0.2, 0.4].find((top) => top >= high) ?? (high > 0.6 || high === null ? 1 : 0.6);
  if (id === "visit_duration_seconds") return 4 * (SECOND_STEPS.find((step) => 4 * step >= high) ?? high / 4);
  const quarter = Math.max(high ?? 0, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(quarter));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].find((factor) => factor * power >= quarter) * power;
  return 4 * (counted && step < 10 ? Math.ceil(step) : step);
}

function inks() {
  const style = getComputedStyle(document.documentElement);
  const ink = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    accent: ink("accent"), quiet: ink("quiet"), muted: ink("muted"), line: ink("grid"), surface: ink("surface"),
    areaTop: ink("area-top"), areaBottom: ink("area-bottom"),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
  };
}

function drawLegend(root, { metric, before }) {
  const entry = (kind, label) => el("span", { class: `key key-${kind}` }, label);
  root.replaceChildren(entry("main", metric.label), ...(before.length ? [entry("quiet", t("chart.before"))] : []));
}

/** Now, before, and the change. */
function moveTooltip(u, tooltip, model) {
  const point = model.points[u.cursor.idx ?? -1];
  const earlier = model.before[u.cursor.idx ?? -1];
  const isComing = point?.phase === "future";
  tooltip.hidden = !point || u.cursor.left < 0 || (isComing && !earlier);
  if (tooltip.hidden) return;
  const { metric, interval } = model;
  const row = (kind, label, value) => el("div", { class: `tooltip-row key key-${kind}` },
    el("span", { text: label }), el("b", { text: metric.format(value) }));
  const rows = isComing ? [] : [row("main", metric.label, point[metric.id])];
  if (earlier) rows.push(row("quiet", intervalName(earlier.start, interval), earlier[metric.id]));
  tooltip.replaceChildren(el("div", { class: "tooltip-title", text: intervalName(point.start, interval) }), ...rows, ...note(model, point, earlier));
  const x = u.valToPos(u.cursor.idx, "x");
  const flip = x + tooltip.offsetWidth + 18 > u.over.clientWidth;
  const left = flip ? Math.max(0, x - tooltip.offsetWidth - 14) : x + 14;
  tooltip.style.transform = `translate(${Math.round(left)}px, 8px)`;
}

function note({ metric }, point, earlier) {
  if (point.phase === "future") return [];
  if (point.phase === "current") return [el("div", { class: "tooltip-note", text: t("chart.growing") })];
  const change = changeOf(metric, point, earlier);
  return change ? [el("div", { class: "tooltip-note change", dataset: { tone: change.tone }, text: change.text })] : [];
}

/** Take the intervals that were dragged over as the range of days. */
function zoom(plot, model) {
  const { left, width } = plot.select;
  if (width < SHORTEST_DRAG) return;
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (model.interval !== "day") return;
  const last = model.points.length - 1;
  const at = (x) => Math.min(last, Math.max(0, plot.posToIdx(x)));
  model.onZoom(...[at(left), at(left + width)].map((i) => model.points[i].start.slice(0, 10)));
}

/** Arrow keys move along the intervals and have each read out; Enter takes the day as the range. */
function walk(event, plot, model, spoken) {
  const last = model.points.findLastIndex((point) => point.phase !== "future");
  const at = plot.cursor.left >= 0 ? plot.cursor.idx : null;
  if (event.key === "Enter" && at !== null && model.interval === "day") {
    return model.onZoom(model.points[at].start.slice(0, 10), model.points[at].start.slice(0, 10));
  }
  const target = { ArrowLeft: (at ?? last + 1) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: last }[event.key];
  if (target === undefined || last < 0) return;
  event.preventDefault();
  event.stopPropagation();
  const index = Math.min(last, Math.max(0, target));
  plot.setCursor({ left: plot.valToPos(index, "x"), top: 10 });
  setText(spoken, sentence(model, index));
}

function sentence({ metric, interval, points, before }, index) {
  const name = intervalName(points[index].start, interval);
  const value = `${metric.format(points[index][metric.id])} ${metric.label}`;
  if (!before[index]) return `${name}: ${value}`;
  const change = changeOf(metric, points[index], before[index]);
  const earlier = t("chart.spoken_before", { value: metric.format(before[index][metric.id]) });
  return [`${name}: ${value}`, earlier, change?.spoken].filter(Boolean).join(", ");
}

function summary({ points, metric, interval }) {
  const lived = points.filter((point) => point.phase !== "future");
  const best = lived.reduce((top, point) => ((point[metric.id] ?? 0) > (top?.[metric.id] ?? -1) ? point : top), null);
  const most = best ? t("chart.highest", { value: metric.format(best[metric.id]), when: intervalName(best.start, interval) }) : "";
  return [t(`chart.per_${interval}`, { metric: metric.label }), most, t("chart.keys")].filter(Boolean).join(" ");
}
