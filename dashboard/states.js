/*
 * States: what the page shows besides the numbers: the error banner, the empty range, and the pages
 * that ask for a site or a key.
 */

import { ApiError } from "./api.js";
import { byId, setText } from "./dom.js";

const MODES = { report: "dashboard", "ask-site": "ask-site", "ask-key": "ask-key" };

/** @param {"report"|"ask-site"|"ask-key"} mode */
export function showMode(mode) {
  for (const [name, id] of Object.entries(MODES)) byId(id).hidden = name !== mode;
  byId("period-menu").hidden = mode !== "report";
}

/** Ask for a site. @param {string} text @param {boolean} canGoBack */
export function showSiteForm(text, canGoBack) {
  setText(byId("ask-site-text"), text);
  byId("site-back").hidden = !canGoBack;
  showMode("ask-site");
  byId("site-input").focus();
}

/** Ask for the read key of a site. @param {string} site @param {boolean} refused whether one was tried */
export function showKeyForm(site, refused) {
  setText(byId("ask-key-site"), site);
  setText(byId("key-error"), "This key does not open this site.");
  byId("key-error").hidden = !refused;
  showMode("ask-key");
  byId("key-input").value = "";
  byId("key-input").focus();
}

/**
 * The banner. Numbers that were shown stay, with a note of their age.
 * @param {Error} error
 * @param {{site: string, shownAt: Date|null}} context
 */
export function showError(error, { site, shownAt }) {
  const { title, detail } = wording(error, site);
  setText(byId("error-title"), title);
  setText(byId("error-detail"), detail);
  setText(byId("error-stale"), shownAt ? `Stale: showing the numbers of ${shownAt.toLocaleTimeString("en-GB")}.` : "");
  byId("error-stale").hidden = shownAt === null;
  byId("stats").classList.add("is-stale");
  byId("dashboard").classList.toggle("is-bare", shownAt === null);
  byId("state-error").hidden = false;
}

export function hideError() {
  byId("state-error").hidden = true;
  byId("stats").classList.remove("is-stale");
  byId("dashboard").classList.remove("is-bare");
}

function wording(error, site) {
  if (!(error instanceof ApiError)) {
    return { title: "Something went wrong on this page", detail: "Reloading it may help." };
  }
  const { status, title, detail } = error;
  if (status === 404) {
    return { title: `There is no site “${site}” here`, detail: "Check the id, or choose another site above." };
  }
  if (status === 422) return { title: "This range cannot be shown", detail: detail || title };
  if (status === 429) return { title: "Too many requests", detail: "Waiting a moment before asking again." };
  return { title, detail: [detail, error.passing ? "Trying again on its own." : ""].filter(Boolean).join(" ") };
}

/**
 * The empty range, in place of the chart and the panels.
 * @param {boolean} empty @param {string} site
 * @param {boolean} waits whether the first visit may still come
 */
export function showEmpty(empty, site, waits = false) {
  byId("state-empty").hidden = !empty;
  byId("trend").hidden = empty;
  byId("panels").hidden = empty;
  if (!empty) return;
  byId("state-empty").classList.toggle("is-waiting", waits);
  setText(byId("empty-title"), waits ? "Waiting for the first visit" : "No visits in this range");
  const wish = waits ? "Add" : "Choose another range, or add";
  const promise = waits ? ". This page turns by itself when somebody comes." : ".";
  setText(byId("empty-text"), `${wish} this line to the <head> of your pages${promise}`);
  setText(byId("snippet"), snippet(site));
}

function snippet(site) {
  const id = site.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return `<script defer src="${location.origin}/liveinsight.js" data-site="${id}"></script>`;
}
