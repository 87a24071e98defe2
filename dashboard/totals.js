/*
 * Totals: the row of big numbers. Each is a button which has the chart draw it.
 */

import { el, setText } from "./dom.js";
import { wholePercent } from "./format.js";
import { METRICS } from "./metrics.js";
import { change } from "./series.js";

const HIGHEST = 9.99; // beyond +999% a percentage says nothing
const SLIGHT = 0.05; // below this a change is neither good nor bad
const SLIGHT_POINTS = 0.02;

/**
 * @param {HTMLElement} root
 * @param {(id: string) => void} choose
 */
export function createTotals(root, choose) {
  const cells = new Map(METRICS.map((metric) => [metric.id, createCell(metric, choose)]));
  root.replaceChildren(...[...cells.values()].map((cell) => cell.node));
  return {
    /** @param {object} current @param {object|null} previous both {totals, points} */
    show(current, previous) {
      for (const metric of METRICS) showCell(cells.get(metric.id), metric, current, previous);
    },
    select(id) {
      for (const [metric, { node }] of cells) {
        node.setAttribute("aria-pressed", String(metric === id));
      }
    },
    clear() {
      for (const cell of cells.values()) {
        setText(cell.value, "");
        cell.value.classList.add("skeleton");
        cell.change.hidden = true;
      }
    },
  };
}

function createCell(metric, choose) {
  const value = el("span", { class: "total-value skeleton", dataset: { testid: `total-${metric.id}` } });
  const change = el("span", { class: "total-change", hidden: true });
  const label = el("span", { class: "label", text: metric.label });
  const figures = el("span", { class: "total-figures" }, value, change);
  const node = el("button", { class: "total", title: metric.meaning, type: "button" }, label, figures);
  node.addEventListener("click", () => choose(metric.id));
  return { node, value, change };
}

function showCell(cell, metric, current, previous) {
  const value = current.totals[metric.id];
  setText(cell.value, metric.format(value));
  cell.value.dataset.value = String(value ?? "");
  cell.value.classList.remove("skeleton");
  showChange(cell.change, metric, change(metric.id, current, previous));
}

function showChange(node, metric, amount) {
  node.hidden = amount === null;
  if (amount === null) return;
  const figure = changeFigure(metric, Math.abs(amount));
  const same = /^0\D*$/.test(figure);
  const up = amount > 0;
  const slight = Math.abs(amount) < (metric.id === "bounce_rate" ? SLIGHT_POINTS : SLIGHT);
  node.dataset.tone = slight ? "same" : up === Boolean(metric.lowerIsBetter) ? "bad" : "good";
  node.title = "Against the period before, over the intervals that are complete";
  const arrow = same ? [] : [el("span", { "aria-hidden": "true", text: up ? "↑" : "↓" })];
  const spoken = el("span", { class: "visually-hidden", text: same ? "unchanged, " : up ? "up " : "down " });
  node.replaceChildren(...arrow, spoken, figure);
}

/** A rate changes by percentage points, everything else by a percentage. */
function changeFigure(metric, size) {
  if (metric.id === "bounce_rate") return `${Math.round(size * 1000) / 10} pp`;
  return size > HIGHEST ? ">999%" : wholePercent(size);
}
