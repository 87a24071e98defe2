/*
 * API: every request of this page. Turns problem documents into ApiError, and adds the key of the site.
 */

import { adminKey, readKey } from "./keys.js";
import { t } from "./texts.js";

const TIMEOUT = 30_000;

/** An answer that is not a success; `status` 0 means that none came. */
export class ApiError extends Error {
  constructor(status, title, { detail = "", code = "", retryAfter = null } = {}) {
    super(title);
    this.name = "ApiError";
    Object.assign(this, { status, title, detail, code, retryAfter });
  }

  /** Whether asking again, unchanged, can help. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  get forbidden() {
    return this.status === 401 || this.status === 403;
  }

  /** Whether this server does not answer such questions at all. */
  get unanswerable() {
    return (this.status === 404 && this.code !== "unknown_site") || this.status === 405 || this.status === 501;
  }
}

/** The error of a browser without a network. */
export const offline = () => new ApiError(0, t("error.offline"), { detail: t("error.offline_more") });

/** The public sites of this server; none when it does not say. */
export async function fetchSites() {
  try {
    const { sites } = await request("/config.json", {});
    return (sites ?? []).filter((site) => typeof site?.site_id === "string");
  } catch {
    return [];
  }
}

/** What happens now. @param {string} site @param {AbortSignal} signal */
export const fetchRealtime = (site, signal) => request("/api/realtime", { site_id: site }, { site, signal });

/** The newest events. @param {{limit: number}} query */
export const fetchEvents = (site, query, signal) => request("/api/live/events", { site_id: site, ...query }, { site, signal });

/** What one visit did. @param {string} visit */
export const fetchVisit = (site, visit, signal) => request("/api/live/visit", { site_id: site, visit }, { site, signal });

/** A range of days, inclusive, from rollups. @param {{from: string, to: string, limit?: number, dimension?: string}} query */
export const fetchStats = (site, query, signal) => request("/api/stats", { site_id: site, ...query }, { site, signal });

/** The same with everything: filters, comparison, goals. @param {{filter?: string[], compare?: string, goal?: string}} query */
export const fetchQuery = (site, query, signal) => request("/api/query", { site_id: site, ...query }, { site, signal });

/** How often each goal was reached. @param {{from: string, to: string, filter?: string[], compare?: string}} query */
export const fetchGoals = (site, query, signal) => request("/api/goals", { site_id: site, ...query }, { site, signal });

/** Change the goals, with an admin key. @param {{goal: object}|{remove: string}} change */
export const changeGoals = (site, change) =>
  request("/api/goals", { site_id: site }, { key: adminKey(site), body: JSON.stringify(change) });

/** What became of the hits of a range of days. @param {{from: string, to: string}} query */
export const fetchReconciliation = (site, query, signal) => request("/api/reconciliation", { site_id: site, ...query }, { site, signal });

/** How far a rebuild is, and what it would change. @param {{from?: string}} query where the differences begin */
export const fetchRebuild = (site, query, signal) =>
  request("/api/rebuild", { site_id: site, ...query }, { key: adminKey(site), signal });

/** Ask that another generation shall count. @param {{action: "flip"|"roll_back", generation: number}} wish */
export const wishRebuild = (site, wish) =>
  request("/api/rebuild", { site_id: site }, { key: adminKey(site), body: JSON.stringify(wish) });

/** The map of the world: shapes by the code of the country. */
export const fetchMap = () => request("/map.json", {});

async function request(path, query, { site, key = site ? readKey(site) : null, signal, body } = {}) {
  const response = await send(`${path}${queryText(query)}`, { key, signal, body });
  if (!response.ok) throw await problem(response);
  try {
    return await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(502, t("error.unreadable"), { detail: t("error.unreadable_more") });
  }
}

/** A list is a parameter that is repeated; what is not given is left out. */
function queryText(query) {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === null || value === "" ? [] : [value].flat().map((one) => [name, String(one)]));
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

async function send(url, { key, signal, body }) {
  const limits = [AbortSignal.timeout(TIMEOUT), ...(signal ? [signal] : [])];
  const headers = {
    Accept: "application/json",
    ...(key ? { "X-API-Key": key } : {}),
    ...(body ? { "Content-Type": "application/json" } : {}),
  };
  try {
    const signals = AbortSignal.any?.(limits) ?? signal;
    return await fetch(url, { method: body ? "POST" : "GET", headers, body, signal: signals });
  } catch (error) {
    if (signal?.aborted) throw error;
    if (!navigator.onLine) throw offline();
    throw new ApiError(0, t("error.unreachable"), { detail: t("error.unreachable_more") });
  }
}

async function problem(response) {
  const body = await response.json().catch(() => ({}));
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const text = (value) => (typeof value === "string" ? value : "");
  const title = text(body?.title) || t("error.status", { status: String(response.status) });
  return new ApiError(response.status, title, {
    detail: text(body?.detail), code: text(body?.code), retryAfter: Number.isNaN(seconds) ? null : seconds,
  });
}
