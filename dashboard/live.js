/*
 * Live: the strip with who is here now, the views of the last 30 minutes, and the newest events; or, where
 * the server has no feed, what is looked at now.
 */

import { byId, el, icon, onFollow, setText, whenChanged } from "./dom.js";
import { age, cell, clock, count, isPlaceholder, valueName } from "./format.js";
import { t } from "./texts.js";

const MINUTES = 30;
const FEED_ROWS = 4;

export class Live {
  #root = byId("live");
  #number = byId("current-visitors");
  #bars = Array.from({ length: MINUTES }, () => el("span", { class: "bar" }));
  #seenAt = null;
  /** The last answer of /api/realtime, null where there is none. */
  answer = null;

  /** @param {import("./page.js").Page} page */
  constructor(page) {
    this.page = page;
    byId("minutes").replaceChildren(...this.#bars);
    onFollow(byId("live-all"), () => page.go({ open: "live" }));
    this.clear();
  }

  /** @param {object} answer of /api/realtime */
  show(answer) {
    this.#seenAt = Date.now();
    this.answer = answer;
    this.#root.dataset.state = "live";
    this.#number.dataset.known = "true";
    byId("live-all").href = this.page.href({ open: "live" });
    setText(this.#number, `${count(answer.current_visitors)}${answer.complete === false ? "+" : ""}`);
    showMinutes(this.#bars, answer.pageviews_per_minute ?? []);
    if (this.#root.dataset.feed !== "events") this.#showNow(answer);
    this.tick();
  }

  /** Show the newest events. @param {object[]} events the newest first @param {string} timeZone */
  feed(events, timeZone) {
    this.#root.dataset.feed = "events";
    const root = byId("feed");
    whenChanged(root, events.slice(0, FEED_ROWS), () => {
      const rows = events.slice(0, FEED_ROWS).map((event) => el("li", {}, feedRow(event, timeZone, this.page)));
      root.replaceChildren(...(rows.length ? rows : [el("li", { class: "feed-none", text: t("live.no_events") })]));
    });
  }

  /** What is looked at now, and where they came from. */
  #showNow({ top, current_visitors: here }) {
    this.#root.dataset.feed = "now";
    const none = t(here > 0 ? "live.longer_here" : "live.nobody");
    const lists = ["page", "source"].map((name) => [name, (top?.[name] ?? []).slice(0, FEED_ROWS)]);
    whenChanged(byId("feed"), [lists, none], () => byId("feed").replaceChildren(...lists.map(([name, rows]) => nowList(name, rows, none))));
  }

  /** The last request failed: what was seen stays, marked as old. */
  fail() {
    this.#root.dataset.state = "lost";
    this.tick();
  }

  /** Word the age of the numbers. */
  tick() {
    const { state } = this.#root.dataset;
    const old = this.#seenAt === null ? "" : age(Date.now() - this.#seenAt);
    const lost = old ? t("live.last_seen", { ago: old }) : t("live.none");
    setText(byId("live-status"), { waiting: t("live.connecting"), lost }[state] ?? this.#newest());
  }

  #newest() {
    const { as_of: at } = this.answer ?? {};
    return at ? t("live.last_event", { ago: age(Date.now() - Date.parse(at)) }) : t("live.no_event_yet");
  }

  clear() {
    this.#seenAt = null;
    this.answer = null;
    this.#root.dataset.state = "waiting";
    this.#root.dataset.feed = "";
    delete this.#number.dataset.known;
    setText(this.#number, "–");
    setText(byId("minutes-now"), "");
    showMinutes(this.#bars, []);
    whenChanged(byId("feed"), null, () => byId("feed").replaceChildren());
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
    bar.title = `${ago === 0 ? t("live.this_minute") : t("ago.min", { n: ago })}: ${t("live.views", { n: value })}`;
  });
  if (values.length === 0) return;
  const sum = values.reduce((total, value) => total + value, 0);
  setText(byId("minutes-now"), t("live.minutes"));
  byId("minutes").setAttribute("aria-label", t("live.minutes_spoken", { n: sum, top }));
}

function nowList(name, rows, none) {
  const items = rows.map((row) => el("span", { class: "now-row" },
    el("span", { class: isPlaceholder(row) ? "now-label quiet" : "now-label", title: valueName(name, row), text: valueName(name, row) }),
    el("span", { class: "now-count", text: cell(row.visitors) })));
  return el("li", { class: "now-list", "aria-label": t(`live.now.${name}`) },
    ...(items.length ? items : [el("span", { class: "feed-none", text: none })]));
}

/** One event: when, where, what, from where. A row opens the visit, where the event tells it. */
export function feedRow(event, timeZone, page) {
  const cells = [
    el("time", { class: "feed-time", text: clock(event.at, timeZone) }),
    el("span", { class: "feed-place", text: placeOf(event) }),
    el("span", { class: "feed-what" }, ...(event.name ? [icon("event")] : []), el("span", { text: event.name ?? event.page ?? "", title: event.name ?? event.page ?? "" })),
    el("span", { class: "feed-source", text: valueName("source", event.source ? { value: event.source } : { kind: "direct" }) }),
  ];
  if (!event.visit) return el("span", { class: "feed-row" }, ...cells);
  const link = el("a", { class: "feed-row", href: page.href({ open: `visit:${event.visit}` }) }, ...cells);
  onFollow(link, () => page.go({ open: `visit:${event.visit}` }));
  return link;
}

export function placeOf({ city, region, country }) {
  return city ?? region ?? (country ? valueName("country", { value: country }) : t("live.somewhere"));
}
