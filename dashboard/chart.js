/*
 * Chart: one metric over the intervals of a range, as an area, and as a thin line what it was before.
 * The x axis counts intervals, not seconds, so the site's clock changes cannot bend it. The interval
 * that is still growing is dashed.
 */

import { el, setText } from "./dom.js";
import { axisLabel, intervalName } from "./format.js";

/** @typedef {{points: import("./series.js").Point[], before: import("./series.js").Point[], metric: import("./metrics.js").Metric, interval: string}} Model */

const LABEL_WIDTH = 66;
const HOUR_STEPS = [1, 2, 3, 4, 6, 12];
const SECOND_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14_400];
const DAY_STEPS = [1, 2, 3, 5, 7, 10, 14, 21, 28, 42, 56, 91, 182, 364, 728];

export class Chart {
  #plot = null;
  /** @type {Model} */
  #model = null;
  #shape = "";
  #tooltip = el("div", { class: "tooltip", hidden: true });

  /** @param {{root: HTMLElement, legend: HTMLElement, spoken: HTMLElement}} places */
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
    this.#plot = new uPlot(options(this.root, () => this.#model, onCursor), dataOf(this.#model), this.root);
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

function options(root, model, onCursor) {
  const ink = inks();
  const { points, metric } = model();
  return {
    ...sizeOf(root),
    padding: [10, LABEL_WIDTH / 2, 0, 4],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      move: (u, left, top) => [left < 0 ? left : u.valToPos(u.posToIdx(left), "x"), top],
      points: { size: 9, width: 2, stroke: (u, i) => u.series[i].stroke(u, i), fill: () => ink.surface },
    },
    scales: {
      x: { time: false, range: () => (points.length > 1 ? [0, points.length - 1] : [-0.5, 0.5]) },
      y: { range: (u, low, high) => [0, ceiling(high, metric)] },
    },
    axes: [timeAxis(ink, model), valueAxis(ink, model)],
    series: [{}, ...lines(ink, onlyOne(points))],
    hooks: { setCursor: [onCursor] },
  };
}

function lines(ink, lonely) {
  const paths = uPlot.paths.linear();
  const points = (stroke) => ({ show: lonely, size: 7, fill: stroke });
  const line = (stroke, extra) => ({ stroke, width: 2, paths, points: points(stroke), ...extra });
  const fill = (u) => shade(u, ink);
  return [
    line(ink.quiet, { width: 1.5, dash: [2, 4] }),
    line(ink.accent, { fill }),
    line(ink.accent, { fill, dash: [4, 5] }),
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
    size: 38,
    gap: 12,
    splits: (u) => {
      const { points, interval } = model();
      const steps = interval === "hour" ? HOUR_STEPS : DAY_STEPS;
      const room = Math.max(1, Math.floor(u.bbox.width / devicePixelRatio / LABEL_WIDTH));
      const step = steps.find((candidate) => points.length / candidate <= room) ?? steps.at(-1);
      return points.map((_, i) => i).filter((i) => i % step === 0);
    },
    values: (u, splits) => splits.map((i) => axisLabel(model().points[i]?.start ?? "", model().interval)),
    grid: { show: false },
  };
}

function valueAxis(ink, model) {
  return {
    ...axis(ink),
    size: 52,
    gap: 10,
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
function ceiling(high, { id, counted }) {
  if (id === "bounce_rate") return 1;
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
  root.replaceChildren(entry("main", metric.label), ...(before.length ? [entry("quiet", "Period before")] : []));
}

function moveTooltip(u, tooltip, model) {
  const point = model.points[u.cursor.idx ?? -1];
  tooltip.hidden = !point || point.phase === "future" || u.cursor.left < 0;
  if (tooltip.hidden) return;
  const earlier = model.before[u.cursor.idx];
  const rows = [[model.metric.label, point], ...(earlier ? [[nameOf(earlier, model), earlier]] : [])].map(
    ([label, { [model.metric.id]: value }], i) =>
      el("div", { class: `tooltip-row key key-${i ? "quiet" : "main"}` },
        el("span", { text: label }), el("b", { text: model.metric.format(value) })));
  const title = el("div", { class: "tooltip-title", text: intervalName(point.start, model.interval) });
  const note = el("div", { class: "tooltip-note", text: "still counting", hidden: point.phase !== "current" });
  tooltip.replaceChildren(title, ...rows, note);
  const x = u.valToPos(u.cursor.idx, "x");
  const flip = x + tooltip.offsetWidth + 18 > u.over.clientWidth;
  const left = flip ? Math.max(0, x - tooltip.offsetWidth - 14) : x + 14;
  tooltip.style.transform = `translate(${Math.round(left)}px, 8px)`;
}

const nameOf = (point, { interval }) => intervalName(point.start, interval);

/** Arrow keys move along the intervals and have each read out. */
function walk(event, plot, model, spoken) {
  const last = model.points.findLastIndex((point) => point.phase !== "future");
  const at = plot.cursor.left >= 0 ? plot.cursor.idx : null;
  const target = { ArrowLeft: (at ?? last + 1) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: last }[event.key];
  if (target === undefined || last < 0) return;
  event.preventDefault();
  const index = Math.min(last, Math.max(0, target));
  plot.setCursor({ left: plot.valToPos(index, "x"), top: 10 });
  const { metric, interval, points } = model;
  const value = `${metric.format(points[index][metric.id])} ${metric.label}`;
  setText(spoken, `${intervalName(points[index].start, interval)}: ${value}`);
}

function summary({ points, metric, interval }) {
  const lived = points.filter((point) => point.phase !== "future");
  const best = lived.reduce((top, point) => ((point[metric.id] ?? 0) > (top?.[metric.id] ?? -1) ? point : top), null);
  const most = best ? ` Highest: ${metric.format(best[metric.id])}, ${intervalName(best.start, interval)}.` : "";
  return `${metric.label} per ${interval}.${most} Use the arrow keys to read single values.`;
}
