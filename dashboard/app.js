/*
 * App: ties the page together. Reads the view from the address, asks for what it shows again and again, and
 * decides which state the page is in: asking for a site, asking for a key, or showing the report.
 */

import { fetchEvents, fetchRealtime, fetchReconciliation, fetchSites, fetchStats, offline, ApiError } from "./api.js";
import { connectBar } from "./bar.js";
import { Chart } from "./chart.js";
import { saveCsv } from "./csv.js";
import { byId, el, setText, whenChanged } from "./dom.js";
import { Drawer } from "./drawer.js";
import { connectFilterForm, drawChips } from "./filters.js";
import { Goals, goalChange, showGoals } from "./goals.js";
import { dayName, dimensionName, instant, rangeName } from "./format.js";
import { keepKey, keyedSites, loadKeys, readKey } from "./keys.js";
import { Ledger } from "./ledger.js";
import { Live } from "./live.js";
import { WorldMap } from "./map.js";
import { CONVERSION, METRICS, metricOf } from "./metrics.js";
import { showNow, showVisit } from "./now.js";
import { Panel, PANELS, ROWS, tabOf } from "./panels.js";
import { Poll } from "./poll.js";
import { Questions, reportOf } from "./report.js";
import { showHelp, showSettings } from "./settings.js";
import { connectCopy, hideError, showEmpty, showError, showKeyForm, showMode, showSiteForm } from "./states.js";
import { t, translate } from "./texts.js";
import { createTotals } from "./totals.js";
import { showValues } from "./values.js";
import { daysOf, drawsGoal, filterText, isPlain, keyIn, readView, stepsOf, toggled, wallClock, writeView } from "./view.js";

const LIVE_EVERY = 3_000;
const STATS_EVERY = 15_000;
const MOST_ASKED = 4; // for one report: all time is found by month, then by day
const FEED = 4;

let view = readView(location.search);
let report = null; // what is on screen, and {shownAt}
let polls = [];
let statsPoll = null;
let hasFeed = true; // until the server says that it has none
let sites = { open: [], keyed: [] };
const zones = new Map(); // site -> time zone, learnt from the answers
const sinces = new Map(); // site -> the first day with numbers, learnt from the answers
const questions = new Questions();

const siteClock = () => wallClock(zones.get(view.site), new Date());
const today = () => siteClock().slice(0, 10);
const siteDays = () => daysOf(view, today(), sinces.get(view.site));

/** @type {import("./page.js").Page} */
const page = {
  view: () => view,
  href: (change) => writeView({ ...view, ...change }),
  go: (change) => goTo({ ...view, ...change }),
  filter: (filter) => page.go({ filters: toggled(view.filters, filter), open: null }),
  hrefFiltered: (filter) => page.href({ filters: toggled(view.filters, filter), open: null }),
  canFilter: () => questions.canQuery !== false,
  canAsk: () => questions.canQuery === true,
  learn(canQuery) {
    if (questions.canQuery === canQuery) return;
    questions.canQuery = canQuery;
    panels.forEach((panel) => panel.follow());
    goals.follow();
  },
  question: () => [questionOf(view), siteDays()],
  goalsQuestion: () => ({ ...siteDays(), filter: view.filters.map(filterText), compare: compareFor({}) }),
  ask: (question, signal) => questions.query(view, siteDays(), { compare: compareFor(question), goal: view.goal, ...question }, signal),
  values: (question, signal) => (page.canAsk() ? page.ask(question, signal) : fetchStats(view.site, { ...siteDays(), ...question, sort: undefined }, signal)),
  async suggest(dimension, search, limit) {
    const { breakdowns } = await fetchStats(view.site, { ...siteDays(), dimension, search, limit });
    return breakdowns[dimension] ?? [];
  },
  properties: () => goals.properties,
  timeZone: () => zones.get(view.site),
};

/** Growing is against something: the period before, where no comparison is chosen. */
const compareFor = ({ sort }) => (view.period === "all" ? undefined : view.compare !== "none" ? view.compare : sort?.endsWith("growth") ? "previous" : undefined);

translate(document);
const live = new Live(page);
const ledger = new Ledger();
const map = new WorldMap();
const panels = PANELS.map((panel) => new Panel(panel, page, map));
const goals = new Goals(page, () => showTotals());
byId("panels").replaceChildren(...panels.flatMap((panel) => (panel.id === "places" ? [goals.node, panel.node] : [panel.node])));
const chart = new Chart({ root: byId("chart"), legend: byId("legend"), spoken: byId("chart-spoken") });
const totals = createTotals(byId("totals"), (id) => chooseTotal(id));
const drawer = new Drawer(() => page.go({ open: null }));
const bar = connectBar(page, {
  today,
  theme: () => window.liveinsightTheme.chosen(),
  onTheme: (name) => window.liveinsightTheme.choose(name),
  onOtherSite: () => askSite(t("ask.enter_id")),
  onShare: share,
  onCsv: saveReport,
  onOpen: (open) => page.go({ open }),
  onStatus: () => ledger.reveal(),
});
connectFilterForm(page, bar.menus.filter);

/** Look at something else. What is only shown otherwise is not asked for again. */
function goTo(next) {
  const [from, to] = [writeView(view), writeView(next)];
  if (from === to) return;
  history.pushState(null, "", to);
  follow(next);
}

function follow(next) {
  const isSame = questionOf(next) === questionOf(view);
  const isSameSite = next.site === view.site;
  view = next;
  if (!isSame) return start({ keepLive: isSameSite });
  panels.forEach((panel) => panel.follow());
  goals.follow();
  askPanels();
  drawChart();
  showDrawer();
}

/** What the numbers hang on; the rest of a view is how they are shown. */
const questionOf = ({ tabs, open, metric, ...question }) => JSON.stringify([question, drawsGoal({ ...question, metric })]);

/** The goal's total is drawn with the goal as the question. */
function chooseTotal(id) {
  if (id === CONVERSION.id && !view.goal && goals.main) page.go({ goal: goals.main.name, metric: id });
  else showMetric(id);
}

function showMetric(metric) {
  if (questionOf({ ...view, metric }) !== questionOf(view)) return page.go({ metric });
  view = { ...view, metric };
  history.replaceState(null, "", writeView(view));
  drawChart();
}

function start({ keepLive = false } = {}) {
  polls.forEach((each) => each.stop());
  showMode("report");
  hideError();
  if (!keepLive) clear();
  byId("stats").setAttribute("aria-busy", "true");
  listSites();
  bar.follow();
  drawChips(page);
  byId("live-scope").hidden = view.filters.length === 0;
  panels.forEach((panel) => panel.follow());
  showRange();
  showDrawer();
  statsPoll = new Poll(refreshStats, nextStats);
  polls = [new Poll(refreshLive, () => LIVE_EVERY), statsPoll];
}

function clear() {
  report = null;
  questions.forget();
  live.clear();
  hasFeed = true;
  totals.clear();
  panels.forEach((panel) => panel.show(null));
  goals.forget();
  ledger.show(null);
  bar.showStatus(null, null);
  setText(byId("as-of"), "");
  showEmpty("none", view.site);
  document.title = `${view.site} · LiveInsight`;
  setText(byId("report-site"), view.site);
}

/** Closed ranges do not change once all is counted, so only those that may are asked for again. */
function nextStats() {
  if (siteDays().to < today() && !ledger.inFlight) return null;
  return Math.max(STATS_EVERY, 20 * (report?.stats.meta?.milliseconds ?? 0));
}

async function refreshLive(signal) {
  try {
    const answer = await fetchRealtime(view.site, signal);
    live.show(answer);
    bar.showStatus(answer, ledger.account);
    if (report?.isEmpty && answer.current_visitors > 0) statsPoll.now(); // the first visit turns the page by itself
    document.title = `${t("title.now", { n: answer.current_visitors })} · ${view.site} · LiveInsight`;
  } catch (error) {
    if (!signal.aborted) live.fail();
    throw error;
  }
  await refreshFeed(signal);
}

async function refreshFeed(signal) {
  if (!hasFeed) return;
  try {
    const { events } = await fetchEvents(view.site, { limit: FEED }, signal);
    live.feed(events ?? [], page.timeZone());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.unanswerable) hasFeed = false;
  }
}

async function refreshStats(signal) {
  try {
    const breakdowns = [...new Set(panels.flatMap((panel) => panel.dimensions))];
    const stats = await fetchRange(breakdowns, signal);
    await learnWhetherThereIsAny(stats, signal);
    const days = { from: stats.from, to: stats.to };
    showReport(stats, questions.kept(view, days));
    hideError();
    await Promise.all([
      questions.comparison(view, days, { stats, clock: siteClock(), limit: ROWS, breakdowns }, signal).then((comparison) => showReport(stats, comparison)),
      fetchAccount(days, signal).then((account) => showAccount(account)),
    ]);
    document.documentElement.dataset.settled = "true";
    askPanels(signal);
  } catch (error) {
    if (!signal.aborted) showFailure(error);
    throw error;
  }
}

let panelQuestions = new AbortController();

function askPanels(signal) {
  panelQuestions.abort();
  panelQuestions = new AbortController();
  signal?.addEventListener("abort", () => panelQuestions.abort(), { once: true });
  panels.forEach((panel) => panel.ask(panelQuestions.signal));
  goals.ask(panelQuestions.signal);
}

/** Answers tell the site's time zone, and its first day; where other days are meant then, ask again. */
async function fetchRange(breakdowns, signal) {
  let stats = null;
  if (view.period === "all" && !sinces.has(view.site)) learnFirstDay(await fetchStats(view.site, { ...siteDays(), limit: 1 }, signal));
  for (let asked = 0; asked < MOST_ASKED; asked += 1) {
    stats = await questions.numbers(view, siteDays(), { limit: ROWS, breakdowns }, signal);
    zones.set(view.site, stats.timezone);
    if (view.period === "all" && isPlain(view)) learnFirstDay(stats);
    const meant = siteDays();
    if (meant.from === stats.from && meant.to === stats.to) break;
  }
  return stats;
}

/** Of an empty range: whether the site has numbers on other days. */
async function learnWhetherThereIsAny({ totals: { pageviews, visits, events } }, signal) {
  if (pageviews || visits || events || sinces.has(view.site) || !isPlain(view)) return;
  learnFirstDay(await fetchStats(view.site, { ...daysOf({ ...view, period: "all" }, today()), limit: 1 }, signal));
}

/** The first day of the first interval with numbers. */
function learnFirstDay({ series }) {
  const first = series.find((point) => point.visits || point.pageviews)?.start.slice(0, 10);
  if (first) sinces.set(view.site, first);
}

/** What became of the hits of the range, or null: the report does without it. */
const fetchAccount = (days, signal) => fetchReconciliation(view.site, days, signal).catch((error) => {
  if (!(error instanceof ApiError)) throw error;
  return null;
});

function showAccount(account) {
  ledger.show(account);
  bar.showStatus(live.answer, ledger.account);
}

function showReport(stats, comparison) {
  report = { ...reportOf(stats, comparison, siteClock()), shownAt: new Date() };
  byId("filter-menu").hidden = !page.canFilter();
  bar.follow();
  showRange();
  showTotals();
  showEmpty(emptiness(), view.site);
  showSteps();
  if (!report.isEmpty) {
    panels.forEach((panel) => panel.follow());
    panels.forEach((panel) => panel.show(report));
  }
  drawChart();
  setText(byId("as-of"), asOf(stats));
  byId("stats").setAttribute("aria-busy", "false");
  document.documentElement.dataset.ready = "true";
}

/** The last total is the goal's: of the one that is chosen, else of the owner's first. */
function showTotals() {
  if (!report) return;
  const { main } = goals;
  const shown = view.goal ? goals.rows?.find((row) => row.name === view.goal) : main;
  if (!shown) return totals.show(report.totals, report.change, view.goal);
  const change = (metric) => (metric === CONVERSION ? goalChange(shown) : report.change(metric));
  totals.show({ ...report.totals, conversions: shown.conversions, conversion_rate: shown.conversion_rate }, change, shown.name);
}

/** The steps that the chart can have; one alone is no choice. */
function showSteps() {
  const steps = stepsOf(siteDays());
  whenChanged(byId("steps"), [steps, report.interval], () => byId("steps").replaceChildren(...(steps.length < 2 ? [] : steps).map((interval) => {
    const button = el("button", { type: "button", "aria-pressed": String(interval === report.interval), dataset: { step: interval }, text: t(`step.${interval}`) });
    button.addEventListener("click", () => page.go({ interval }));
    return button;
  })));
}

/** Why there are no numbers, if there are none. */
function emptiness() {
  if (!report.isEmpty) return "none";
  if (!isPlain(view)) return "filtered";
  return sinces.has(view.site) ? "range" : "waiting";
}

const asOf = ({ as_of: at, timezone }) =>
  [at ? t("footer.as_of", { time: instant(at, timezone) }) : "", timezone ? t("footer.zone", { zone: timezone }) : ""].filter(Boolean).join(" · ");

function drawChart() {
  const metric = metricOf(view.metric);
  totals.select(metric.id);
  if (!report || byId("trend").hidden) return;
  const onZoom = (from, to) => page.go({ period: "custom", from, to, date: null });
  chart.show({ points: report.points, before: report.before, interval: report.interval, metric, onZoom });
}

/** The days that are shown, and those they are compared with. */
function showRange() {
  const { from, to } = siteDays();
  const year = today().slice(0, 4);
  const isKnown = view.period !== "all" || sinces.has(view.site);
  setText(byId("range-dates"), !isKnown ? t("period.all") : from === to ? dayName(from) : rangeName(from, to, year));
  const isOfThis = report && report.stats.from === from && report.stats.to === to;
  setText(byId("range-note"), isOfThis && !report.isEmpty ? comparisonNote(report.comparison, year) : "");
}

function comparisonNote(comparison, year) {
  if (!comparison) return "";
  if (comparison.reason) return comparison.reason === "no_earlier_data" ? t("compare.no_earlier") : t("compare.not_ready");
  const against = t("compare.against", { range: rangeName(comparison.from, comparison.to, year) });
  const extent = { whole: "", cut: t("compare.same_hour"), none: t("compare.nothing_complete") }[comparison.extent] ?? t(`compare.complete_${comparison.extent}`);
  return [against, extent].filter(Boolean).join(", ");
}

function showDrawer() {
  const [kind, ...rest] = (view.open ?? "").split(":");
  const subject = rest.join(":");
  const shown = {
    values: () => drawer.show(titleOf(tabOf(subject)), (body, signal) => showValues(tabOf(subject), page, body, signal)),
    goals: () => drawer.show(t("panel.goals"), (body, signal) => showGoals(goals, page, body, signal)),
    live: () => drawer.show(t("live.title"), (body, signal) => showNow(page, body, signal)),
    visit: () => drawer.show(t("visit.title"), (body, signal) => showVisit(subject, page, body, signal)),
    settings: () => drawer.show(t("settings.title", { site: view.site }), (body, signal) => showSettings(page, forgotten, body, signal)),
    help: () => drawer.show(t("help.title"), (body) => showHelp(body)),
  }[kind];
  if (shown) shown();
  else drawer.close();
}

/** A list that is not one of the overview goes by the name of its tab as well. */
const titleOf = ({ id, dimension, asks }) => (asks ? `${t("panel.pages")}: ${t(`tab.${id}`)}` : dimensionName(dimension));

function forgotten() {
  drawer.close();
  page.go({ open: null });
  start();
}

function showFailure(error) {
  byId("stats").setAttribute("aria-busy", "false");
  if (error.forbidden) askKey();
  else showError(error, { site: view.site, shownAt: keptReport()?.shownAt ?? null });
}

/** The report on screen, if it is of the days that are asked for. */
function keptReport() {
  const { from, to } = siteDays();
  return report?.stats.from === from && report?.stats.to === to ? report : null;
}

function askSite(text) {
  polls.forEach((each) => each.stop());
  showSiteForm(text, Boolean(view.site));
}

function askKey() {
  polls.forEach((each) => each.stop());
  drawer.close();
  const refused = readKey(view.site) !== null;
  keepKey(view.site, null);
  listSites();
  showKeyForm(view.site, refused);
}

function listSites() {
  sites = { ...sites, keyed: keyedSites() };
  bar.listSites(sites);
}

async function share() {
  try {
    await navigator.clipboard.writeText(location.href);
    say(t("share.copied"));
  } catch {
    prompt(t("share.copy"), location.href);
  }
}

/** A word to the reader that goes by itself. */
function say(text) {
  const note = byId("toast");
  setText(note, text);
  note.hidden = false;
  setTimeout(() => (note.hidden = true), 2_500);
}

/** The series of the range as a file. */
function saveReport() {
  if (!report) return;
  const columns = [...METRICS.map((metric) => metric.id), "events"];
  const lived = report.points.filter((point) => point.phase !== "future");
  saveCsv(`${view.site}-${report.stats.from}-${report.stats.to}`, ["start", ...columns], lived.map((point) => [point.start, ...columns.map((column) => point[column])]));
}

/** A link with a key opens a private site; the key leaves the address at once. */
function takeKey() {
  const key = keyIn(location.hash);
  if (!key || !view.site) return;
  keepKey(view.site, key);
  history.replaceState(null, "", location.pathname + location.search);
}

async function open() {
  await loadKeys();
  takeKey();
  const listing = fetchSites();
  if (view.site) start();
  sites = { ...sites, open: (await listing).map((site) => site.site_id) };
  listSites();
  if (view.site) return;
  const first = sites.open[0] ?? sites.keyed[0];
  if (!first) return askSite(t("ask.none_listed"));
  view = { ...view, site: first };
  history.replaceState(null, "", writeView(view));
  start();
}

const KEYS = {
  "/": () => page.canFilter() && bar.menus.filter.open(),
  c: () => bar.menus.compare.button.offsetParent ? bar.menus.compare.open() : bar.menus.period.open(),
  "?": () => page.go({ open: "help" }),
  ArrowLeft: () => bar.stepBy(-1),
  ArrowRight: () => bar.stepBy(1),
};

addEventListener("keydown", (event) => {
  const isElsewhere = event.target.closest?.("input, select, textarea, dialog, .sheet:not([hidden])");
  if (event.metaKey || event.ctrlKey || event.altKey || isElsewhere || byId("dashboard").hidden || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
addEventListener("popstate", () => {
  const next = readView(location.search);
  if (next.site) follow(next);
  else open();
});
const retry = () => polls.forEach((each) => each.now());
addEventListener("online", retry);
addEventListener("offline", () => view.site && showFailure(offline()));
byId("retry").addEventListener("click", retry);
byId("site-back").addEventListener("click", () => start());
byId("site-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const site = new FormData(event.target).get("site").trim();
  if (site) (goTo({ ...view, site, filters: [], goal: null, open: null }), start());
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepKey(view.site, new FormData(event.target).get("key").trim());
  start();
});
byId("empty-all").addEventListener("click", () => page.go({ period: "all", date: null, from: null, to: null }));
connectCopy(byId("copy-snippet"), byId("snippet"));
setInterval(() => live.tick(), 1_000);
open();

