/*
 * Bar: the controls at the top: site, status, filter, period, comparison, and the menu of the rest. They
 * only say what the reader wants; app.js acts on it.
 */

import { byId, el, setText } from "./dom.js";
import { lag, rangeName } from "./format.js";
import { newer } from "./ledger.js";
import { connectMenu, menuOption } from "./menus.js";
import { chooseLanguage, language, LANGUAGES, t } from "./texts.js";
import { COMPARISONS, comparedDays, daysOf, isDay, PERIODS, step } from "./view.js";

const LATE = 60_000;
const LANGUAGE_NAMES = { en: "English", ko: "한국어" };

/**
 * @param {import("./page.js").Page} page
 * @param {{today: () => string, onOtherSite: Function, onShare: Function, onCsv: Function, onStatus: Function}} wishes
 */
export function connectBar(page, wishes) {
  const menus = {};
  const closing = (run) => (...given) => (Object.values(menus).forEach((menu) => menu.close()), run(...given));
  const go = closing(page.go);
  menus.site = connectMenu(byId("site-menu"));
  menus.filter = connectMenu(byId("filter-menu"));
  menus.period = connectMenu(byId("period-menu"));
  menus.compare = connectMenu(byId("compare-menu"));
  menus.more = connectMenu(byId("more-menu"), { onOpen: () => fillMore(wishes, closing) });
  const days = () => daysOf(page.view(), wishes.today());
  const stepBy = (direction) => {
    const change = step(page.view(), wishes.today(), direction);
    if (change) page.go(change);
  };
  byId("period-back").addEventListener("click", () => stepBy(-1));
  byId("period-next").addEventListener("click", () => stepBy(1));
  byId("status").addEventListener("click", wishes.onStatus);
  connectRange("custom-range", "custom-error", (from, to) => go({ period: "custom", from, to, date: null }));
  connectRange("custom-compare", "compare-error", (from, to) => go({ compare: `${from}..${to}` }));
  return {
    menus,
    stepBy,
    /** @param {{public: string[], keyed: string[]}} sites */
    listSites: (sites) => fillSites(page, sites, go, closing(wishes.onOtherSite)),
    /** Show the view. */
    follow() {
      showPeriod(page.view(), { go, today: wishes.today(), days: days() });
      showCompare(page.view(), { go, days: days() });
    },
    showStatus,
  };
}

/** How late the numbers are, and whether all is counted. @param {object|null} now @param {object|null} account */
function showStatus(now, account) {
  const node = byId("status");
  const late = now?.lag_ms ?? null;
  node.hidden = late === null && account === null;
  const isBroken = account?.state === "broken";
  node.dataset.tone = isBroken ? "bad" : late > LATE ? "late" : "good";
  const way = account ? newer(account) : 0;
  const counted = account === null ? "" : isBroken ? t("status.broken") : way ? t("status.on_the_way", { n: way }) : t("status.all_counted");
  setText(byId("status-text"), [lag(late), counted].filter(Boolean).join(" · "));
}

function showPeriod(view, { go, today, days }) {
  setText(byId("period-label"), periodLabel(view, days, today));
  byId("period-options").replaceChildren(...PERIODS.map((period) => menuOption({
    label: t(`period.${period}`),
    isChosen: view.period === period && !view.date,
    dataset: { period },
    run: () => go({ period, date: null, from: null, to: null }),
  })));
  byId("period-back").disabled = step(view, today, -1) === null;
  byId("period-next").disabled = step(view, today, 1) === null;
  fillRange(byId("custom-range"), view.period === "custom" ? days : { from: "", to: today }, today);
}

/** The name of a period, of one in the past its days. */
function periodLabel(view, days, today) {
  if (view.period === "custom" || view.date) return rangeName(days.from, days.to, today.slice(0, 4));
  return t(`period.${view.period}`);
}

function showCompare(view, { go, days }) {
  const isNamed = COMPARISONS.includes(view.compare);
  const isOff = view.period === "all";
  setText(byId("compare-label"), isOff ? t("compare.label.none") : isNamed ? t(`compare.label.${view.compare}`) : t("compare.label.custom"));
  byId("compare-button").disabled = isOff;
  const options = () => COMPARISONS.map((compare) => menuOption({
    label: t(`compare.${compare}`),
    isChosen: view.compare === compare,
    note: note(compare, days),
    run: () => go({ compare }),
  }));
  byId("compare-options").replaceChildren(...options());
  byId("compare-narrow").replaceChildren(...(isOff ? [] : [el("p", { class: "menu-heading", text: t("bar.compare_group") }), ...options()]));
  const [from, to] = isNamed ? ["", ""] : view.compare.split("..");
  fillRange(byId("custom-compare"), { from, to }, "");
}

function note(compare, days) {
  const compared = comparedDays(compare, days);
  return compared ? rangeName(compared.from, compared.to, days.to.slice(0, 4)) : "";
}

function fillRange(form, { from, to }, today) {
  const inputs = form.elements;
  if (form.contains(document.activeElement)) return; // the reader is writing
  inputs.from.max = inputs.to.max = today;
  inputs.from.value = from;
  inputs.to.value = to;
}

function connectRange(id, errorId, use) {
  const form = byId(id);
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [from, to] = ["from", "to"].map((name) => form.elements[name].value);
    const wrong = !isDay(from) || !isDay(to) ? t("period.choose_both") : from > to ? t("period.reversed") : "";
    setText(byId(errorId), wrong);
    byId(errorId).hidden = !wrong;
    if (!wrong) (document.activeElement?.blur(), use(from, to));
  });
}

/** Public sites, and the private ones that this browser has a key of. */
function fillSites(page, { open, keyed }, go, onOther) {
  const { site } = page.view();
  const all = [...new Set([...open, ...keyed, ...(site ? [site] : [])])].sort();
  setText(byId("site-name"), site || t("bar.choose_site"));
  byId("site-menu").hidden = all.length === 0;
  const options = all.map((id) => menuOption({
    label: id, isChosen: id === site, mark: open.includes(id) ? null : "lock", dataset: { site: id },
    run: () => go({ site: id, filters: [], goal: null, open: null }),
  }));
  const other = menuOption({ label: t("bar.other_site"), dataset: { other: "true" }, run: onOther });
  byId("site-sheet").replaceChildren(...options, el("hr"), other);
}

function fillMore({ theme, onTheme, onShare, onCsv, onOpen }, closing) {
  const themes = ["system", "light", "dark"].map((name) => menuOption({
    label: t(`theme.${name}`), isChosen: theme() === name, dataset: { theme: name }, run: closing(() => onTheme(name)),
  }));
  const languages = LANGUAGES.map((tag) => menuOption({
    label: LANGUAGE_NAMES[tag], isChosen: tag === language, dataset: { language: tag }, run: closing(() => chooseLanguage(tag)),
  }));
  const heading = (key) => el("p", { class: "menu-heading", text: t(key) });
  const line = (key, run) => menuOption({ label: t(key), dataset: { more: key.slice("more.".length) }, run: closing(run) });
  const ofSite = byId("bar-tools").hidden ? [] : [
    line("more.share", onShare), line("more.csv", onCsv), line("more.settings", () => onOpen("settings")), line("more.keys", () => onOpen("help")), el("hr"),
  ];
  byId("more-sheet").replaceChildren(...ofSite, heading("more.theme"), el("div", { class: "menu-choice", role: "group", "aria-label": t("more.theme") }, ...themes),
    heading("more.language"), el("div", { class: "menu-choice", role: "group", "aria-label": t("more.language") }, ...languages));
}
