/*
 * Live: the strip with the current visitors, the views of the last 30 minutes, and what they look at.
 */

import { byId, el, setText, whenChanged } from "./dom.js";
import { age, cell, count, isPlaceholder, lag, valueName } from "./format.js";

const MINUTES = 30;
const ROWS = 5;
const LISTS = ["page", "source", "country"];

export class Live {
  #root = byId("live");
  #number = byId("current-visitors");
  #bars = Array.from({ length: MINUTES }, () => el("span", { class: "bar" }));
  #seenAt = null;
  #behind = "";

  constructor() {
    byId("minutes").replaceChildren(...this.#bars);
    this.clear();
  }

  /** @param {object} answer of /api/realtime */
  show(answer) {
    this.#seenAt = Date.now();
    this.#behind = lag(answer.lag_ms);
    this.#root.dataset.state = "live";
    this.#number.dataset.known = "true";
    setText(this.#number, `${count(answer.current_visitors)}${answer.complete === false ? "+" : ""}`);
    showMinutes(this.#bars, answer.pageviews_per_minute ?? []);
    const none = answer.current_visitors > 0 ? "Came more than 30 minutes ago" : "Nobody right now";
    for (const name of LISTS) showList(name, answer.top?.[name] ?? [], none);
    this.tick();
  }

  /** The last request failed: what was seen stays, marked as old. */
  fail() {
    this.#root.dataset.state = "lost";
    this.tick();
  }

  /** Word the age of the numbers. */
  tick() {
    const state = this.#root.dataset.state;
    const old = this.#seenAt === null ? "" : age(Date.now() - this.#seenAt);
    const text = { waiting: "connecting", lost: old ? `last seen ${old}` : "no live numbers right now" }[state];
    setText(byId("live-status"), text ?? [`updated ${old}`, this.#behind].filter(Boolean).join(" · "));
  }

  clear() {
    this.#seenAt = null;
    this.#root.dataset.state = "waiting";
    delete this.#number.dataset.known;
    setText(this.#number, "–");
    setText(byId("minutes-now"), "");
    showMinutes(this.#bars, []);
    for (const name of LISTS) showList(name, null);
    this.tick();
  }
}

function showMinutes(bars, values) {
  const top = Math.max(1, ...values);
  bars.forEach((bar, i) => {
    const value = values.at(i - bars.length) ?? 0;
    bar.style.setProperty("--share", String(value / top));
    bar.classList.toggle("bar-none", value === 0);
    const ago = bars.length - 1 - i;
    bar.title = `${ago === 0 ? "This minute" : `${ago} min ago`}: ${count(value)} views`;
  });
  if (values.length === 0) return;
  setText(byId("minutes-now"), `${count(values.at(-1))} this minute`);
  const sum = values.reduce((total, value) => total + value, 0);
  const spoken = `Views per minute over the last 30 minutes: ${count(sum)} in all, at most ${count(top)}`;
  byId("minutes").setAttribute("aria-label", spoken);
}

/** @param {string} name a dimension @param {object[]|null} rows null: not known yet @param {string} none */
function showList(name, rows, none = "") {
  const root = byId(`live-${name}`);
  whenChanged(root, [rows, none], () => {
    if (rows === null) root.replaceChildren(...[1, 2, 3].map(() => el("li", { class: "mini-row skeleton" })));
    else if (rows.length === 0) root.replaceChildren(el("li", { class: "mini-none", text: none }));
    else root.replaceChildren(...rows.slice(0, ROWS).map((row) => miniRow(name, row)));
  });
}

function miniRow(dimension, row) {
  const label = valueName(dimension, row);
  const quiet = isPlaceholder(row) ? "mini-label quiet" : "mini-label";
  return el("li", { class: "mini-row" },
    el("span", { class: quiet, title: label, text: label }),
    el("span", { class: "mini-count", text: cell(row.visitors) }));
}
