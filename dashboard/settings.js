/*
 * Settings: the drawer of a site: what it embeds, the read key of this browser, and the owner's rebuild.
 */

import { byId, el } from "./dom.js";
import { keepKey, readKey } from "./keys.js";
import { Rebuild } from "./rebuild.js";
import { connectCopy, snippet } from "./states.js";
import { t, translate } from "./texts.js";

/** @param {import("./page.js").Page} page @param {() => void} onForget the read key was forgotten */
export function showSettings(page, onForget, body, signal) {
  const { site } = page.view();
  body.append(embed(site), ...(readKey(site) === null ? [] : [forget(site, onForget)]));
  body.append(byId("rebuild-template").content.cloneNode(true));
  translate(body);
  const rebuild = new Rebuild(site);
  signal.addEventListener("abort", () => rebuild.stop());
}

function embed(site) {
  const code = el("code", { text: snippet(site), tabindex: 0, "aria-label": t("empty.snippet") });
  const copy = el("button", { class: "button", type: "button", text: t("copy") });
  connectCopy(copy, code);
  return el("section", {}, el("h3", { text: t("settings.embed") }), el("p", { class: "small", text: t("settings.embed_more") }),
    el("div", { class: "snippet" }, code, copy));
}

function forget(site, onForget) {
  const button = el("button", { class: "button", type: "button", id: "forget-key", text: t("settings.forget") });
  button.addEventListener("click", () => (keepKey(site, null), onForget()));
  return el("section", {}, el("h3", { text: t("settings.key") }), el("p", { class: "small", text: t("settings.key_more") }), button);
}

/** The drawer of what keys do. */
export function showHelp(body) {
  const keys = [["/", "filter"], ["←", "back"], ["→", "next"], ["c", "compare"], ["?", "help"], ["Esc", "close"]];
  body.append(el("dl", { class: "keys" }, ...keys.flatMap(([key, what]) =>
    [el("dt", {}, el("kbd", { text: key })), el("dd", { text: t(`key.${what}`) })])), el("p", { class: "small", text: t("help.chart") }));
}
