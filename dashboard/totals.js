/*
 * Totals: the row of six numbers. Each is a button which has the chart draw it.
 */

import { el, setText } from "./dom.js";
import { CONVERSION, METRICS } from "./metrics.js";
import { count, percent } from "./format.js";
import { t } from "./texts.js";

/**
 * @param {HTMLElement} root
 * @param {(id: string) => void} choose
 */
export function createTotals(root, choose) {
  const cells = [...METRICS, CONVERSION].map((metric) => createCell(metric, choose));
  root.replaceChildren(...cells.map((cell) => cell.node));
  const swap = (goal) => {
    cells.at(-1).node.hidden = !goal; // the goal takes the place of the last total
    cells.at(-2).node.hidden = Boolean(goal);
    if (goal) setText(cells.at(-1).label, goal);
  };
  swap(null);
  return {
    /** @param {object} totals @param {(metric: object) => object|null} change @param {string|null} goal */
    show(totals, change, goal) {
      swap(goal);
      cells.forEach((cell) => showCell(cell, totals, change));
    },
    select: (id) => cells.forEach(({ node, metric }) => node.setAttribute("aria-pressed", String(metric.id === id))),
    clear() {
      cells.forEach((cell) => {
        setText(cell.value, "");
        cell.value.classList.add("skeleton");
        setText(cell.change, "");
      });
    },
  };
}

function createCell(metric, choose) {
  const label = el("span", { class: "label", text: metric.label });
  const value = el("span", { class: "total-value skeleton", dataset: { testid: `total-${metric.id}` } });
  const change = el("span", { class: "total-change change" });
  const node = el("button", { class: "total", title: metric.meaning, type: "button" }, label, value, change);
  node.addEventListener("click", () => choose(metric.id));
  return { metric, node, label, value, change };
}

function showCell({ metric, value, change }, totals, changeOf) {
  const number = totals[metric.id];
  setText(value, metric === CONVERSION ? goalFigure(totals) : metric.format(number));
  value.dataset.value = String(number ?? "");
  value.classList.remove("skeleton");
  showChange(change, changeOf(metric));
}

const goalFigure = ({ conversions, conversion_rate: rate }) => `${count(conversions ?? 0)} · ${percent(rate ?? 0)}`;

/** @param {import("./change.js").Change|null} change */
export function showChange(node, change) {
  node.dataset.tone = change?.tone ?? "same";
  if (!change) return node.replaceChildren("\u00a0");
  const hidden = el("span", { class: "visually-hidden", text: change.spoken });
  node.replaceChildren(el("span", { "aria-hidden": "true", text: change.text }), hidden);
  node.title = t("change.against");
}
