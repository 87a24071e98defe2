// LiveInsight's tracker. How to embed it, and what it sends: README.md beside this file.
(() => {
  'use strict';

  const script = document.currentScript || document.querySelector('script[data-site]');
  if (!script || window.liveinsight) return;

  const API = (script.dataset.api || new URL(script.src).origin).replace(/\/+$/, '');
  const SITE = script.dataset.site;
  const KEY = 'liveinsight';
  const SESSION_PAUSE = 30 * 60 * 1000;
  const TOKEN_MARGIN = 60 * 1000;
  const MAX_TRIES = 4;
  const MAX_QUEUE = 200;
  const BATCH_CHARS = 12000; // under the 64 KiB of the API and of keepalive, whatever the script

  const queue = []; // {event, at}, oldest first
  let sending = 0; // how many of the queue are on their way
  let failures = 0;
  let renewed = false; // whether the token was already replaced for the batch on its way
  let memory = null; // the session, where storage is blocked
  let lastPage = null;

  function uuid() {
    if (crypto.randomUUID) return crypto.randomUUID(); // only in secure contexts
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  // The session: {id, seen, token, expires}, times by the wall clock because it outlives the page.
  function load() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY)) || memory;
    } catch (error) {
      return memory;
    }
  }

  function save(session) {
    memory = session;
    try {
      sessionStorage.setItem(KEY, JSON.stringify(session));
    } catch (error) {
      // Storage is blocked: the session lasts as long as the page.
    }
    return session;
  }

  function currentSession() {
    const known = load();
    const idle = known ? Date.now() - known.seen : Infinity;
    return known && idle < SESSION_PAUSE ? known : save({ id: uuid(), seen: Date.now() });
  }

  const hasToken = (session) => session.token && Date.now() < session.expires - TOKEN_MARGIN;

  function isIgnored() {
    try {
      return Boolean(localStorage.getItem('liveinsight_ignore'));
    } catch (error) {
      return false;
    }
  }

  // A string body goes out as text/plain, which costs no CORS preflight.
  function post(path, content) {
    const body = JSON.stringify(content);
    const keepalive = body.length < 2 * BATCH_CHARS;
    return fetch(API + path, { method: 'POST', body, keepalive, credentials: 'omit' });
  }

  function envelope(session, batch) {
    const now = performance.now();
    const events = batch.map(({ event, at }) => ({ ...event, age_ms: Math.round(now - at) }));
    return { csrf_token: session.token, session_id: session.id, site_id: SITE, events };
  }

  function nextBatch(start) {
    let chars = 0;
    const end = queue.findIndex(({ event }, index) => {
      if (index < start) return false;
      chars += JSON.stringify(event).length;
      return index > start && (chars > BATCH_CHARS || index - start >= 50);
    });
    return queue.slice(start, end < 0 ? queue.length : end);
  }

  async function deliver(batch) {
    let session = currentSession();
    if (!hasToken(session)) {
      const asked = await post('/api/csrf-token', { session_id: session.id, site_id: SITE });
      if (!asked.ok) return asked;
      const { csrf_token: token, expires_in: seconds } = await asked.json();
      session = save({ ...session, token, expires: Date.now() + seconds * 1000 });
    }
    return post('/api/events', envelope(session, batch));
  }

  function settle(answer) {
    if ((answer.status === 401 || answer.status === 403) && !renewed) {
      renewed = true;
      save({ ...currentSession(), token: null });
    } else if (answer.status >= 500 || answer.status === 429) {
      failures += 1;
    } else {
      if (!answer.ok) console.warn(`LiveInsight: ${API} refused events (${answer.status})`);
      queue.splice(0, sending);
      failures = 0;
      renewed = false;
    }
  }

  async function flush() {
    if (sending || !queue.length || document.prerendering) return;
    const batch = nextBatch(0);
    sending = batch.length;
    try {
      settle(await deliver(batch));
    } catch (error) {
      failures += 1; // no network: the events keep their ids, so a repeat is counted once
    }
    sending = 0;
    if (failures < MAX_TRIES) setTimeout(flush, failures && 1000 * 4 ** (failures - 1));
  }

  // The page goes away: what is not on its way already leaves without an answer.
  function beacon() {
    const session = currentSession();
    while (hasToken(session) && queue.length > sending) {
      const batch = nextBatch(sending);
      const content = envelope(session, batch);
      if (!navigator.sendBeacon(`${API}/api/events`, JSON.stringify(content))) return;
      queue.splice(sending, batch.length);
    }
  }

  function enqueue(event) {
    if (isIgnored() || queue.length >= MAX_QUEUE) return;
    save({ ...currentSession(), seen: Date.now() });
    const common = {
      event_id: uuid(),
      page_url: pageUrl(),
      title: document.title.slice(0, 500),
      language: navigator.language,
      screen_width: screen.width,
    };
    queue.push({ event: { ...common, ...event }, at: performance.now() });
    failures = 0;
    flush();
  }

  function pageUrl() {
    const url = location.href.split('#')[0];
    return url.length > 2000 ? (location.origin + location.pathname).slice(0, 2000) : url;
  }

  function pageView() {
    const referrer = lastPage === null ? document.referrer.slice(0, 2000) : undefined;
    lastPage = location.pathname + location.search;
    enqueue({ event_type: 'page_view', referrer });
  }

  function pageViewIfMoved() {
    if (lastPage !== null && location.pathname + location.search !== lastPage) pageView();
  }

  function watchHistory(method) {
    const original = history[method];
    history[method] = function (...args) {
      const result = original.apply(this, args);
      pageViewIfMoved();
      return result;
    };
  }

  function start() {
    watchHistory('pushState');
    watchHistory('replaceState');
    addEventListener('popstate', pageViewIfMoved);
    addEventListener('pageshow', (event) => event.persisted && pageView());
    addEventListener('pagehide', beacon);
    addEventListener('online', flush);
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') beacon();
    });
    pageView();
  }

  window.liveinsight = {
    track: (name, props) => enqueue({ event_type: 'custom', name, props }),
  };

  if (document.prerendering) {
    document.addEventListener('prerenderingchange', start, { once: true });
  } else {
    start();
  }
})();
