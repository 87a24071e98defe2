/*
 * States: what the page shows besides the numbers: the error banner, the empty range, and the pages
 * that ask for a site or a key.
 */

import { ApiError } from "./api.js";
import { byId, setText } from "./dom.js";
import { locale, t } from "./texts.js";

const MODES = { report: "dashboard", "ask-site": "ask-site", "ask-key": "ask-key" };

/** @param {"report"|"ask-site"|"ask-key"} mode */
export function showMode(mode) {
  for (const [name, id] of Object.entries(MODES)) byId(id).hidden = name !== mode;
  byId("bar-tools").hidden = mode !== "report";
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
  setText(byId("ask-key-title"), t("ask.private", { site }));
  setText(byId("key-error"), t("ask.key_wrong"));
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
  setText(byId("error-stale"), shownAt ? t("error.stale", { time: shownAt.toLocaleTimeString(locale) }) : "");
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
  if (!(error instanceof ApiError)) return { title: t("error.page"), detail: t("error.page_more") };
  const { status, title, detail } = error;
  if (status === 404) return { title: t("error.no_site", { site }), detail: t("error.no_site_more") };
  if (status === 422) return { title: t("error.question"), detail: detail || title };
  if (status === 429) return { title: t("error.many"), detail: t("error.many_more") };
  return { title, detail: [detail, error.passing ? t("error.again") : ""].filter(Boolean).join(" ") };
}

/**
 * The empty range, in place of the chart and the panels.
 * @param {"none"|"range"|"filtered"|"waiting"} empty waiting: the first visit may still come
 * @param {string} site
 */
export function showEmpty(empty, site) {
  const isEmpty = empty !== "none";
  byId("state-empty").hidden = !isEmpty;
  byId("trend").hidden = isEmpty;
  byId("panels").hidden = isEmpty;
  if (!isEmpty) return;
  byId("state-empty").classList.toggle("is-waiting", empty === "waiting");
  setText(byId("empty-title"), t(`empty.${empty}`));
  setText(byId("empty-text"), t(`empty.${empty}_more`));
  byId("empty-all").hidden = empty !== "range";
  byId("empty-snippet").hidden = empty !== "waiting";
  setText(byId("snippet"), snippet(site));
}

/** What a site embeds, with the address of this server. */
export function snippet(site) {
  const id = site.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return `<script defer src="${location.origin}/liveinsight.js" data-site="${id}"></script>`;
}

/** Let a button copy the text of a node, or select it where there is no clipboard. */
export function connectCopy(button, node) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(node.textContent);
      setText(button, t("copied"));
    } catch {
      getSelection().selectAllChildren(node);
      setText(button, t("selected"));
    }
    setTimeout(() => setText(button, label), 2_000);
  });
}
