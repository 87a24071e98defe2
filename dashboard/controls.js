/*
 * Controls: the site picker, the period menu and the small forms. They only say what the reader wants;
 * app.js acts on it.
 */

import { byId, el, setText } from "./dom.js";
import { isDay, labelOf, PERIODS } from "./view.js";

/**
 * @param {object} wishes
 * @param {(change: object) => void} wishes.onView another site or other days
 * @param {() => void} wishes.onOtherSite a site that is not listed
 * @param {() => void} wishes.onBack rather stay with the site that was shown
 * @param {(key: string) => void} wishes.onKey a read key
 * @param {() => void} wishes.onForget the read key
 * @param {() => void} wishes.onRetry
 */
export function connectControls({ onView, onOtherSite, onBack, onKey, onForget, onRetry }) {
  const menu = byId("period-menu");
  const chosen = (change) => ((menu.open = false), onView(change));
  const sites = { listed: [], shown: null };

  connectSites({ onView, onOtherSite, sites });
  connectForm("key-form", (form) => onKey(form.get("key").trim()));
  connectForm("custom-range", (form) => chooseRange(form, chosen));
  connectMenu(menu);
  connectCopy();
  byId("retry").addEventListener("click", onRetry);
  byId("site-back").addEventListener("click", onBack);
  byId("forget-key").addEventListener("click", onForget);
  const options = PERIODS.map((period) => option(period, () => chosen({ period: period.id })));
  byId("period-options").replaceChildren(...options);
  return {
    /** @param {string[]} ids the sites to choose from */
    listSites: (ids) => fillSites(Object.assign(sites, { listed: ids })),
    /** Show a view in the controls. */
    show(view, today) {
      fillSites(Object.assign(sites, { shown: view.site }));
      showPeriod(view, today);
    },
  };
}

function showPeriod(view, today) {
  setText(byId("period-label"), labelOf(view));
  for (const node of byId("period-options").children) {
    node.setAttribute("aria-pressed", String(node.dataset.period === view.period));
  }
  showCustom(view, today);
}

function option({ id, label }, choose) {
  const node = el("button", { class: "menu-option", type: "button", dataset: { period: id }, text: label });
  node.addEventListener("click", choose);
  return node;
}

function connectForm(id, use) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    use(new FormData(event.target));
  });
}

function connectSites({ onView, onOtherSite, sites }) {
  const select = byId("site-select");
  select.addEventListener("change", () => {
    const chosen = select.selectedOptions[0];
    if (!chosen.dataset.other) return onView({ site: chosen.value });
    fillSites(sites);
    onOtherSite();
  });
  connectForm("site-form", (form) => form.get("site").trim() && onView({ site: form.get("site").trim() }));
}

/** The picker offers the listed sites and the shown one, which may be private and so not listed. */
function fillSites({ listed, shown }) {
  const select = byId("site-select");
  const all = shown && !listed.includes(shown) ? [shown, ...listed] : listed;
  const options = all.map((id) => el("option", { value: id, text: id }));
  select.replaceChildren(...options, el("option", { dataset: { other: "true" }, text: "Another site…" }));
  if (shown) select.value = shown;
  byId("site-picker").hidden = all.length === 0;
}

function showCustom(view, today) {
  const { from, to } = byId("custom-range").elements;
  from.max = to.max = today;
  byId("custom-error").hidden = true;
  from.value = view.period === "custom" ? view.from : "";
  to.value = view.period === "custom" ? view.to : today;
}

function chooseRange(form, use) {
  const [from, to] = [form.get("from"), form.get("to")];
  const wrong = !isDay(from) || !isDay(to) ? "Choose both days." : from > to ? "The first day is after the last." : "";
  setText(byId("custom-error"), wrong);
  byId("custom-error").hidden = !wrong;
  if (!wrong) use({ period: "custom", from, to });
}

/** A details element that also closes on Escape, on a click elsewhere, and when focus leaves it. */
function connectMenu(menu) {
  const close = () => (menu.open = false);
  document.addEventListener("pointerdown", (event) => !menu.contains(event.target) && close());
  menu.addEventListener("focusout", (event) => event.relatedTarget && !menu.contains(event.relatedTarget) && close());
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    close();
    byId("period-button").focus();
  });
}

function connectCopy() {
  const button = byId("copy-snippet");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(byId("snippet").textContent);
      setText(button, "Copied");
    } catch {
      getSelection().selectAllChildren(byId("snippet")); // no clipboard here: select it for the reader
      setText(button, "Selected");
    }
    setTimeout(() => setText(button, "Copy"), 2_000);
  });
}
