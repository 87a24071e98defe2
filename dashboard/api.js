/*
 * API: every request of this page. Turns problem documents into ApiError, and adds the key of the site.
 *
 * A read key is kept in this browser (localStorage) until it is forgotten: it reads one site's numbers and
 * changes nothing, and a cookie would go along with every request and need a server that keeps sessions.
 * An admin key is kept for this tab only (sessionStorage). Scripts of this origin could read both; the
 * policy of the page (script-src 'self') lets no others run.
 */

const TIMEOUT = 20_000;
const keyName = (site) => `liveinsight.key.${site}`;
const adminName = (site) => `liveinsight.admin.${site}`;
const ADMIN = "li_admin_";

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

/** @returns {string|null} the read key given for this site in this browser */
export const readKey = (site) => kept("localStorage", keyName(site));

/** Keep a read key in this browser; null forgets it. */
export const keepKey = (site, key) => keep("localStorage", keyName(site), key);

/** @returns {string[]} the sites for which this browser has a read key */
export function keyedSites() {
  const prefix = keyName("");
  const names = new Set(memory.keys());
  try {
    Object.keys(localStorage).forEach((name) => names.add(name));
  } catch {
    // storage may be forbidden
  }
  return [...names].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)).sort();
}

/** @returns {string|null} the admin key given for this site in this tab: it may be what reads it, too */
export function adminKey(site) {
  const read = readKey(site);
  return kept("sessionStorage", adminName(site)) ?? (read?.startsWith(ADMIN) ? read : null);
}

/** Keep an admin key until the tab closes; null forgets it. */
export const keepAdminKey = (site, key) => keep("sessionStorage", adminName(site), key);

function kept(storage, name) {
  try {
    return window[storage].getItem(name) ?? memory.get(name) ?? null;
  } catch {
    return memory.get(name) ?? null;
  }
}

function keep(storage, name, key) {
  if (key === null) memory.delete(name);
  else memory.set(name, key);
  try {
    if (key === null) window[storage].removeItem(name);
    else window[storage].setItem(name, key);
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

/** How far a rebuild is, and what it would change. @param {{from?: string}} query where the differences begin */
export const fetchRebuild = (site, query, signal) =>
  request("/api/rebuild", { site_id: site, ...query }, { key: adminKey(site), signal });

/** Ask that another generation shall count. @param {{action: "flip"|"roll_back", generation: number}} wish */
export const wishRebuild = (site, wish) =>
  request("/api/rebuild", { site_id: site }, { key: adminKey(site), body: JSON.stringify(wish) });

async function request(path, query, { site, key = site ? readKey(site) : null, signal, body } = {}) {
  const search = new URLSearchParams(query).toString();
  const response = await send(search ? `${path}?${search}` : path, { key, signal, body });
  if (!response.ok) throw await problem(response);
  try {
    return await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(502, "The answer could not be read", "The server sent something other than JSON.");
  }
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
