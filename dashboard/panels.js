/*
 * Panels: cards of eight rows, with tabs over the dimensions that belong together. A row is a link that
 * filters by its value. Which tab is shown is in the address.
 */

import { changeOf } from "./change.js";
import { el, icon, onFollow, setText, whenChanged } from "./dom.js";
import { cell, count, filterValue, isPlaceholder, percent, valueName, dimensionName } from "./format.js";
import { metricOf } from "./metrics.js";
import { t } from "./texts.js";
import { createTabs } from "./tabs.js";

export const ROWS = 8;
const ASKED_EVERY = 60_000; // what takes raw events
const SKELETONS = [100, 62, 48, 40, 36, 27, 25, 20];

/**
 * @typedef {object} Tab
 * @property {string} id in the address
 * @property {string} dimension
 * @property {string} [metric] what its rows are ranked and drawn by
 * @property {object} [asks] what is asked of /api/query beside the dimension: the overview does not hold it
 * @property {string} [beside] a metric that stands in the place of the change
 * @property {boolean} [isMap]
 */

const tab = (id, more = {}) => ({ id, dimension: id, metric: "visitors", ...more });

/** @type {{id: string, tabs: Tab[]}[]} */
export const PANELS = [
  {
    id: "pages",
    tabs: [
      tab("page"), tab("entry_page"), tab("exit_page"),
      tab("growing", { dimension: "page", asks: { sort: "growth" } }),
      tab("404", { dimension: "prop:path", metric: "events", asks: { also: ["event:404"] } }),
      tab("read", { dimension: "page", asks: { metrics: "read_rate" }, beside: "read_rate" }),
    ],
  },
  { id: "sources", tabs: [tab("source"), tab("channel"), tab("utm_campaign"), tab("referrer")] },
  { id: "places", tabs: [tab("map", { dimension: "country", isMap: true, asks: { limit: 300 } }), tab("country"), tab("region"), tab("city")] },
  { id: "devices", tabs: [tab("browser"), tab("os"), tab("device"), tab("language")] },
  { id: "events", tabs: [tab("event", { metric: "events" }), tab("hostname", { metric: "pageviews" })] },
];

/** What a drawer with all values is of: the name of a tab, or of a dimension. @returns {Tab} */
export const tabOf = (name) => PANELS.flatMap((panel) => panel.tabs).find((one) => one.id === name && !one.isMap) ?? tab(name);

const drawerOf = ({ id, dimension, isMap }) => (isMap ? dimension : id);

/** Tabs that the overview does not hold; those but the map take /api/query. */
const isAsked = (one) => Boolean(one.asks);

export class Panel {
  #report = null;
  #asked = null; // the answer for the tab that is shown: {tab, breakdowns}, or {tab, failed}
  #tabs;
  #shown;

  /**
   * @param {{id: string, tabs: Tab[]}} panel
   * @param {import("./page.js").Page} page
   * @param {{draw: (root: HTMLElement, rows: object[]|null, page: object) => void}} map
   */
  constructor({ id, tabs }, page, map) {
    Object.assign(this, { id, tabs, page, map });
    this.title = el("h2", { class: "panel-title", id: `panel-${id}-title`, text: t(`panel.${id}`) });
    this.body = el("div", { class: "panel-body", id: `panel-${id}-body` });
    this.more = el("a", { class: "panel-more", href: "#", title: t("panel.all"), "aria-label": t("panel.all_of", { panel: t(`panel.${id}`) }) }, icon("expand"));
    onFollow(this.more, () => this.page.go({ open: `values:${drawerOf(this.#shown)}` }));
    const list = el("div", { class: "tabs" });
    this.node = el("section", { class: "card panel", "aria-labelledby": this.title.id, dataset: { testid: `panel-${id}` } },
      el("header", { class: "panel-head" }, this.title, list, this.more), this.body,
      el("footer", { class: "panel-foot" }, this.#allLink()));
    this.#tabs = createTabs(list, this.body, tabs.map((one) => ({ id: `tab-${one.id}`, label: t(`tab.${one.id}`) })), (i) => this.#choose(tabs[i]));
    this.follow();
  }

  #allLink() {
    const link = el("a", { class: "link", href: "#", text: t("panel.all") });
    onFollow(link, () => this.page.go({ open: `values:${drawerOf(this.#shown)}` }));
    return link;
  }

  /** Show the tab that the address names. */
  follow() {
    const { tabs } = this.page.view();
    const wanted = this.tabs.find((one) => one.id === tabs[this.id]) ?? this.#standard();
    this.#tabs.forEach((button, i) => (button.hidden = isAsked(this.tabs[i]) && !this.tabs[i].isMap && !this.page.canFilter()));
    if (wanted !== this.#shown) this.#asked = null;
    this.#shown = wanted;
    this.#tabs.mark(this.tabs.indexOf(wanted));
    this.more.href = this.page.href({ open: `values:${drawerOf(wanted)}` });
    this.#draw();
  }

  #standard() {
    return this.tabs.find((one) => !one.isMap);
  }

  #choose(wanted) {
    const standard = wanted === this.#standard();
    this.page.go({ tabs: { ...this.page.view().tabs, [this.id]: standard ? undefined : wanted.id } }, { stays: true });
  }

  /** @param {object|null} report null: not known yet */
  show(report) {
    this.#report = report;
    if (report === null) this.#asked = null;
    this.#draw();
  }

  /** Ask for what the overview does not hold; again whenever the report is new. */
  async ask(signal) {
    const shown = this.#shown;
    const name = JSON.stringify([this.page.question(), shown.id]);
    if (!this.#isAsked() || (this.#asked?.name === name && Date.now() - this.#asked.at < ASKED_EVERY)) return;
    try {
      const ask = shown.isMap ? this.page.values : this.page.ask;
      const own = shown.asks ?? (this.page.view().goal ? { compare: null } : {});
      const answer = await ask({ dimension: shown.dimension, limit: ROWS, ...own }, signal);
      this.#asked = { tab: shown, name, at: Date.now(), rows: answer.breakdowns[shown.dimension] };
    } catch (error) {
      if (signal.aborted) return;
      this.#asked = { tab: shown, name, at: Date.now(), rows: [], failed: error.detail || error.title };
    }
    this.#draw();
  }

  /** With a goal every table is, for its rate; and one that was not shown when the report was asked for. */
  #isAsked() {
    const isMissing = this.#report !== null && !this.#report.has(this.#shown.dimension);
    return isAsked(this.#shown) || ((isMissing || Boolean(this.page.view().goal)) && this.page.canFilter());
  }

  /** What the report is to hold for this panel. */
  get dimensions() {
    return isAsked(this.#shown) ? [] : [this.#shown.dimension];
  }

  #rows() {
    if (this.#asked?.tab === this.#shown && this.#isAsked()) return this.#asked;
    if (!this.#report || this.#isAsked()) return { rows: null };
    return { rows: this.#report.rows(this.#shown.dimension) };
  }

  #draw() {
    const { rows, failed } = this.#rows();
    const { filters, goal } = this.page.view();
    const shown = this.#shown;
    whenChanged(this.body, [shown.id, rows, failed, filters, goal], () => {
      if (shown.isMap) return this.map.draw(this.body, rows, this.page);
      this.body.replaceChildren(this.#list(shown, rows, failed));
    });
  }

  #list(shown, rows, failed) {
    if (rows === null) return waiting();
    if (rows.length === 0) return el("p", { class: "rows-none", text: failed ?? t(`none.${this.id}`) });
    const top = Math.max(1, ...rows.map((row) => row[shown.metric] ?? 0));
    const sum = this.#report?.totals[shown.metric] || 0;
    const isBare = !shown.beside && !this.page.view().goal && !rows.some((row) => row.before);
    return el("ol", { class: isBare ? "rows rows-bare" : "rows", "aria-label": `${t(`panel.${this.id}`)}: ${t(`tab.${shown.id}`)}` },
      ...rows.slice(0, ROWS).map((row) => el("li", {}, rowLink(shown, row, { top, sum, page: this.page }))));
  }
}

/** A row: bar, name, number, change; a link that filters by its value. */
export function rowLink({ dimension, metric, beside }, row, { top, sum, page }) {
  const label = valueName(dimension, row);
  const value = row[metric] ?? 0;
  const bar = el("span", { class: "proportion" });
  bar.style.width = `${(100 * value) / top}%`;
  const name = el("span", { class: isPlaceholder(row) ? "row-label quiet" : "row-label", title: label, text: label });
  const share = sum ? t("row.share", { share: percent(value / sum) }) : "";
  const number = el("span", { class: "row-number", title: [`${count(value)} ${metricOf(metric).label}`, share].filter(Boolean).join(", "), text: cell(value) });
  const unit = el("span", { class: "visually-hidden", text: metricOf(metric).label });
  const parts = [el("span", { class: "track" }, bar), ...countryCode(dimension, row, label), name, number, unit, aside(row, { metric, beside }, page.view())];
  const filter = { dimension, operator: "is", values: [filterValue(row)] };
  if (!page.canFilter() || row.kind === "other") return el("div", { class: "row" }, ...parts);
  const link = el("a", { class: "row", href: page.hrefFiltered(filter), title: t("row.filter", { dimension: dimensionName(dimension), value: label }) }, ...parts);
  onFollow(link, () => page.filter(filter));
  return link;
}

/** With a goal its rate, else the change, or what the tab is about. */
function aside(row, { metric, beside }, { goal }) {
  if (beside) {
    return el("span", { class: "row-change", title: metricOf(beside).label, text: metricOf(beside).format(row[beside] ?? null) });
  }
  if (goal && "conversion_rate" in row) {
    const rate = percent(row.conversion_rate ?? 0);
    return el("span", { class: "row-change", title: t("row.rate", { n: row.conversions ?? 0, goal }), text: rate });
  }
  const change = row.before ? changeOf(metricOf(metric), row, row.before) : null;
  const isNew = row.before && !row.before[metric] && row[metric] > 0;
  const node = el("span", { class: "row-change change", dataset: { tone: change?.tone ?? "same" } });
  if (change) node.append(el("span", { "aria-hidden": "true", text: change.text }), el("span", { class: "visually-hidden", text: change.spoken }));
  else setText(node, isNew ? t("change.new") : "");
  return node;
}

/** The code before a country's name; flags would need a font that not every system has. */
function countryCode(dimension, row, name) {
  if (dimension !== "country" || name === row.value || row.kind) return [];
  return [el("span", { class: "code", "aria-hidden": "true", text: row.value })];
}

/** Rows in grey, as long as nothing is known. */
export const waiting = () => el("ol", { class: "rows", "aria-hidden": "true" }, ...SKELETONS.map(skeleton));

function skeleton(width) {
  const bar = el("span", { class: "skeleton" });
  bar.style.width = `${width}%`;
  return el("li", { class: "row" }, bar);
}
