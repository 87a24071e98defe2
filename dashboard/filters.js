/*
 * Filters: the chips below the bar, and the sheet that adds one.
 */

import { byId, el, icon, onFollow } from "./dom.js";
import { dimensionName, filterValue, filterValueName, valueName } from "./format.js";
import { t } from "./texts.js";

const DIMENSIONS = [
  "page", "entry_page", "exit_page", "hostname", "source", "channel", "referrer", "utm_source", "utm_medium",
  "utm_campaign", "utm_term", "utm_content", "country", "region", "city", "browser", "os", "device", "language",
  "event",
];
const OPERATORS = ["is", "is_not", "contains"];
const SUGGESTED = 20;
const TYPING = 200;

/** Draw the chips. @param {import("./page.js").Page} page */
export function drawChips(page) {
  const root = byId("chips");
  const { filters, goal } = page.view();
  root.hidden = filters.length === 0 && !goal;
  const chips = filters.map((filter) => chip(filterWords(filter), () => page.filter(filter), page));
  if (goal) chips.push(chip([t("filter.goal"), goal], () => page.go({ goal: null }), page));
  if (root.hidden) return root.replaceChildren();
  const clear = el("a", { class: "link", href: page.href({ filters: [], goal: null }), text: t("filter.clear") });
  onFollow(clear, () => page.go({ filters: [], goal: null }));
  root.replaceChildren(...chips, ...(chips.length > 1 ? [clear] : []));
}

/** "Country is" and "Germany or Austria". */
export function filterWords({ dimension, operator, values }) {
  const named = values.map((value) => (operator === "contains" ? value : filterValueName(dimension, value)));
  return [t(`filter.${operator}`, { dimension: dimensionName(dimension) }), named.join(t("filter.or"))];
}

function chip([what, value], remove) {
  const label = `${what} ${value}`;
  const button = el("button", { class: "chip-remove", type: "button", "aria-label": t("filter.remove", { filter: label }), title: t("filter.remove", { filter: label }) }, icon("cross"));
  button.addEventListener("click", remove);
  return el("span", { class: "chip" }, el("span", { class: "chip-text", title: label }, `${what} `, el("b", { text: value })), button);
}

/** Let the sheet add filters. @param {import("./page.js").Page} page @param {{close: Function}} menu */
export function connectFilterForm(page, menu) {
  const [dimension, operator, value, list] = ["dimension", "operator", "value", "values"].map((name) => byId(`filter-${name}`));
  dimension.replaceChildren(...DIMENSIONS.map((id) => el("option", { value: id, text: dimensionName(id) })));
  operator.replaceChildren(...OPERATORS.map((id) => el("option", { value: id, text: t(`operator.${id}`) })));
  let timer = 0;
  let known = new Map(); // what is shown -> what is asked for
  const suggest = async () => {
    const asked = dimension.value;
    const search = isCoded(asked) ? "" : value.value.trim();
    const rows = await page.suggest(asked, search, SUGGESTED).catch(() => []);
    if (asked !== dimension.value) return;
    known = new Map(rows.filter((row) => row.kind !== "other").map((row) => [valueName(asked, row), filterValue(row)]));
    list.replaceChildren(...[...known.keys()].map((name) => el("option", { value: name })));
  };
  const soon = () => (clearTimeout(timer), (timer = setTimeout(suggest, TYPING)));
  dimension.addEventListener("change", () => ((value.value = ""), suggest()));
  value.addEventListener("focus", suggest);
  value.addEventListener("input", soon);
  byId("filter-sheet").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = value.value.trim();
    if (!text) return;
    const isExact = operator.value !== "contains";
    const filter = { dimension: dimension.value, operator: operator.value, values: [(isExact && known.get(text)) || text] };
    menu.close({ refocus: true });
    value.value = "";
    page.filter(filter);
  });
}

/** Dimensions whose values are shown by another name than they are found by. */
const isCoded = (dimension) => ["country", "language", "device", "channel"].includes(dimension);
