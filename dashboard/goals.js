/*
 * Goals: what the owner wants visitors to do: the panel that says how often it was reached, and the drawer
 * in which an owner with an admin key adds goals and takes them away.
 */

import { ApiError, changeGoals, fetchGoals } from "./api.js";
import { changeOf } from "./change.js";
import { el, icon, onFollow, setText, whenChanged } from "./dom.js";
import { cell, percent } from "./format.js";
import { adminKey, keepAdminKey } from "./keys.js";
import { CONVERSION } from "./metrics.js";
import { waiting } from "./panels.js";
import { t } from "./texts.js";

const ASKED_EVERY = 60_000;
const ROWS = 8;

export class Goals {
  #asked = null; // {name, at}
  #rows = null;
  #changed = null; // the names of the owner's goals after a change, until an answer has them
  /** The names of events that there are, to choose from. */
  events = [];
  /** The names of properties that events have. */
  properties = [];

  /** @param {import("./page.js").Page} page @param {() => void} onNew the numbers are new */
  constructor(page, onNew) {
    Object.assign(this, { page, onNew });
    this.body = el("div", { class: "panel-body" });
    const title = el("h2", { class: "panel-title", id: "panel-goals-title", text: t("panel.goals") });
    const add = el("a", { class: "panel-more panel-add", href: "#", title: t("goals.add"), "aria-label": t("goals.add") }, icon("plus"));
    onFollow(add, () => page.go({ open: "goals" }));
    this.node = el("section", { class: "card panel", "aria-labelledby": title.id, hidden: true, dataset: { testid: "panel-goals" } },
      el("header", { class: "panel-head" }, title, add), this.body);
  }

  /** The goal of the owner that comes first, with its numbers; null: there is none. */
  get main() {
    return this.#rows?.find((row) => !row.is_ready_made) ?? null;
  }

  /** All of them, null as long as they are not known. */
  get rows() {
    return this.#rows;
  }

  follow() {
    this.#draw();
  }

  forget() {
    this.#asked = null;
    this.#rows = null;
    this.#changed = null;
    this.#draw();
  }

  /** After a change: what was answered is stale, and so are answers until they have the goals as they are now. */
  change(rows) {
    this.forget();
    this.#changed = namesOf(rows);
  }

  async ask(signal) {
    const name = JSON.stringify(this.page.question());
    if (!this.page.canFilter() || (this.#asked?.name === name && Date.now() - this.#asked.at < ASKED_EVERY)) return;
    this.#asked = { name, at: Date.now() };
    try {
      const answer = await fetchGoals(this.page.view().site, this.page.goalsQuestion(), signal);
      this.#rows = answer.goals ?? [];
      if (this.#changed === namesOf(this.#rows)) this.#changed = null;
      if (this.#changed !== null) this.#asked = null;
      this.page.learn(true);
      this.events = (answer.events ?? []).map((event) => event.name);
      this.properties = (answer.properties ?? []).map((property) => property.name);
    } catch (error) {
      this.#asked = null;
      if (signal.aborted || !(error instanceof ApiError)) return;
      if (error.unanswerable) this.page.learn(false);
      this.#rows = null;
    }
    this.#draw();
    this.onNew();
  }

  #draw() {
    const rows = this.#rows;
    this.node.hidden = rows === null && !this.page.canFilter();
    const { goal } = this.page.view();
    whenChanged(this.body, [rows, goal], () => {
      if (rows === null) return this.body.replaceChildren(waiting());
      const list = rows.slice(0, ROWS).map((row) => el("li", {}, goalRow(row, this.page)));
      this.body.replaceChildren(el("ol", { class: "rows", "aria-label": t("panel.goals") }, ...list), ...(this.main ? [] : [noneNote(this.page)]));
    });
  }
}

function noneNote(page) {
  const link = el("a", { class: "link", href: page.href({ open: "goals" }), text: t("goals.add") });
  onFollow(link, () => page.go({ open: "goals" }));
  return el("p", { class: "goals-none" }, `${t("goals.none")} `, link);
}

const namesOf = (rows) => JSON.stringify(rows.filter((row) => !row.is_ready_made).map((row) => row.name).sort());

/** The change of a goal's rate, in points. */
export const goalChange = (row) => changeOf(CONVERSION, row, row.before);

/** A row: the goal, how often, the rate and its change; a link that chooses it. */
function goalRow(row, page) {
  const isChosen = page.view().goal === row.name;
  const next = { goal: isChosen ? null : row.name };
  const change = goalChange(row);
  const bar = el("span", { class: "proportion" });
  bar.style.width = `${100 * Math.min(1, row.conversion_rate ?? 0)}%`;
  const link = el("a", { class: "row goal-row", href: page.href(next), "aria-current": isChosen ? "true" : null, title: t("goals.choose", { goal: row.name }) },
    el("span", { class: "track" }, bar),
    el("span", { class: "row-label", text: row.name }),
    el("span", { class: "row-number", title: t("visitors", { n: row.visitors ?? 0 }), text: cell(row.conversions) }),
    el("span", { class: "row-rate", text: percent(row.conversion_rate ?? 0) }),
    el("span", { class: "row-change change", dataset: { tone: change?.tone ?? "same" }, text: change?.text ?? "" }));
  onFollow(link, () => page.go(next));
  return link;
}

/** The drawer: which goals there are, and a form for an owner. @param {Goals} goals */
export function showGoals(goals, page, body, signal) {
  const { site } = page.view();
  const error = el("p", { class: "form-error", role: "alert", hidden: true });
  const list = el("ul", { class: "goal-list" });
  const form = goalForm(goals);
  const key = keyField();
  const say = (text) => (setText(error, text), (error.hidden = !text));
  const change = async (wish) => {
    if (!key.hidden) keepAdminKey(site, key.querySelector("input").value.trim());
    try {
      const { goals: rows } = await changeGoals(site, wish);
      say("");
      draw(rows);
      goals.change(rows);
      goals.ask(signal);
      form.reset();
      key.hidden = true;
    } catch (failure) {
      if (failure.forbidden) (keepAdminKey(site, null), (key.hidden = false));
      say(failure.forbidden ? t("rebuild.key_wrong") : failure.detail || failure.title || String(failure));
    }
  };
  const draw = (rows) => list.replaceChildren(...rows.map((row) => goalLine(row, () => change({ remove: row.name }))));
  key.hidden = adminKey(site) !== null;
  form.append(key, error, el("button", { class: "button button-primary", type: "submit", text: t("goals.save") }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    change({ goal: goalOf(new FormData(form)) });
  });
  body.append(list, el("section", {}, el("h3", { text: t("goals.add") }), el("p", { class: "small", text: t("goals.add_more") }), form));
  draw(goals.rows ?? []);
}

function goalLine(row, remove) {
  const what = row.page ? t("goals.is_page", { page: row.page }) : t("goals.is_event", { event: row.event });
  const button = el("button", { class: "link", type: "button", text: t("goals.remove"), "aria-label": t("goals.remove_one", { goal: row.name }) });
  button.addEventListener("click", remove);
  return el("li", {}, el("b", { text: row.name }), el("span", { class: "small", text: what }), ...(row.is_ready_made ? [] : [button]));
}

function goalForm(goals) {
  const field = (name, attributes) => el("label", {}, el("span", { text: t(`goals.${name}`) }), el("input", { name, type: "text", autocomplete: "off", spellcheck: "false", ...attributes }));
  const kinds = el("select", { name: "kind" }, ...["event", "page"].map((kind) => el("option", { value: kind, text: t(`goals.kind_${kind}`) })));
  return el("form", { class: "goal-form" },
    field("name", { required: true, maxlength: 60 }),
    el("label", {}, el("span", { text: t("goals.kind") }), kinds),
    field("value", { required: true, maxlength: 300, list: "goal-events" }),
    el("datalist", { id: "goal-events" }, ...goals.events.map((name) => el("option", { value: name }))));
}

function keyField() {
  return el("label", {}, el("span", { text: t("rebuild.admin_key") }), el("input", { name: "key", type: "password", autocomplete: "off", spellcheck: "false" }));
}

const goalOf = (form) => ({ name: form.get("name").trim(), [form.get("kind")]: form.get("value").trim() });
