/*
 * Panels: the breakdown tables, each a card with tabs over the dimensions that belong together.
 */

import { el, whenChanged } from "./dom.js";
import { cell, count, isPlaceholder, percent, valueName } from "./format.js";

const VISITS = ["visitors", "visits"];
const VIEWS = ["visitors", "pageviews"];
const SKELETON_ROWS = 10;

/** Each tab: a dimension, its label, and the columns of its table. */
const PANELS = [
  {
    id: "pages", title: "Pages",
    tabs: [["page", "Top", VIEWS], ["entry_page", "Entry", VISITS], ["exit_page", "Exit", VISITS]],
  },
  {
    id: "sources", title: "Sources",
    tabs: [["source", "Source", VISITS], ["channel", "Channel", VISITS], ["utm_campaign", "Campaign", VISITS]],
  },
  {
    id: "locations", title: "Locations",
    tabs: [["country", "Country", VISITS], ["region", "Region", VISITS], ["city", "City", VISITS]],
  },
  {
    id: "devices", title: "Devices",
    tabs: [
      ["browser", "Browser", VISITS], ["os", "OS", VISITS], ["device", "Device", VISITS],
      ["language", "Language", VISITS],
    ],
  },
  { id: "events", title: "Events", tabs: [["event", "Event", ["visitors", "events"]]], optional: true },
];

const HEADINGS = { visitors: "Visitors", visits: "Visits", pageviews: "Views", events: "Events" };
const FIRST_COLUMN = {
  page: "Page", entry_page: "Entry page", exit_page: "Exit page", source: "Source", channel: "Channel",
  utm_campaign: "Campaign", country: "Country", region: "Region", city: "City", browser: "Browser",
  os: "Operating system", device: "Device", language: "Language", event: "Event",
};

/** @param {HTMLElement} root */
export function createPanels(root) {
  const panels = PANELS.map(createPanel);
  root.replaceChildren(...panels.map((panel) => panel.node));
  return {
    /** @param {object} breakdowns */
    show: (breakdowns) => panels.forEach((panel) => panel.show(breakdowns)),
    clear: () => panels.forEach((panel) => panel.show(null)),
  };
}

function createPanel({ id, title, tabs, optional }) {
  const heading = el("h2", { class: "panel-title", id: `panel-${id}-title`, text: title });
  const list = el("div", { class: "tabs" });
  const body = el("div", { class: "panel-body", id: `panel-${id}-body` });
  const node = el("section", { class: "card panel", "aria-labelledby": heading.id, dataset: { testid: `panel-${id}` } },
    el("header", { class: "panel-head" }, heading, list), body);
  let breakdowns = null;
  let active = 0;
  const draw = () => {
    const [dimension, , columns] = tabs[active];
    const rows = breakdowns?.[dimension] ?? (breakdowns ? [] : null);
    node.hidden = Boolean(optional && !rows?.length);
    whenChanged(body, [dimension, rows], () => body.replaceChildren(table(dimension, columns, rows)));
  };
  const select = (index) => ((active = index), draw());
  const labels = tabs.map(([dimension, text]) => ({ id: `tab-${dimension}`, label: text }));
  if (tabs.length > 1) createTabs(list, body, labels, select);
  const show = (next) => ((breakdowns = next), draw());
  show(null);
  return { node, show };
}

/** Tabs that obey the arrow keys; one of them is in the tab order. */
function createTabs(list, body, tabs, select) {
  const buttons = tabs.map(({ id, label }) =>
    el("button", { class: "tab", id, type: "button", role: "tab", "aria-controls": body.id, text: label }));
  const choose = (index) => (markTab(buttons, body, index), select(index));
  buttons.forEach((button, i) => button.addEventListener("click", () => choose(i)));
  list.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const target = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const index = (target + buttons.length) % buttons.length;
    choose(index);
    buttons[index].focus();
  });
  list.replaceChildren(...buttons);
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", "Show by");
  body.setAttribute("role", "tabpanel");
  markTab(buttons, body, 0);
}

function markTab(buttons, body, index) {
  buttons.forEach((button, i) => {
    button.setAttribute("aria-selected", String(i === index));
    button.tabIndex = i === index ? 0 : -1;
  });
  body.setAttribute("aria-labelledby", buttons[index].id);
}

function table(dimension, columns, rows) {
  const head = el("tr", {},
    el("th", { scope: "col", text: FIRST_COLUMN[dimension] }),
    ...columns.map((column) => el("th", { scope: "col", class: "number", text: HEADINGS[column] })));
  const body = el("tbody", {}, ...bodyRows(dimension, columns, rows));
  return el("table", { class: "rows" }, el("thead", {}, head), body);
}

function bodyRows(dimension, columns, rows) {
  const wide = columns.length + 1;
  if (rows === null) return Array.from({ length: SKELETON_ROWS }, () => skeletonRow(wide));
  if (rows.length === 0) {
    return [el("tr", {}, el("td", { class: "rows-none", colspan: wide, text: "Nothing recorded in this range" }))];
  }
  const [main] = columns;
  const sum = rows.reduce((total, row) => total + (row[main] ?? 0), 0);
  const top = Math.max(1, ...rows.map((row) => row[main] ?? 0));
  return rows.map((row) => dataRow(dimension, columns, row, { sum, top }));
}

function dataRow(dimension, columns, row, { sum, top }) {
  const value = row[columns[0]] ?? 0;
  const label = valueName(dimension, row);
  const bar = el("span", { class: "proportion", "aria-hidden": "true" });
  bar.style.width = `${(100 * value) / top}%`;
  const text = el("span", { class: isPlaceholder(row) ? "row-label quiet" : "row-label", title: label, text: label });
  const cells = columns.map((column) => numberCell(column, row[column]));
  cells[0].title += ` (${percent(sum ? value / sum : 0)} of this list)`;
  const head = el("span", { class: "row-cell" }, bar, ...countryCode(dimension, row, label), text);
  return el("tr", {}, el("th", { scope: "row" }, head), ...cells);
}

const numberCell = (column, value) =>
  el("td", { class: "number", title: `${count(value)} ${HEADINGS[column].toLowerCase()}`, text: cell(value) });

/** The code before a country's name; flags would need a font that not every system has. */
function countryCode(dimension, row, name) {
  if (dimension !== "country" || name === row.value) return [];
  return [el("span", { class: "code", "aria-hidden": "true", text: row.value })];
}

function skeletonRow(wide) {
  const cells = Array.from({ length: wide }, () => el("td", {}, el("span", { class: "skeleton skeleton-line" })));
  return el("tr", { "aria-hidden": "true" }, ...cells);
}
