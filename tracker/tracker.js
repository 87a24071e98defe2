// LiveInsight's tracker. How to embed it, and what it sends: docs/tracker.md.
// `make tracker` makes two builds of this file. The small one has nothing of what stands between //+ and //-, and
// what stands behind //= is its own.
((document, location) => {
  // Nothing that goes wrong here is the page's business.
  const safe =
    (act) =>
    (...given) => {
      try {
        return act(...given);
      } catch (error) {}
    };

  safe(() => {
    const { dataset: options, src } = document.currentScript;
    const API = new URL(options.api || '.', src) + 'api/'; // beside the script
    let session = {}; // {session_id, csrf_token, seen}: goes on with the next page of the tab
    let queue = []; // events, oldest first
    let sending = 0; // how many of them, the first ones, are on their way
    let pause = 0; // milliseconds; after a failure nothing is sent for so long
    let engaged = 0; // milliseconds that were not reported yet
    let since = 0; // when the page was last seen to be looked at
    let timer, url;
    //+
    const early = [...(window.liveinsight || [])]; // calls of before; throws where the script is there already
    let most = 50; // events of a request
    let vitals = {};
    let place, shown; // the path with the query; the path, masked
    let depth = 0; // percent of the page that was seen
    //-

    const on = (type, act) => addEventListener(type, safe(act), true);

    // The end of such an address is a UUID, in pages without TLS too: https://www.w3.org/TR/FileAPI/#unicodeBlobURL
    const uuid = () => URL.createObjectURL(new Blob()).slice(-36);

    const save = safe(() => {
      //= sessionStorage.liveinsight = JSON.stringify(session);
      //+
      sessionStorage.liveinsight = JSON.stringify({ ...session, queue });
      //-
    });
    const load = safe(() => {
      //= session = JSON.parse(sessionStorage.liveinsight);
      //+
      ({ queue: [...queue], ...session } = JSON.parse(sessionStorage.liveinsight));
      //-
    });

    // The wall's clock goes on while a computer sleeps, and from page to page; only differences of it are used.
    const body = (events) =>
      JSON.stringify({
        ...session,
        site_id: options.site,
        events: events.map((event) => ({ ...event, age_ms: Date.now() - event.timestamp })),
      });

    const send = (event) => {
      if (
        //+
        queue[500] ||
        //-
        !url ||
        safe(() => localStorage.liveinsight_ignore)()
      )
        return;
      const timestamp = Date.now();
      if (!(timestamp - session.seen < 18e5)) session = { session_id: uuid() };
      session.seen = timestamp;
      queue.push({
        event_id: uuid(),
        timestamp,
        title: document.title + '',
        screen_width: screen.width,
        page_url: url,
        //+
        touch_points: navigator.maxTouchPoints,
        //-
        ...JSON.parse(JSON.stringify(event)), // what cannot be sent fails here, alone
      });
      //+
      save();
      //-
      later();
    };
    const track = (name, props, more) => send({ event_type: 'custom', name, props, ...more });

    const later = () => {
      timer ||= setTimeout(flush, pause);
    };

    // Without a token the events go along with the question for one: a site may take them at once.
    const flush = async () => {
      timer = 0;
      const batch = queue.slice(
        0,
        //= 20,
        //+
        most,
        //-
      );
      if (sending || !(sending = batch.length)) return;
      try {
        const { csrf_token } = session;
        const content = body(batch);
        const response = await fetch(API + (csrf_token ? 'events' : 'csrf-token'), {
          body: content, // a string goes as text/plain, which costs no preflight
          method: 'POST',
          //+
          signal: AbortSignal.timeout?.(2e4),
          credentials: 'omit',
          //-
          keepalive: content.length < 2e4, // a browser takes 64 KiB of them at once
        });
        const answer = await response.json();
        const { status } = response;
        //+
        if (answer.detail || 'debug' in options) console.warn('LiveInsight', answer);
        //-
        if (status > 400 && status < 404) session.csrf_token = 0;
        if (status > 428 || (status < 404 && !(session.csrf_token ||= answer.csrf_token)))
          throw (
            //= 0
            //+
            response.headers.get('retry-after')
            //-
          );
        //+
        if (queue[0] != batch[0]) throw 0; // the page was away, and another one has gone on with them
        if (status < 400 || !(most = sending >> 1)) {
          // Where it was refused, half of it goes next, to find the one that is to blame.
          most = 50;
          //-
          if (answer.accepted >= 0 || status > 399) queue.splice(0, sending);
          else if (csrf_token) throw 0;
          //+
        }
        //-
        pause = 0;
      } catch (error) {
        // Twice as long each time, or as long as the server asks for.
        //= pause = Math.min(pause * 2 || 2e3, 6e5);
        //+
        pause = Math.min(Math.max(2e3, pause * 2, error * 1e3 || 0), 6e5);
        //-
      }
      sending = 0;
      save();
      later();
    };

    const look = (event) => {
      const time = performance.now();
      engaged += since && time - since;
      since = document.hasFocus() && !document.hidden && time;
      //+
      const { scrollHeight } = document.documentElement;
      depth = Math.max(depth, Math.min(100, ((scrollY + innerHeight) / scrollHeight) * 100) | 0);
      //-
      if (event && event.type != 'pagehide' && !document.hidden) return;
      if (engaged > 9)
        send({
          event_type: 'engagement',
          engaged_ms: engaged | 0,
          //+
          scroll_depth: depth,
          //-
        });
      engaged = 0;
      //+
      if (event && vitals.lcp) {
        track('vitals', vitals);
        vitals = {};
      }
      //-
      //= while (event && session.csrf_token && queue[sending])
      //=   navigator.sendBeacon(API + 'events', body(queue.splice(sending, 20)));
      //+
      while (
        event &&
        session.csrf_token &&
        queue[sending] &&
        !pause &&
        navigator.onLine && // else it stays for the tab's next page
        navigator.sendBeacon(API + 'events', body(queue.slice(sending, sending + 20)))
      )
        queue.splice(sending, 20);
      //-
      save();
    };

    //+
    const auto = (name, props) => options[name] == 'off' || track(name, props);
    const path = () => {
      const { pathname, hash } = location;
      return 'hash' in options && hash ? pathname.replace(/\/$/, '') + hash.replace(/^#!?\/?/, '/') : pathname;
    };
    //-

    const view = () => {
      //= const there = location.href.split('#')[0];
      //= if (url == there) return;
      //+
      const pathname = path();
      if (place == (place = pathname + location.search)) return;
      //-
      look();
      const referrer = url == null ? document.referrer + '' : '';
      //= url = there;
      //+
      depth = 0;
      const { mask, exclude } = options;
      shown = mask ? pathname.replace(RegExp(mask, 'g'), '*') : pathname;
      url = exclude && pathname.match(exclude) ? '' : location.origin + shown + location.search;
      //-
      send({ event_type: 'page_view', referrer });
    };

    const start = () => {
      for (const name of ['pushState', 'replaceState']) {
        const original = history[name];
        history[name] = function (...given) {
          const { pathname } = location;
          original.apply(this, given);
          if (name < 'r' || pathname != location.pathname) safe(view)();
        };
      }
      on('popstate', view);
      //= on('click', ({ target }) => {
      //=   const link = target.closest('a[href^=http]');
      //=   if (link && link.host != location.host) track('outbound', { url: link.origin + link.pathname });
      //= });
      //+
      const click = ({ target, button }) => {
        const tagged = target.closest('[data-li-event]');
        if (button > 1) return;
        if (tagged) {
          const props = {};
          for (const { name, value } of tagged.attributes) if (/^data-li-/.test(name)) props[name.slice(8)] = value;
          const { event, ...others } = props;
          track(event, others);
        }
        const { protocol, origin, pathname, host } = target.closest('a[href]');
        const there = { url: origin + pathname };
        if (protocol[0] != 'h') return; // http, https
        if (/\.(pdf|zip|docx?|xlsx?|pptx?|csv|txt|gz|7z|dmg|exe|msi|apk|mp[34])$/i.test(pathname))
          auto('download', there);
        else if (host != location.host) auto('outbound', there);
      };
      on('click', click);
      on('auxclick', click);
      on('submit', ({ target }) => {
        auto('form', { form: target.getAttribute('id') || target.getAttribute('name') || '' });
      });
      on('scroll', look);
      on('online', flush);
      on('pageshow', ({ persisted }) => {
        if (persisted) {
          load();
          place = 0;
          view();
        }
      });
      if ('vitals' in options) {
        const watch = (type, take) =>
          new PerformanceObserver((list) => list.getEntries().map(take)).observe({ type, buffered: true });
        let first, last, shift;
        watch('largest-contentful-paint', ({ startTime }) => {
          vitals.lcp = startTime | 0;
        });
        watch('layout-shift', ({ hadRecentInput, startTime, value }) => {
          if (hadRecentInput) return;
          if (!(startTime - last < 1e3 && startTime - first < 5e3)) {
            first = startTime;
            shift = 0;
          }
          last = startTime;
          vitals.cls = Math.max(vitals.cls || 0, (shift += value));
        });
        watch('event', ({ interactionId, duration }) => {
          if (interactionId) vitals.inp = Math.max(vitals.inp || 0, duration);
        });
      }
      //-
      on('visibilitychange', look);
      on('blur', look);
      on('focus', look);
      on('pagehide', look);
      //+
      setInterval(safe(look), 6e5); // a page may be read for longer than a visit lasts without a sign
      //-
      load();
      view();
      //+
      if ('404' in options || performance.getEntriesByType('navigation')[0]?.responseStatus == 404)
        auto('404', { path: shown });
      early.map((given) => track(...given));
      //-
    };
    liveinsight = { track: safe(track) };
    //+
    if ('dnt' in options && (navigator.globalPrivacyControl || navigator.doNotTrack > 0)) return;
    const { hash } = location;
    safe(() => {
      if (/^#li-/.test(hash)) localStorage.liveinsight_ignore = hash == '#li-ignore' || '';
    })();
    //-
    // Not in a frame of the page itself, such as an editor's; not on this machine, but if that is the site.
    frameElement ||
      (/^(localhost|127[\d.]+|\[::1])?$/.test(location.hostname.replace(options.site, 0)) && options.local == null) ||
      (document.prerendering ? on('prerenderingchange', start) : start());
  })();
})(document, location);
