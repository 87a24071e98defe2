/*
 * Ledger: the card that lays the stages of the pipeline side by side: what arrived against what became
 * of it, and what was accepted against what was archived and counted.
 */

import { byId, el, setText, whenChanged } from "./dom.js";
import { count, dayName } from "./format.js";

const BREAKS_NAMED = 5;
const APART = "The collector, the archive and the statistics each keep their own count.";
const ON_THE_WAY = "The newest hits are still on their way; nothing is missing.";

/** What the parts of the equations are; `key` is the colour in the bar below. */
const RECEIVED = { id: "received", label: "received", meaning: "Hits that reached the collector" };
const ACCEPTED = { id: "accepted", label: "accepted", meaning: "Hits that became events", key: "main" };
const DUPLICATES = { id: "duplicates", label: "duplicates", meaning: "Hits sent again, counted the first time", key: "soft" };
const REJECTED = { id: "rejected", label: "rejected", meaning: "Hits refused, each for a reason", key: "quiet" };
const ARCHIVED = { id: "archived", label: "archived", meaning: "Events in the raw archive" };
const COUNTED = { id: "counted", label: "counted", meaning: "Events in the numbers of this page" };

/** How far the stages of the ledgers are apart. */
const GAPS = ["unaccounted", "unarchived", "uncounted"];

/** Reasons that do not read well as their code with spaces. */
const REASONS = { bot: "bots", invalid_json: "invalid JSON", invalid_url: "invalid URL" };

export class Ledger {
  #root = byId("ledger");
  #state = byId("ledger-state");

  /** Whether what was shown last will change although no more hits arrive. */
  inFlight = false;

  /** @param {object|null} account an answer of /api/reconciliation; null: none could be had */
  show(account) {
    const known = account !== null && (account.received > 0 || account.state === "broken");
    this.inFlight = known && account.state === "in_flight";
    this.#root.hidden = !known;
    if (!known) return;
    whenChanged(this.#root, { ...account, as_of: null, lag_ms: null }, () => this.#draw(account));
  }

  #draw(account) {
    const rejected = sum(Object.values(account.rejected));
    this.#root.dataset.state = account.state;
    setText(this.#state, verdict(account));
    drawIntake({ ...account, rejected });
    drawStages(account);
    setText(byId("ledger-reasons"), reasons(account.rejected));
    setText(byId("ledger-note"), this.inFlight ? ON_THE_WAY : APART);
    drawBreaks(account);
  }
}

function drawIntake(account) {
  const { accepted, duplicates, rejected, unaccounted } = account;
  const signs = [equals(unaccounted), "+", "+"];
  drawSum(byId("ledger-intake"), account, [RECEIVED, ACCEPTED, DUPLICATES, REJECTED], signs);
  drawBar(byId("ledger-intake-bar"), { main: accepted, soft: duplicates, quiet: rejected, gap: unaccounted });
}

function drawStages(account) {
  const { accepted, archived, counted, unarchived } = account;
  const signs = [equals(unarchived), equals(archived - counted)];
  drawSum(byId("ledger-stages"), account, [{ ...ACCEPTED, key: null }, ARCHIVED, COUNTED], signs);
  const done = Math.min(archived, counted);
  drawBar(byId("ledger-stages-bar"), { main: done, gap: accepted - done });
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const equals = (gap) => (gap === 0 ? "=" : "≠");

/** An equation. @param {string[]} signs what stands before each part but the first */
function drawSum(root, account, parts, signs) {
  root.replaceChildren(...parts.map((part, i) => term(part, account[part.id], signs[i - 1])));
}

function term({ id, label, meaning, key }, value, sign) {
  return el("div", { class: "term", title: meaning, dataset: { sign: sign ?? "", none: String(value === 0) } },
    el("dt", { class: key ? `key key-${key}` : "", text: label }),
    el("dd", { dataset: { testid: `ledger-${id}` }, text: count(value) }));
}

/** @param {Record<string, number>} parts how much of the bar each colour takes; what is not above 0 has none */
function drawBar(root, parts) {
  const shown = Object.entries(parts).filter(([, value]) => value > 0);
  root.replaceChildren(...shown.map(([name, value]) => {
    const part = el("span", { class: `share share-${name}` });
    part.style.flexGrow = String(value);
    return part;
  }));
}

/** The state and its size in a few words. */
function verdict(account) {
  if (account.state === "balanced") return "Balanced";
  if (account.state === "in_flight") return `${count(account.in_flight)} on the way`;
  const size = sum(GAPS.map((name) => Math.abs(account[name])));
  return size > 0 ? `Off by ${count(size)}` : "Broken";
}

/** Why hits were rejected, the most frequent reason first. */
function reasons(rejected) {
  const ranked = Object.entries(rejected).sort(([, a], [, b]) => b - a);
  if (ranked.length === 0) return "Nothing was rejected.";
  const named = ranked.map(([code, times]) => `${REASONS[code] ?? code.replaceAll("_", " ")} ${count(times)}`);
  return `Rejected: ${named.join(" · ")}`;
}

/** What is lost, or does not move, and where or of which day; the newest day first. */
function drawBreaks({ broken }) {
  const ordered = [...broken].sort((a, b) => (b.day ?? "").localeCompare(a.day ?? ""));
  const rest = ordered.length - BREAKS_NAMED;
  const items = ordered.slice(0, BREAKS_NAMED).map(({ what, where, day }) =>
    el("li", {}, el("b", { text: day ? dayName(day) : capital(where) }), ` ${what}`));
  if (rest > 0) items.push(el("li", { text: `and ${count(rest)} more` }));
  byId("ledger-breaks").replaceChildren(...items);
  byId("ledger-breaks").hidden = items.length === 0;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
