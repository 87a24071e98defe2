/*
 * Now: the drawers of the live strip: who is here, what is new, and what one visit did.
 */

import { fetchEvents, fetchRealtime, fetchVisit } from "./api.js";
import { drawerNote } from "./drawer.js";
import { el, setText, whenChanged } from "./dom.js";
import { cell, clock, duration, instant, isPlaceholder, valueName, wholePercent } from "./format.js";
import { feedRow, placeOf } from "./live.js";
import { Poll } from "./poll.js";
import { t } from "./texts.js";

const EVERY = 3_000;
const EVENTS = 50;
const MINUTE = 60_000;
const REWOUND = 48 * 60 - 10; // minutes: a little less than what is kept, so that a moment does not leave it on its way
const STEP = 10;
const LISTS = ["page", "source", "country"];

/** Who is here now, and what was new then. @param {import("./page.js").Page} page */
export function showNow(page, body, signal) {
  const { site } = page.view();
  const lists = el("div", { class: "now-lists" });
  const feed = el("ol", { class: "feed feed-long", "aria-label": t("live.feed") });
  const { node: rewind, at } = rewinding(page, () => poll.now());
  const past = el("section", { class: "now-past", hidden: true }, rewind, feed);
  body.append(lists, past);
  const poll = new Poll(async (abort) => {
    const [now, newest] = await Promise.all([fetchRealtime(site, abort), fetchEvents(site, { limit: EVENTS, at: at() }, abort).catch(() => null)]);
    whenChanged(lists, now.top, () => lists.replaceChildren(...LISTS.map((name) => nowTable(name, now.top?.[name] ?? []))));
    past.hidden = newest === null;
    const events = newest?.events ?? [];
    whenChanged(feed, events, () => feed.replaceChildren(...(events.length ? events.map((event) => el("li", {}, feedRow(event, page.timeZone(), page))) : [none()])));
  }, () => EVERY);
  signal.addEventListener("abort", () => poll.stop());
}

const none = () => el("li", { class: "feed-none", text: t("live.no_events") });

/** A slider back through two days. @returns what shows it, and what tells the moment: undefined is now */
function rewinding(page, onMove) {
  const slider = el("input", { type: "range", min: 0, max: REWOUND, step: STEP, value: REWOUND, "aria-label": t("live.rewind") });
  const told = el("output", { text: t("live.now") });
  const back = () => REWOUND - Number(slider.value);
  const at = () => (back() === 0 ? undefined : new Date(Date.now() - back() * MINUTE).toISOString());
  const tell = () => setText(told, back() === 0 ? t("live.now") : instant(at(), page.timeZone()));
  slider.addEventListener("input", tell);
  slider.addEventListener("change", onMove);
  const label = el("div", { class: "rewind" }, el("h3", { class: "drawer-heading", text: t("live.feed") }), told);
  return { node: el("div", {}, label, slider), at };
}

function nowTable(name, rows) {
  const items = rows.map((row) => el("li", { class: "now-row" },
    el("span", { class: isPlaceholder(row) ? "now-label quiet" : "now-label", text: valueName(name, row) }),
    el("span", { class: "now-count", text: cell(row.visitors) })));
  return el("section", {}, el("h3", { class: "drawer-heading", text: t(`live.now.${name}`) }),
    el("ol", {}, ...(items.length ? items : [el("li", { class: "drawer-note", text: t("live.nobody") })])));
}

/** What one visit did. @param {string} visit */
export async function showVisit(visit, page, body, signal) {
  drawerNote(body);
  try {
    const answer = await fetchVisit(page.view().site, visit, signal);
    body.replaceChildren(head(answer), ...leftOut(answer), timeline(answer.timeline ?? [], page.timeZone()));
  } catch (error) {
    if (!signal.aborted) drawerNote(body, error.detail || error.title || String(error));
  }
}

/** Place, device, source, how long. */
function head(visit) {
  const source = visit.source ? valueName("source", { value: visit.source }) : t("kind.direct");
  const device = [visit.browser, visit.os].filter(Boolean).join(" · ");
  const parts = [placeOf(visit), device, source, duration(visit.duration_seconds)];
  return el("p", { class: "visit-head", text: parts.filter(Boolean).join(" · ") });
}

const leftOut = ({ left_out: n }) => (n > 0 ? [el("p", { class: "small", text: t("visit.left_out", { n }) })] : []);

/** What was seen and done; a line between two visits of the same tab. */
function timeline(steps, timeZone) {
  return el("ol", { class: "timeline" }, ...steps.map((step, i) =>
    el("li", { class: i > 0 && step.visit !== steps[i - 1].visit ? "timeline-next" : null },
      el("time", { class: "feed-time", text: clock(step.at, timeZone) }),
      el("span", { class: step.name ? "timeline-event" : "timeline-page", title: step.title, text: step.name ?? step.page ?? "" }),
      el("span", { class: "timeline-note", text: note(step) }))));
}

/** How long the page was there, and how far it was read. */
function note({ seconds, engaged_seconds: engaged, scroll_depth: scroll }) {
  const parts = [];
  if (engaged > 0 || seconds > 0) parts.push(t("visit.read", { time: duration(engaged || seconds) }));
  if (scroll > 0) parts.push(t("visit.scrolled", { share: wholePercent(scroll / 100) }));
  return parts.join(" · ");
}
