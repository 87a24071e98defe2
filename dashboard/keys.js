/*
 * Keys: the read keys that this browser knows, one for each private site, kept in IndexedDB until they are
 * forgotten. Not in a cookie: that goes along with every request, also with those that another page
 * causes, and needs a server that keeps sessions, which the read APIs on AWS do not have. A read key
 * reads the numbers of one site and changes nothing. An admin key is kept for this tab alone, in memory
 * and sessionStorage. Other scripts of this origin could read both: the policy of the page
 * (script-src 'self') lets none run.
 */

const DATABASE = "liveinsight";
const STORE = "keys";
const ADMIN = "li_admin_";
const adminName = (site) => `liveinsight.admin.${site}`;

const PATIENCE = 500; // milliseconds: a page that the browser has frozen can hold the database for ever

const known = new Map(); // site -> read key: what is asked for is here, the database only remembers
const admins = new Map();

/** Read what is remembered; where the browser forbids it, keys live as long as the page. */
export async function loadKeys() {
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  await Promise.race([late, withStore("readonly", remember).catch(() => null)]);
}

async function remember(store) {
  const [sites, keys] = await Promise.all([result(store.getAllKeys()), result(store.getAll())]);
  sites.forEach((site, i) => known.has(site) || known.set(site, keys[i]));
}

/** @returns {string|null} the read key given for this site in this browser */
export const readKey = (site) => known.get(site) ?? null;

/** @returns {string[]} the sites for which this browser has a read key */
export const keyedSites = () => [...known.keys()].sort();

/** Keep a read key in this browser; null forgets it. */
export function keepKey(site, key) {
  if (key === null) known.delete(site);
  else known.set(site, key);
  withStore("readwrite", (store) => result(key === null ? store.delete(site) : store.put(key, site)))
    .catch(() => null); // the browser keeps nothing: the key then lives as long as the page
}

/** @returns {string|null} the admin key given for this site in this tab: it may be what reads it, too */
export function adminKey(site) {
  const read = readKey(site);
  return admins.get(site) ?? stored(site) ?? (read?.startsWith(ADMIN) ? read : null);
}

/** Keep an admin key until the tab closes; null forgets it. */
export function keepAdminKey(site, key) {
  if (key === null) admins.delete(site);
  else admins.set(site, key);
  try {
    if (key === null) sessionStorage.removeItem(adminName(site));
    else sessionStorage.setItem(adminName(site), key);
  } catch {
    // storage may be forbidden; the key then lives as long as the page
  }
}

function stored(site) {
  try {
    return sessionStorage.getItem(adminName(site));
  } catch {
    return null;
  }
}

/** Use the database and let go of it, so that no other tab waits. */
async function withStore(mode, use) {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  const database = await result(request);
  try {
    await use(database.transaction(STORE, mode).objectStore(STORE));
  } finally {
    database.close();
  }
}

const result = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
