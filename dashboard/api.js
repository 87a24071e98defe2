/*
 * API: every request of this page. Turns problem documents into ApiError, adds the read key of the
 * site, and keeps that key for this tab only.
 */

const TIMEOUT = 20_000;
const keyName = (site) => `liveinsight.key.${site}`;

/** An answer that is not a success; `status` 0 means that none came. */
export class ApiError extends Error {
  constructor(status, title, detail = "", retryAfter = null) {
    super(title);
    this.name = "ApiError";
    Object.assign(this, { status, title, detail, retryAfter });
  }

  /** Whether asking again, unchanged, can help. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  get forbidden() {
    return this.status === 401 || this.status === 403;
  }
}

/** The error of a browser without a network. */
export const offline = () => new ApiError(0, "You are offline", "The numbers will move again once you are back.");

/** @returns {string|null} the read key given for this site in this tab */
export function readKey(site) {
  try {
    return sessionStorage.getItem(keyName(site)) ?? memory.get(site) ?? null;
  } catch {
    return memory.get(site) ?? null;
  }
}

/** Keep a read key until the tab closes; null forgets it. */
export function keepKey(site, key) {
  if (key === null) memory.delete(site);
  else memory.set(site, key);
  try {
    if (key === null) sessionStorage.removeItem(keyName(site));
    else sessionStorage.setItem(keyName(site), key);
  } catch {
    // storage may be forbidden; the key then lives as long as the page
  }
}
const memory = new Map();

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

/** A range of days, inclusive. @param {{site: string, from: string, to: string, limit?: number}} query */
export const fetchStats = ({ site, from, to, limit = 10 }, signal) =>
  request("/api/stats", { site_id: site, from, to, limit }, { site, signal });

/** What became of the hits of a range of days. @param {{site: string, from: string, to: string}} query */
export const fetchReconciliation = ({ site, from, to }, signal) =>
  request("/api/reconciliation", { site_id: site, from, to }, { site, signal });

async function request(path, query, { site, signal } = {}) {
  const search = new URLSearchParams(query).toString();
  const response = await send(search ? `${path}?${search}` : path, site, signal);
  if (!response.ok) throw await problem(response);
  try {
    return await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(502, "The answer could not be read", "The server sent something other than JSON.");
  }
}

async function send(url, site, signal) {
  const key = site ? readKey(site) : null;
  const limits = [AbortSignal.timeout(TIMEOUT), ...(signal ? [signal] : [])];
  const headers = { Accept: "application/json", ...(key ? { "X-API-Key": key } : {}) };
  try {
    return await fetch(url, { headers, signal: AbortSignal.any?.(limits) ?? signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    if (!navigator.onLine) throw offline();
    throw new ApiError(0, "The server cannot be reached", "No answer came. It may be restarting.");
  }
}

async function problem(response) {
  const body = await response.json().catch(() => ({}));
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const text = (value) => (typeof value === "string" ? value : "");
  const title = text(body?.title) || `The server answered ${response.status}`;
  return new ApiError(response.status, title, text(body?.detail), Number.isNaN(seconds) ? null : seconds);
}
