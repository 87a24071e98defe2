/*
 * Values: the drawer with all values of a dimension: search, order, pages, CSV.
 */

import { drawerNote } from "./drawer.js";
import { el, onFollow, setText } from "./dom.js";
import { changeOf } from "./change.js";
import { cell, count, dimensionName, percent, valueName, filterValue, isPlaceholder } from "./format.js";
import { saveCsv } from "./csv.js";
import { metricOf } from "./metrics.js";
import { t } from "./texts.js";

const PAGE = 50;
const CSV_PAGE = 1000;
const CSV_MOST = 100_000;
const TYPING = 250;

const OF_EVENTS = new Set(["page", "hostname", "event"]);

/** The columns of a dimension's table. */
function columnsOf(dimension) {
  if (dimension === "event" || dimension.startsWith("prop:")) return ["visitors", "events"];
  return OF_EVENTS.has(dimension) ? ["visitors", "pageviews"] : ["visitors", "visits"];
}

const EXPORTED = ["visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration_seconds", "conversions", "conversion_rate", "read_rate"];

/** Fill a drawer, as a tab of a panel asks. @param {import("./page.js").Page} page */
export function showValues({ dimension, asks, beside }, page, body, signal) {
  const { sort = null, ...own } = asks ?? {};
  const state = { search: "", offset: 0, sort };
  const ask = (turn) => page.values({ dimension, ...own, search: state.search, sort: state.sort, ...turn }, signal);
  const search = el("input", { type: "search", class: "drawer-search", placeholder: t("values.search"), "aria-label": t("values.search"), maxlength: 300, autofocus: true });
  const save = el("button", { class: "button", type: "button", text: "CSV", title: t("values.csv") });
  const table = el("div", { class: "values" });
  const foot = el("div", { class: "values-foot" });
  body.append(el("div", { class: "drawer-tools" }, search, save), ...propertyLinks(dimension, page), table, foot);
  let latest = 0;

  const load = async () => {
    const mine = (latest += 1);
    table.setAttribute("aria-busy", "true");
    try {
      const answer = await ask({ limit: PAGE, offset: state.offset || undefined });
      if (mine === latest) draw(answer);
    } catch (error) {
      if (!signal.aborted && mine === latest) drawerNote(table, error.detail || error.title || String(error));
    }
    table.removeAttribute("aria-busy");
  };

  const draw = (answer) => {
    const rows = answer.breakdowns[dimension] ?? [];
    const columns = columnsOf(dimension);
    const order = (sort) => ((state.sort = sort), (state.offset = 0), load());
    table.replaceChildren(rows.length ? tableOf({ dimension, columns, beside, rows, page, sort: state.sort, order }) : noneNode());
    foot.replaceChildren(...turns({ values: answer.values ?? rows.length, shown: rows.length, state, load }));
  };

  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => (Object.assign(state, { search: search.value.trim(), offset: 0 }), load()), TYPING);
  });
  signal.addEventListener("abort", () => clearTimeout(timer));
  save.addEventListener("click", () => exportAll({ dimension, page, ask, signal, save }));
  load();
}

/** From events to the properties that they have, and back. */
function propertyLinks(dimension, page) {
  const isProperty = dimension.startsWith("prop:");
  if (dimension !== "event" && !isProperty) return [];
  const others = ["event", ...page.properties().map((name) => `prop:${name}`)];
  const links = others.map((other) => {
    const link = el("a", { class: "link", href: page.href({ open: `values:${other}` }), "aria-current": other === dimension ? "true" : null, text: dimensionName(other) });
    onFollow(link, () => page.go({ open: `values:${other}` }));
    return link;
  });
  return links.length > 1 ? [el("nav", { class: "property-links", "aria-label": t("values.properties") }, ...links)] : [];
}

const noneNode = () => el("p", { class: "drawer-note", text: t("values.none") });

function tableOf({ dimension, columns, beside, rows, page, sort, order }) {
  const hasBefore = rows.some((row) => row.before);
  const goal = page.view().goal;
  const head = el("tr", {}, el("th", { scope: "col", text: dimensionName(dimension) }),
    ...columns.map((column) => headCell(column, { sort: sort ?? "visitors", order, canSort: page.canAsk() })),
    ...(beside ? [el("th", { scope: "col", class: "number", text: metricOf(beside).label })] : []),
    ...(goal ? [el("th", { scope: "col", class: "number", text: t("metric.conversion_rate") })] : []),
    ...(hasBefore ? [headCell("growth", { sort, order, canSort: page.canAsk() })] : []));
  const [main] = columns;
  const top = Math.max(1, ...rows.map((row) => row[main] ?? 0));
  const bodyRows = rows.map((row) => valueRow({ dimension, columns, beside, row, top, page, hasBefore, goal }));
  return el("table", {}, el("thead", {}, head), el("tbody", {}, ...bodyRows));
}

function headCell(column, { sort, order, canSort }) {
  const label = column === "growth" ? t("values.change") : metricOf(column).label;
  if (!canSort) return el("th", { scope: "col", class: "number", text: label });
  const isBy = sort === column || sort === `-${column}`;
  const button = el("button", { type: "button", class: "sort", text: label });
  button.addEventListener("click", () => order(sort === column ? `-${column}` : column));
  return el("th", { scope: "col", class: "number", "aria-sort": isBy ? (sort.startsWith("-") ? "ascending" : "descending") : null }, button);
}

function valueRow({ dimension, columns, beside, row, top, page, hasBefore, goal }) {
  const label = valueName(dimension, row);
  const bar = el("span", { class: "proportion", "aria-hidden": "true" });
  bar.style.width = `${(100 * (row[columns[0]] ?? 0)) / top}%`;
  const text = isPlaceholder(row) ? "row-label quiet" : "row-label";
  const filter = { dimension, operator: "is", values: [filterValue(row)] };
  const canFollow = page.canFilter() && row.kind !== "other";
  const name = canFollow ? el("a", { class: text, href: page.hrefFiltered(filter), text: label }) : el("span", { class: text, text: label });
  if (canFollow) onFollow(name, () => page.filter(filter));
  const change = hasBefore ? changeOf(metricOf(columns[0]), row, row.before) : null;
  return el("tr", {}, el("th", { scope: "row" }, el("span", { class: "value-cell" }, bar, name)),
    ...columns.map((column) => el("td", { class: "number", title: count(row[column]), text: cell(row[column]) })),
    ...(beside ? [el("td", { class: "number", text: metricOf(beside).format(row[beside] ?? null) })] : []),
    ...(goal ? [el("td", { class: "number", text: percent(row.conversion_rate ?? 0) })] : []),
    ...(hasBefore ? [el("td", { class: "number change", dataset: { tone: change?.tone ?? "same" }, text: change?.text ?? "" })] : []));
}

/** Backwards and forwards, and where one is. */
function turns({ values, shown, state, load }) {
  if (!shown) return [];
  const turn = (label, offset, isOff) => {
    const button = el("button", { class: "button", type: "button", text: label, disabled: isOff });
    button.addEventListener("click", () => ((state.offset = offset), load()));
    return button;
  };
  const place = el("span", { class: "values-place", text: t("values.place", { from: state.offset + 1, to: state.offset + shown, n: values }) });
  if (values <= PAGE) return [place];
  return [place, turn(t("values.back"), Math.max(0, state.offset - PAGE), state.offset === 0),
    turn(t("values.next"), state.offset + PAGE, state.offset + shown >= values)];
}

/** All values that the search finds, as a file. */
async function exportAll({ dimension, page, ask, signal, save }) {
  save.disabled = true;
  try {
    const rows = [];
    for (let offset = 0; offset < CSV_MOST; offset += CSV_PAGE) {
      const answer = await ask({ limit: CSV_PAGE, offset: offset || undefined });
      rows.push(...answer.breakdowns[dimension]);
      if (rows.length >= answer.values || answer.breakdowns[dimension].length === 0) break;
    }
    const columns = EXPORTED.filter((column) => rows.some((row) => row[column] !== undefined && row[column] !== null));
    const table = rows.map((row) => [row.value, ...columns.map((column) => row[column])]);
    saveCsv(`${page.view().site}-${dimension}`, [dimension, ...columns], table);
    setText(save, t("values.saved"));
  } catch (error) {
    if (!signal.aborted) setText(save, t("values.failed"));
  }
  save.disabled = false;
  setTimeout(() => setText(save, "CSV"), 2_000);
}

