/*
 * Rebuild: the card of an owner with an admin key: how far a rebuild is, what it would change, and the
 * two wishes that change which numbers count. It is not on the page before a key is given.
 */

import { ApiError, adminKey, fetchRebuild, keepAdminKey, wishRebuild } from "./api.js";
import { byId, el, setText, whenChanged } from "./dom.js";
import { count, dayName, duration, instant } from "./format.js";
import { Poll } from "./poll.js";

const BUSY_EVERY = 2_000;
const IDLE_EVERY = 20_000;

const STAGES = {
  folding: ["Folding the archive", "records"],
  writing: ["Writing", "days"],
  catching_up: ["Catching up with the stream", ""],
  comparing: ["Comparing", "days"],
  ready: ["Ready", ""],
};

const METRICS = {
  visitors: "Visitors", visits: "Visits", pageviews: "Views", events: "Events", bounces: "Bounces",
  duration_ms: "Visit time", engaged_ms: "Engaged time",
};
const TIMES = new Set(["duration_ms", "engaged_ms"]);

export class Rebuild {
  #root = byId("rebuild");
  #site = null;
  #poll = null;
  #answer = null;
  #more = []; // differences of later days, asked for one part at a time
  #next = null;

  constructor() {
    byId("admin-open").addEventListener("click", () => this.#ask());
    byId("admin-leave").addEventListener("click", () => this.#leave());
    byId("rebuild-flip").addEventListener("click", () => this.#confirm("flip"));
    byId("rebuild-back").addEventListener("click", () => this.#confirm("roll_back"));
    byId("rebuild-more").addEventListener("click", () => this.#showMore());
    byId("admin-form").addEventListener("submit", (event) => {
      event.preventDefault();
      keepAdminKey(this.#site, new FormData(event.target).get("key").trim());
      event.target.reset();
      this.start(this.#site);
    });
  }

  /** Begin with a site. @param {string} site */
  start(site) {
    this.#poll?.stop();
    this.#site = site;
    this.#forget();
    this.#root.hidden = true;
    byId("admin-open").hidden = false;
    if (adminKey(site)) this.#poll = new Poll((signal) => this.#refresh(signal), () => this.#pause());
  }

  #forget() {
    this.#answer = null;
    this.#more = [];
    this.#next = null;
  }

  #ask() {
    this.#root.hidden = false;
    this.#root.dataset.state = "locked";
    byId("admin-open").hidden = true;
    setText(byId("rebuild-state"), "Locked");
    byId("admin-input").focus();
  }

  #leave() {
    keepAdminKey(this.#site, null);
    this.start(this.#site);
    byId("admin-open").focus();
  }

  #pause() {
    const { state, building, kept } = this.#answer ?? {};
    return state === "building" || building?.is_asked_for || kept?.is_asked_for ? BUSY_EVERY : IDLE_EVERY;
  }

  async #refresh(signal) {
    try {
      this.#show(await fetchRebuild(this.#site, {}, signal));
    } catch (error) {
      if (!(error instanceof ApiError) || signal.aborted) throw error;
      if (error.forbidden) this.#refuse();
      else this.#say(error.detail || error.title);
      throw error;
    }
  }

  #refuse() {
    keepAdminKey(this.#site, null);
    this.#ask();
    this.#say("This is no admin key of this site.");
  }

  #say(text) {
    setText(byId("rebuild-error"), text);
    byId("rebuild-error").hidden = !text;
  }

  #show(answer) {
    const changed = answer.building?.generation !== this.#answer?.building?.generation;
    if (changed) this.#more = [];
    if (changed || !this.#more.length) this.#next = answer.differences?.next ?? null;
    this.#answer = answer;
    this.#root.hidden = false;
    byId("admin-open").hidden = true;
    this.#root.dataset.state = answer.state;
    this.#say("");
    setText(byId("rebuild-state"), verdict(answer));
    showProgress(answer);
    setText(byId("rebuild-text"), sentence(answer));
    this.#showDifferences();
    showKept(answer);
    byId("rebuild-flip").hidden = answer.state !== "ready";
    byId("rebuild-flip").disabled = Boolean(answer.building?.is_asked_for);
    byId("rebuild-back").hidden = !answer.kept || answer.state === "building";
    byId("rebuild-back").disabled = Boolean(answer.kept?.is_asked_for);
    byId("rebuild-actions").hidden = byId("rebuild-flip").hidden && byId("rebuild-back").hidden;
  }

  #showDifferences() {
    const rows = [...(this.#answer.differences?.rows ?? []), ...this.#more];
    byId("rebuild-table").hidden = rows.length === 0;
    byId("rebuild-more").hidden = !this.#next;
    whenChanged(byId("rebuild-rows"), rows, () => byId("rebuild-rows").replaceChildren(...rows.map((one, i) => row(one, rows[i - 1]))));
  }

  async #showMore() {
    byId("rebuild-more").disabled = true;
    try {
      const { differences } = await fetchRebuild(this.#site, { from: this.#next });
      this.#more.push(...(differences?.rows ?? []));
      this.#next = differences?.next ?? null;
      this.#showDifferences();
    } catch (error) {
      this.#say(error.detail || error.title);
    }
    byId("rebuild-more").disabled = false;
  }

  #confirm(action) {
    const { building, kept } = this.#answer;
    const { generation } = action === "flip" ? building : kept;
    const dialog = byId("rebuild-confirm");
    setText(byId("confirm-title"), action === "flip" ? "Let the new numbers count?" : "Let the old numbers count again?");
    setText(byId("confirm-text"), consequence(action, this.#answer));
    setText(byId("confirm-yes"), action === "flip" ? "Let them count" : "Roll back");
    dialog.returnValue = "";
    dialog.onclose = () => dialog.returnValue === "yes" && this.#wish(action, generation);
    dialog.showModal();
  }

  async #wish(action, generation) {
    try {
      this.#show({ ...this.#answer, ...await wishRebuild(this.#site, { action, generation }), differences: this.#answer.differences });
      this.#poll?.now();
    } catch (error) {
      this.#say(error.detail || error.title);
    }
  }
}

function verdict({ state, building, kept }) {
  if (building?.is_asked_for || kept?.is_asked_for) return "On its way";
  if (state === "building") return building.is_silent ? "Stopped" : "At work";
  return { none: "Nothing to do", ready: "Ready", kept: "Done" }[state];
}

function showProgress({ state, building }) {
  const bar = byId("rebuild-progress");
  bar.hidden = state !== "building";
  if (bar.hidden) return;
  const share = building.total ? Math.min(1, building.done / building.total) : null;
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
  setText(bar, share === null ? "" : `${Math.floor(share * 100)}%`);
}

/** What is the case, in a sentence or two. */
function sentence({ site_id: site, state, generation, building, differences }) {
  if (state === "building") return work(building, site);
  if (state !== "ready") {
    return `Generation ${generation} counts. “liveinsight rebuild --site ${site}” makes all numbers anew from the raw archive, beside it.`;
  }
  const range = building.from ? ` The days from ${building.from} to ${building.to} were made anew.` : "";
  const zone = ` Its days begin in ${building.timezone}.`;
  const found = differences?.rows.length || building.differences;
  const days = `${count(building.compared_days)} closed ${building.compared_days === 1 ? "day was" : "days were"} compared with generation ${generation}`;
  const result = found ? `${count(building.differences ?? found)} numbers differ` : "no number differs";
  const asked = building.is_asked_for ? " It counts as soon as the engine has seen this; on AWS “liveinsight rebuild --attend” does it." : "";
  return `Generation ${building.generation} is ready: ${days}, and ${result}.${range}${zone}${asked}`;
}

function work(building, site) {
  if (building.is_silent) {
    return `Generation ${building.generation} was begun, and nobody has said anything of it for a minute. “liveinsight rebuild --site ${site}” goes on where it was.`;
  }
  const [stage, what] = STAGES[building.stage];
  const done = building.done ? [`${count(building.done)}${building.total ? ` of ${count(building.total)}` : ""} ${what}`] : [];
  const rate = building.rate ? [`${count(Math.round(building.rate))} a second`] : [];
  const left = building.rate && building.total ? [`about ${duration((building.total - building.done) / building.rate)} left`] : [];
  return `${[stage, ...done, ...rate, ...left].join(" · ")}. Generation ${building.generation} is not read before you say so.`;
}

function showKept({ kept, timezone }) {
  const asked = kept?.is_asked_for ? " It was asked to count again." : "";
  setText(byId("rebuild-kept"), !kept ? "" :
    `Generation ${kept.generation} counted until ${instant(kept.replaced_at, timezone)} and is kept until ${instant(kept.until, timezone)}.${asked}`);
}

function consequence(action, { building, kept, generation }) {
  return action === "flip"
    ? `Generation ${building.generation} takes the place of generation ${generation} in every report. The old one is kept for 7 days, and can be taken back.`
    : `Generation ${kept.generation} takes the place of generation ${generation} in every report, with everything that came since. You can change your mind until its week is over.`;
}

/** A number that differs; its day is in sight once for all that differ on it. */
function row({ day, dimension, metric, values, before, after }, above) {
  const show = TIMES.has(metric) ? (ms) => duration(ms / 1000) : count;
  const name = dimension.charAt(0).toUpperCase() + dimension.slice(1).replaceAll("_", " ");
  return el("tr", {},
    el("th", { scope: "row" }, el("span", { class: day === above?.day ? "visually-hidden" : "", text: dayName(day) })),
    el("td", { text: dimension === "total" ? METRICS[metric] : `${METRICS[metric]} by ${name.toLowerCase()}` }),
    el("td", { class: "number", text: count(values) }),
    el("td", { class: "number", text: show(before) }),
    el("td", { class: "number", text: show(after) }));
}
