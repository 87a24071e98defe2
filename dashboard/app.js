/*
 * App: ties the page together. Reads the view from the address, polls the two answers of the API, and
 * decides which state the page is in: asking for a site, asking for a key, or showing the report.
 */

import {
  ApiError, fetchRealtime, fetchReconciliation, fetchSites, fetchStats, keepKey, keyedSites, offline,
  readKey,
} from "./api.js";
import { Chart } from "./chart.js";
import { connectControls } from "./controls.js";
import { byId, setText } from "./dom.js";
import { instant, rangeName } from "./format.js";
import { Ledger } from "./ledger.js";
import { Live } from "./live.js";
import { metricOf } from "./metrics.js";
import { createPanels } from "./panels.js";
import { Poll } from "./poll.js";
import { Rebuild } from "./rebuild.js";
import { pastIntervals, pointsOf } from "./series.js";
import { hideError, showEmpty, showError, showKeyForm, showMode, showSiteForm } from "./states.js";
import { createTotals } from "./totals.js";
import { daysOf, keyIn, labelOf, previousDays, readView, wallClock, writeView } from "./view.js";

const LIVE_EVERY = 3_000;
const STATS_EVERY = 15_000;
const MOST_ASKED = 4; // for one report: all time is found by month, then by day
const ENTER_ID = "Enter the id of a site, as in its embed snippet.";

const live = new Live();
const ledger = new Ledger();
const rebuild = new Rebuild();
const panels = createPanels(byId("panels"));
const chart = new Chart({ root: byId("chart"), legend: byId("legend"), spoken: byId("chart-spoken") });
const totals = createTotals(byId("totals"), chooseMetric);

let view = readView(location.search);
let metric = metricOf("visitors");
let report = null; // what is on screen: {stats, points, previous, shownAt}
let before = null; // the previous period, kept because its days are closed: {name, stats}
let polls = [];
let statsPoll = null;
let isEmpty = false; // whether the report on screen has no numbers
let listed = []; // the public sites
const zones = new Map(); // site -> time zone, learnt from the answers
const sinces = new Map(); // site -> the first day with numbers, learnt from the answers

const controls = connectControls({
  onView: (change) => goTo({ ...view, ...change }),
  onOtherSite: () => askSite(ENTER_ID),
  onBack: () => start(),
  onKey: (key) => (keepKey(view.site, key), start()),
  onForget: () => (keepKey(view.site, null), start()),
  onRetry: retry,
});

const siteClock = () => wallClock(zones.get(view.site), new Date());
const siteDays = () => daysOf(view, siteClock().slice(0, 10), sinces.get(view.site));

function retry() {
  polls.forEach((each) => each.now());
}

function goTo(next) {
  const same = next.site === view.site;
  view = next;
  history.pushState(null, "", writeView(view));
  start({ keepLive: same });
}

function start({ keepLive = false } = {}) {
  polls.forEach((each) => each.stop());
  showMode("report");
  hideError();
  if (!keepLive) {
    clear();
    rebuild.start(view.site);
  }
  byId("stats").setAttribute("aria-busy", "true");
  controls.show(view, siteClock().slice(0, 10));
  controls.listSites([...new Set([...listed, ...keyedSites()])]);
  byId("forget-key").hidden = readKey(view.site) === null;
  showRange(siteDays());
  statsPoll = new Poll(refreshStats, nextStats);
  polls = [new Poll(refreshLive, () => LIVE_EVERY), statsPoll];
}

function clear() {
  report = null;
  before = null;
  isEmpty = false;
  live.clear();
  totals.clear();
  totals.select(metric.id);
  panels.clear();
  ledger.show(null);
  setText(byId("as-of"), "");
  setText(byId("range-note"), "");
  showEmpty(false, view.site);
  document.title = `${view.site} · LiveInsight`;
  setText(byId("report-site"), view.site);
}

/** Closed ranges do not change once all is counted, so only those that may are asked for again. */
const nextStats = () => (siteDays().to >= siteClock().slice(0, 10) || ledger.inFlight ? STATS_EVERY : null);

async function refreshLive(signal) {
  try {
    const answer = await fetchRealtime(view.site, signal);
    live.show(answer);
    if (isEmpty && answer.current_visitors > 0) statsPoll.now(); // the first visit turns the page by itself
    document.title = `${answer.current_visitors} now · ${view.site} · LiveInsight`;
  } catch (error) {
    if (!signal.aborted) live.fail();
    throw error;
  }
}

async function refreshStats(signal) {
  try {
    const stats = await fetchRange(signal);
    await Promise.all([
      fetchPrevious(stats, signal).then((previous) => showReport(stats, previous)).then(hideError),
      fetchAccount(stats, signal).then((account) => ledger.show(account)),
    ]);
  } catch (error) {
    if (!signal.aborted) showFailure(error);
    throw error;
  }
}

/** Answers tell the site's time zone, and its first day; where other days are meant then, ask again. */
async function fetchRange(signal) {
  let stats = null;
  for (let asked = 0; asked < MOST_ASKED; asked += 1) {
    stats = await fetchStats({ site: view.site, ...siteDays() }, signal);
    zones.set(view.site, stats.timezone);
    const since = view.period === "all" && firstDay(stats);
    if (since) sinces.set(view.site, since);
    const meant = siteDays();
    if (meant.from === stats.from && meant.to === stats.to) break;
  }
  return stats;
}

/** The first day of the first interval with numbers; undefined where there is none. */
const firstDay = ({ series }) => series.find((point) => point.visits || point.pageviews)?.start.slice(0, 10);

/** The period before, or null: the report does without it when it cannot be had, or is as long as years. */
async function fetchPrevious({ from, to, interval }, signal) {
  if (interval === "month" || view.period === "all") return null;
  const days = previousDays({ from, to });
  const name = [view.site, days.from, days.to].join();
  if (before?.name === name) return before.stats;
  const stats = await fetchStats({ site: view.site, ...days, limit: 1 }, signal).catch(without);
  if (stats) before = { name, stats };
  return stats;
}

/** What became of the hits of the range, or null. */
const fetchAccount = ({ from, to }, signal) =>
  fetchReconciliation({ site: view.site, from, to }, signal).catch(without);

/** The report does without what only adds to it. */
function without(error) {
  if (!(error instanceof ApiError)) throw error;
  return null;
}

function showReport(stats, previousStats) {
  const clock = siteClock();
  const withPoints = (answer) => answer && { ...answer, points: pointsOf(answer, clock) };
  report = { ...withPoints(stats), previous: withPoints(previousStats), shownAt: new Date() };
  const empty = !stats.totals.pageviews && !stats.totals.visits && !stats.totals.events;
  isEmpty = empty;
  showRange(stats);
  showComparison(stats, report);
  totals.show(report, report.previous);
  const waits = !previousStats?.totals.visits && report.points.some((point) => point.phase === "current");
  showEmpty(empty, stats.site_id ?? view.site, waits);
  if (!empty) panels.show(stats.breakdowns ?? {});
  drawChart();
  setText(byId("as-of"), asOf(stats));
  byId("stats").setAttribute("aria-busy", "false");
  document.documentElement.dataset.ready = "true";
}

const asOf = ({ as_of: at, timezone }) =>
  [at ? `Counted up to ${instant(at, timezone)}` : "", timezone ? `${timezone} time` : ""].filter(Boolean).join(" · ");

function drawChart() {
  totals.select(metric.id);
  if (report && !byId("trend").hidden) {
    chart.show({ points: report.points, before: earlier(report.previous), interval: report.interval, metric });
  }
}

/** The points of the period before; none where it had no visits. */
const earlier = (previous) => (previous?.totals.visits ? previous.points : []);

function chooseMetric(id) {
  metric = metricOf(id);
  drawChart();
}

function showRange(days) {
  setText(byId("range-name"), labelOf(view));
  const isKnown = view.period !== "all" || sinces.has(view.site);
  setText(byId("range-dates"), isKnown ? rangeName(days.from, days.to) : "");
}

/** Say what the changes are against, or why there are none. */
function showComparison(days, range) {
  const { previous, points } = range;
  const past = pastIntervals(range);
  const known = previous?.totals.visits || previous?.totals.pageviews;
  const extent = past === points.length ? "" : `, complete ${days.interval}s only`;
  const { from, to } = previousDays(days);
  const text = past ? `Compared with ${rangeName(from, to)}${extent}` : `No ${days.interval} is complete yet`;
  setText(byId("range-note"), known ? text : previous && !isEmpty ? "No earlier data" : "");
}

function showFailure(error) {
  byId("stats").setAttribute("aria-busy", "false");
  if (error.forbidden) askKey();
  else showError(error, { site: view.site, shownAt: keptReport()?.shownAt ?? null });
}

/** The report on screen, if it is of the days that are asked for. */
function keptReport() {
  const { from, to } = siteDays();
  return report?.from === from && report?.to === to ? report : null;
}

function askSite(text) {
  polls.forEach((each) => each.stop());
  showSiteForm(text, Boolean(view.site));
}

function askKey() {
  polls.forEach((each) => each.stop());
  const refused = readKey(view.site) !== null;
  keepKey(view.site, null);
  showKeyForm(view.site, refused);
}

/** A link with a key opens a private site; the key leaves the address at once. */
function takeKey() {
  const key = keyIn(location.hash);
  if (!key || !view.site) return;
  keepKey(view.site, key);
  history.replaceState(null, "", location.pathname + location.search);
}

async function open() {
  takeKey();
  const listing = fetchSites();
  if (view.site) start();
  listed = (await listing).map((site) => site.site_id);
  const sites = [...new Set([...listed, ...keyedSites()])];
  controls.listSites(sites);
  if (view.site) return;
  if (sites.length === 0) return askSite(`This server lists no public sites. ${ENTER_ID}`);
  view = { ...view, site: sites[0] };
  history.replaceState(null, "", writeView(view));
  start();
}

addEventListener("popstate", () => {
  view = readView(location.search);
  if (view.site) start();
  else open();
});
addEventListener("online", retry);
addEventListener("offline", () => view.site && showFailure(offline()));
setInterval(() => live.tick(), 1_000);
open();
