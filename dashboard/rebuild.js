/*
 * Rebuild: the part of the settings for an owner with an admin key: how far a rebuild is, what it would
 * change, and the two wishes that change which numbers count.
 */

import { ApiError, fetchRebuild, wishRebuild } from "./api.js";
import { byId, el, setText, whenChanged } from "./dom.js";
import { count, dayName, dimensionName, duration, instant } from "./format.js";
import { adminKey, keepAdminKey } from "./keys.js";
import { Poll } from "./poll.js";
import { t } from "./texts.js";

const BUSY_EVERY = 2_000;
const IDLE_EVERY = 20_000;
const TIMES = new Set(["duration_ms", "engaged_ms"]);

export class Rebuild {
  #root = byId("rebuild");
  #site = null;
  #poll = null;
  #answer = null;
  #more = []; // differences of later days, asked for one part at a time
  #next = null;

  /** @param {string} site whose settings are shown */
  constructor(site) {
    this.#site = site;
    byId("admin-leave").addEventListener("click", () => this.#leave());
    byId("rebuild-flip").addEventListener("click", () => this.#confirm("flip"));
    byId("rebuild-back").addEventListener("click", () => this.#confirm("roll_back"));
    byId("rebuild-more").addEventListener("click", () => this.#showMore());
    byId("admin-form").addEventListener("submit", (event) => {
      event.preventDefault();
      keepAdminKey(this.#site, new FormData(event.target).get("key").trim());
      event.target.reset();
      this.#start();
    });
    this.#start();
  }

  stop() {
    this.#poll?.stop();
  }

  #start() {
    this.stop();
    this.#answer = null;
    this.#more = [];
    this.#next = null;
    if (adminKey(this.#site)) this.#poll = new Poll((signal) => this.#refresh(signal), () => this.#pause());
    else this.#ask();
  }

  #ask() {
    this.#root.dataset.state = "locked";
    setText(byId("rebuild-state"), t("rebuild.locked"));
  }

  #leave() {
    keepAdminKey(this.#site, null);
    this.#start();
    byId("admin-input").focus();
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
    this.#say(t("rebuild.key_wrong"));
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
    setText(byId("confirm-title"), t(`rebuild.confirm_${action}`));
    setText(byId("confirm-text"), consequence(action, this.#answer));
    setText(byId("confirm-yes"), t(`rebuild.do_${action}`));
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
  if (building?.is_asked_for || kept?.is_asked_for) return t("rebuild.state.asked");
  if (state === "building") return t(building.is_silent ? "rebuild.state.silent" : "rebuild.state.building");
  return t(`rebuild.state.${state}`);
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
  if (state !== "ready") return t("rebuild.idle", { generation, site });
  const found = building.differences ?? differences?.rows.length ?? 0;
  return [
    t("rebuild.ready", { n: building.compared_days, generation: building.generation, counting: generation }),
    found ? t("rebuild.differences", { n: found }) : t("rebuild.same"),
    building.from ? t("rebuild.range", { from: building.from, to: building.to }) : "",
    t("rebuild.zone", { zone: building.timezone }),
    building.is_asked_for ? t("rebuild.soon") : "",
  ].filter(Boolean).join(" ");
}

function work(building, site) {
  const { stage, done, total, rate, generation } = building;
  if (building.is_silent) return t("rebuild.silent", { generation, site });
  const parts = [t(`rebuild.stage.${stage}`)];
  if (done) parts.push(total ? t("rebuild.done_of", { done, total }) : count(done));
  if (rate) parts.push(t("rebuild.rate", { n: Math.round(rate) }));
  if (rate && total) parts.push(t("rebuild.left", { time: duration((total - done) / rate) }));
  return `${parts.join(" · ")}. ${t("rebuild.unread", { generation })}`;
}

function showKept({ kept, timezone }) {
  const text = kept && t("rebuild.kept", { generation: kept.generation, since: instant(kept.replaced_at, timezone), until: instant(kept.until, timezone) });
  setText(byId("rebuild-kept"), [text, kept?.is_asked_for ? t("rebuild.asked_again") : ""].filter(Boolean).join(" "));
}

function consequence(action, { building, kept, generation }) {
  const next = action === "flip" ? building : kept;
  return t(`rebuild.consequence_${action}`, { next: next.generation, generation });
}

/** A number that differs; its day is in sight once for all that differ on it. */
function row({ day, dimension, metric, values, before, after }, above) {
  const show = TIMES.has(metric) ? (ms) => duration(ms / 1000) : count;
  const name = t(`rebuild.metric.${metric}`);
  return el("tr", {},
    el("th", { scope: "row" }, el("span", { class: day === above?.day ? "visually-hidden" : "", text: dayName(day) })),
    el("td", { text: dimension === "total" ? name : t("rebuild.by", { metric: name, dimension: dimensionName(dimension) }) }),
    el("td", { class: "number", text: count(values) }),
    el("td", { class: "number", text: show(before) }),
    el("td", { class: "number", text: show(after) }));
}
