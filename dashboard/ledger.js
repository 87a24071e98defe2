/*
 * Ledger: one line that says up to when what arrived was accepted, archived and counted, all of it; and
 * behind "Details" what became of each hit. What the stages have not all done yet is newer, and on its way.
 */

import { byId, el, setText, whenChanged } from "./dom.js";
import { clock, count, dayName } from "./format.js";
import { has, t } from "./texts.js";

const BREAKS_NAMED = 5;
const sum = (values) => values.reduce((total, value) => total + value, 0);

/** How far the stages of the ledgers are apart. */
const GAPS = ["unaccounted", "unarchived", "uncounted"];

export class Ledger {
  #root = byId("ledger");

  /** Whether what was shown last will change although no more hits arrive. */
  inFlight = false;
  /** The last answer, null where there is none. */
  account = null;

  /** @param {object|null} account an answer of /api/reconciliation; null: none could be had */
  show(account) {
    const isKnown = account !== null && (account.received > 0 || account.state === "broken");
    this.account = isKnown ? account : null;
    this.inFlight = isKnown && account.state === "in_flight";
    this.#root.hidden = !isKnown;
    if (isKnown) whenChanged(this.#root, { ...account, lag_ms: null }, () => this.#draw(account));
  }

  #draw(account) {
    const rejected = sum(Object.values(account.rejected));
    this.#root.dataset.state = account.state;
    setText(byId("ledger-state"), verdict(account));
    const parts = line(account, rejected).map((text) => el("span", { text }));
    byId("ledger-line").replaceChildren(...parts);
    drawTable(account, rejected);
    setText(byId("ledger-reasons"), reasons(account.rejected));
    setText(byId("ledger-note"), t(this.inFlight ? "ledger.newest" : "ledger.apart"));
    drawBreaks(account);
  }

  /** Open the details and go there. */
  reveal() {
    if (this.#root.hidden) return;
    byId("ledger-details").open = true;
    this.#root.scrollIntoView({ block: "nearest" });
    byId("ledger-summary").focus();
  }
}

/** What all stages have done; what only some have is newer. */
export const done = ({ accepted, archived, counted }) => Math.min(accepted, archived, counted);
export const newer = (account) => Math.max(account.accepted, account.archived, account.counted) - done(account);

/** The state and its size in a few words. */
function verdict(account) {
  if (account.state === "broken") {
    const size = sum(GAPS.map((name) => Math.abs(account[name])));
    return size > 0 ? t("ledger.off", { n: size }) : t("ledger.broken");
  }
  const until = clock(account.oldest ?? account.as_of, account.timezone);
  return until ? t("ledger.balanced_until", { time: until }) : t("ledger.balanced");
}

function line(account, rejected) {
  const rest = t("ledger.rejected", { n: rejected });
  if (account.state === "broken") {
    const { accepted, archived, counted } = account;
    return [t("ledger.unequal", { accepted, archived, counted }), rest];
  }
  const way = newer(account);
  return [t("ledger.equal", { n: done(account) }), ...(way ? [t("ledger.on_the_way", { n: way })] : []), rest];
}

function drawTable(account, rejected) {
  const rows = [["received", account.received], ["accepted", account.accepted], ["duplicates", account.duplicates],
    ["rejected", rejected], ["archived", account.archived], ["counted", account.counted]];
  byId("ledger-figures").replaceChildren(...rows.map(([id, value]) =>
    el("div", { class: "term", dataset: { none: String(value === 0) } },
      el("dt", { text: t(`ledger.term.${id}`), title: t(`ledger.meaning.${id}`) }),
      el("dd", { dataset: { testid: `ledger-${id}` }, text: count(value) }))));
}

/** Why hits were rejected, the most frequent reason first. */
function reasons(rejected) {
  const ranked = Object.entries(rejected).sort(([, a], [, b]) => b - a);
  if (ranked.length === 0) return t("ledger.none_rejected");
  return t("ledger.reasons", { list: ranked.map(([code, times]) => `${reason(code)} ${count(times)}`).join(" · ") });
}

const reason = (code) => (has(`reason.${code}`) ? t(`reason.${code}`) : code.replaceAll("_", " "));

/** What is lost, or does not move, and where or of which day; the newest day first. */
function drawBreaks({ broken }) {
  const ordered = [...broken].sort((a, b) => (b.day ?? "").localeCompare(a.day ?? ""));
  const rest = ordered.length - BREAKS_NAMED;
  const items = ordered.slice(0, BREAKS_NAMED).map(({ what, where, day }) =>
    el("li", {}, el("b", { text: day ? dayName(day) : capital(where) }), ` ${what}`));
  if (rest > 0) items.push(el("li", { text: t("ledger.more", { n: rest }) }));
  byId("ledger-breaks").replaceChildren(...items);
  byId("ledger-breaks").hidden = items.length === 0;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
