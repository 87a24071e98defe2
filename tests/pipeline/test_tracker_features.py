"""The tracker in a real Chromium against the running engine: each feature ends in the numbers."""

import base64
import gzip
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import urllib3
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sites.shields import Tokens
from runtime.sites.site import Site
from tests.pipeline.engine import Engine, eventually, liveinsight, running
from tests.pipeline.middleman import RETRY_AFTER, Fault, Middleman, between
from tests.pipeline.pages import Pages, served

pytestmark = [pytest.mark.pipeline, pytest.mark.browser]

TRACKER = Path(__file__).parents[2] / "tracker" / "liveinsight.js"
DOCS = Path(__file__).parents[2] / "docs" / "tracker.md"
COUNTED_WITHIN = 25
NUMBERS = count(1)
Run = Callable[[str], Any]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    data = tmp_path_factory.mktemp("tracker")
    liveinsight("site", "add", "first.example", "--data", data)
    with running(data) as engine:
        yield engine


@pytest.fixture
def man(engine: Engine) -> Iterator[Middleman]:
    with between(engine.url) as man:
        yield man


@pytest.fixture
def pages(engine: Engine, man: Middleman, chromium: Chrome) -> Iterator[Pages]:
    """A site of the test's own, whose pages embed the tracker."""
    host = f"shop{next(NUMBERS)}.localhost"
    sites(EmbeddedSettings(engine.data)).add(Site(site_id=host, public=True))
    with served(host) as pages:
        pages.head = snippet(man, host)
        yield pages
        chromium.get("about:blank")


@pytest.fixture
def run(chromium: Chrome) -> Run:
    return chromium.execute_script


def snippet(man: Middleman, site_id: str, attributes: str = "", script: str = "liveinsight") -> str:
    return f'<script defer src="{man.url}/{script}.js" data-site="{site_id}" {attributes}></script>'


def totals(engine: Engine, pages: Pages) -> tuple[int, int]:
    found = engine.get("/api/stats", site_id=pages.host)["totals"]
    return found["pageviews"], found["events"]


def counted(engine: Engine, pages: Pages, views: int, events: int = 0) -> dict[str, dict[str, Any]]:
    """Wait until so much is counted, and a moment for more; return the rows of each dimension."""
    try:
        eventually(lambda: totals(engine, pages) >= (views, events), within=COUNTED_WITHIN)
    finally:
        assert totals(engine, pages) == (views, events)
    time.sleep(0.5)
    eventually(lambda: is_settled(engine, pages), within=COUNTED_WITHIN)
    answer = engine.get("/api/stats", site_id=pages.host)
    assert (answer["totals"]["pageviews"], answer["totals"]["events"]) == (views, events)
    return {
        name: {row["value"]: row for row in rows} for name, rows in answer["breakdowns"].items()
    }


def is_settled(engine: Engine, pages: Pages) -> bool:
    """Whether all that was accepted is counted."""
    account = engine.get("/api/reconciliation", site_id=pages.host)
    return bool(account["received"] and account["uncounted"] == 0 and not account["in_flight"])


def by_page(rows: dict[str, dict[str, Any]]) -> dict[str, int]:
    return {path: row["pageviews"] for path, row in rows["page"].items()}


def by_event(rows: dict[str, dict[str, Any]]) -> dict[str, int]:
    return {name: row["events"] for name, row in rows["event"].items()}


def test_a_single_page_application_is_counted_by_its_paths(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    chromium.get(pages.url("/a?utm_source=news#part"))
    run("history.pushState({}, '', '/b'); history.replaceState({}, '', '/b?filter=1')")
    run("history.pushState({}, '', '/b?page=2'); history.replaceState({}, '', '/c')")
    run("history.pushState({}, '', '/c'); location.hash = 'x'")
    run("history.go(-4)")
    eventually(lambda: run("return location.pathname") == "/a", within=5)
    rows = counted(engine, pages, views=5)
    assert by_page(rows) == {"/a": 2, "/b": 2, "/c": 1}
    assert rows["utm_source"]["news"]["visits"] == 1
    assert (man.count("OPTIONS /api/events"), man.count("OPTIONS /api/csrf-token")) == (0, 0)
    assert man.count("POST /api/csrf-token") == 1


def test_a_hash_is_a_page_where_the_site_says_so(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    pages.head = snippet(man, pages.host, "data-hash")
    chromium.get(pages.url("/app#/inbox"))
    run("location.hash = '#!/sent'")
    eventually(lambda: run("return location.hash") == "#!/sent", within=5)
    run("history.back()")
    eventually(lambda: run("return location.hash") == "#/inbox", within=5)
    assert by_page(counted(engine, pages, views=3)) == {"/app/inbox": 2, "/app/sent": 1}


def test_a_page_that_comes_back_from_the_cache_is_seen_again(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    pages.body = (
        "<script>addEventListener('pageshow', (e) => { window.back = e.persisted })</script>"
    )
    chromium.get(pages.url("/a"))
    eventually(lambda: len(man.answers) == 2, within=10)
    chromium.get(pages.url("/b"))
    eventually(lambda: "POST /api/events" in man.seen[-2:], within=10)
    time.sleep(0.5)
    run("history.back()")
    eventually(lambda: run("return location.pathname") == "/a", within=5)
    assert run("return window.back"), "the browser kept no page: the test says nothing"
    assert by_page(counted(engine, pages, views=3)) == {"/a": 2, "/b": 1}
    assert man.count("POST /api/csrf-token") == 1


def test_a_prerendered_page_is_counted_when_it_is_seen(
    engine: Engine, chromium: Chrome, pages: Pages, run: Run
) -> None:
    rules = '{"prerender": [{"urls": ["/next", "/never"], "eagerness": "immediate"}]}'
    pages.body = (
        f'<script>window.was = document.prerendering</script><a id=next href="/next">next</a>'
        f"<script type=speculationrules>{rules}</script>"
    )
    chromium.get(pages.url("/start"))
    time.sleep(2)
    chromium.find_element(By.ID, "next").click()
    eventually(lambda: run("return location.pathname") == "/next", within=5)
    assert run("return window.was"), "the browser prerendered nothing: the test says nothing"
    assert by_page(counted(engine, pages, views=2)) == {"/start": 1, "/next": 1}


def test_a_link_to_a_new_tab_counts_there_and_what_was_clicked(
    engine: Engine, chromium: Chrome, pages: Pages
) -> None:
    pages.body = (
        '<a id=own target=_blank href="/b">own</a>'
        '<a id=out target=_blank rel=noopener href="http://127.0.0.1:9/there?user=1#x"><b>out</b></a>'
    )
    chromium.get(pages.url("/a"))
    first = chromium.current_window_handle
    for name in ("own", "out"):
        chromium.find_element(By.CSS_SELECTOR, f"#{name}").click()
        chromium.switch_to.window(first)
    rows = counted(engine, pages, views=2, events=1)
    assert by_page(rows) == {"/a": 1, "/b": 1}
    assert by_event(rows) == {"outbound": 1}
    for handle in chromium.window_handles:
        if handle != first:
            chromium.switch_to.window(handle)
            chromium.close()
    chromium.switch_to.window(first)


def test_a_link_that_opens_a_new_tab_goes_on_with_the_visit_that_an_ad_began(
    engine: Engine, chromium: Chrome, pages: Pages
) -> None:
    """dust-tt/dust#32092, MindscapeHQ/raygun4js#335: a session in sessionStorage ends there."""
    pages.body = '<a id=new target=_blank href="/b">new</a>'
    chromium.get(pages.url("/a?gclid=abc"))
    first = chromium.current_window_handle
    chromium.find_element(By.ID, "new").click()
    try:
        rows = counted(engine, pages, views=2)
    finally:
        for handle in set(chromium.window_handles) - {first}:
            chromium.switch_to.window(handle)
            chromium.close()
        chromium.switch_to.window(first)
    totals = engine.get("/api/stats", site_id=pages.host)["totals"]
    assert (totals["visitors"], totals["visits"], totals["bounce_rate"]) == (1, 1, 0)
    assert {name: row["visits"] for name, row in rows["source"].items()} == {"Google": 1}
    assert {name: row["visits"] for name, row in rows["channel"].items()} == {"Paid Search": 1}


def test_typing_into_a_search_field_is_no_page_view(
    engine: Engine, chromium: Chrome, pages: Pages, run: Run
) -> None:
    """umami-software/umami#2461, plausible/plausible-tracker#18."""
    chromium.get(pages.url("/list"))
    for typed in ("s", "sh", "sho", "shoe", "shoes"):
        run(f"history.replaceState({{}}, '', '/list?q={typed}')")
    rows = counted(engine, pages, views=1)
    assert by_page(rows) == {"/list": 1}
    assert engine.get("/api/stats", site_id=pages.host)["totals"]["bounce_rate"] == 1


def test_a_router_that_replaces_and_pushes_counts_a_navigation_once(
    engine: Engine, chromium: Chrome, pages: Pages, run: Run
) -> None:
    """vuejs/router#1416: it keeps the place of the page that is left by replaceState."""
    chromium.get(pages.url("/a"))
    run("history.replaceState({at: 1}, '', '/a'); history.pushState({}, '', '/b')")
    run("history.replaceState({at: 2}, '', '/b')")
    assert by_page(counted(engine, pages, views=2)) == {"/a": 1, "/b": 1}


def test_a_title_that_a_page_cuts_inside_an_emoji_costs_no_view(
    engine: Engine, chromium: Chrome, pages: Pages, run: Run
) -> None:
    """vitorpamplona/amethyst#3254, getsentry/sentry-javascript#20245."""
    emoji = "String.fromCodePoint(0x1F600)"
    titles = {
        "/long": f"'x'.repeat(499) + {emoji} + 'more'",
        "/cut": f"('x'.repeat(59) + {emoji}).slice(0, 60)",
    }
    chromium.get(pages.url("/ok"))
    for path, title in titles.items():
        run(f"document.title = {title}; history.pushState({{}}, '', '{path}')")
        run("liveinsight.track('cut \\ud83d', {half: '\\udc00'})")
    rows = counted(engine, pages, views=3, events=2)
    assert by_page(rows) == {"/ok": 1, "/long": 1, "/cut": 1}
    assert by_event(rows) == {"cut \ufffd": 2}


def test_what_is_clicked_sent_and_missing_is_an_event(
    engine: Engine, chromium: Chrome, pages: Pages, run: Run
) -> None:
    pages.missing = {"/gone"}
    pages.body = (
        "<script>addEventListener('click', (e) => e.target.closest('a') && e.preventDefault());"
        "addEventListener('submit', (e) => e.preventDefault())</script>"
        '<a class=c href="https://else.example/x">1</a><a class=c href="/plans.PDF">2</a>'
        '<a class=c href="mailto:a@b.example">3</a><a class=c href="/inside">4</a>'
        '<button class=c data-li-event="signup" data-li-plan="pro"><i>5</i></button>'
        '<svg><a class=c href="https://else.example/"><rect width=9 height=9 /></a></svg>'
        "<form id=contact><input name=id><input name=action><button class=s>6</button></form>"
    )
    chromium.get(pages.url("/gone"))
    run(
        "for (const one of document.querySelectorAll('.c'))"
        " one.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))"
    )
    run("document.querySelector('.s').click()")
    run("liveinsight.track('sale', {plan: 'pro'}, {revenue: {amount: '19.90', currency: 'EUR'}})")
    expected = {"404": 1, "outbound": 1, "download": 1, "signup": 1, "form": 1, "sale": 1}
    rows = counted(engine, pages, views=1, events=6)
    assert by_event(rows) == expected


def test_what_the_page_switches_off_is_no_event(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    pages.head = snippet(man, pages.host, 'data-outbound="off" data-form="off" data-404')
    pages.body = '<a id=a href="https://else.example/" onclick="return false">x</a>'
    chromium.get(pages.url("/a"))
    chromium.find_element(By.ID, "a").click()
    run("liveinsight.track('last')")
    assert by_event(counted(engine, pages, views=1, events=2)) == {"404": 1, "last": 1}


def test_the_time_that_a_page_is_looked_at_is_counted(
    engine: Engine, chromium: Chrome, pages: Pages, run: Run
) -> None:
    pages.body = "<div style='height: 5000px'></div>"
    chromium.get(pages.url("/a"))
    run("scrollTo(0, 1e6)")
    time.sleep(1.5)
    chromium.get(pages.url("/b"))
    time.sleep(0.5)
    chromium.get("about:blank")
    rows = counted(engine, pages, views=2)
    assert 1.3 <= rows["page"]["/a"]["engaged_seconds"] <= 6
    assert 0.3 <= rows["page"]["/b"]["engaged_seconds"] <= 4


def test_web_vitals_are_sent_where_the_site_chooses(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman
) -> None:
    pages.body = "<h1>Much to read</h1>"
    chromium.get(pages.url("/without"))
    time.sleep(0.5)
    pages.head = snippet(man, pages.host, "data-vitals")
    chromium.get(pages.url("/with"))
    time.sleep(1)
    chromium.get("about:blank")
    assert by_event(counted(engine, pages, views=2, events=1)) == {"vitals": 1}


def test_paths_are_masked_and_left_out(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    pages.head = snippet(man, pages.host, 'data-mask="[0-9]+" data-exclude="^/admin(/|$)"')
    chromium.get(pages.url("/users/17/orders/4?utm_campaign=may"))
    run("history.pushState({}, '', '/admin/x'); liveinsight.track('hidden')")
    run("history.pushState({}, '', '/administration'); liveinsight.track('seen')")
    rows = counted(engine, pages, views=2, events=1)
    assert by_page(rows) == {"/users/*/orders/*": 1, "/administration": 1}
    assert by_event(rows) == {"seen": 1}
    assert rows["utm_campaign"]["may"]["visits"] == 1


def test_who_leaves_himself_out_is_not_counted_until_he_comes_back(
    engine: Engine, chromium: Chrome, pages: Pages, run: Run
) -> None:
    for path in ("/a#li-ignore", "/b", "/c#li-count"):
        chromium.get(pages.url(path))
        run("liveinsight.track('done')")
    rows = counted(engine, pages, views=1, events=1)
    assert by_page(rows) == {"/c": 1}


def test_who_does_not_want_to_be_tracked_is_not_where_the_site_honours_it(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    for signal in (("globalPrivacyControl", "true"), ("doNotTrack", "'1'")):
        name, value = signal
        wish = f"Object.defineProperty(Navigator.prototype, '{name}', {{get: () => {value}}})"
        with before_each_page(chromium, wish):
            chromium.get(pages.url("/counted"))
            pages.head = snippet(man, pages.host, "data-dnt")
            chromium.get(pages.url("/private"))
            run("liveinsight.track('nothing')")
            pages.head = snippet(man, pages.host)
    assert by_page(counted(engine, pages, views=2)) == {"/counted": 2}


def test_frames_of_the_page_itself_and_this_machine_are_not_counted(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    pages.body = "<script>if (self == top) document.write('<iframe src=/framed></iframe>')</script>"
    chromium.get(pages.url("/edited"))
    time.sleep(0.5)
    with served("127.0.0.1") as local:
        local.head = snippet(man, pages.host)
        chromium.get(local.url("/local"))
        run("liveinsight.track('local')")
        time.sleep(0.5)
    assert by_page(counted(engine, pages, views=1)) == {"/edited": 1}


def test_a_page_in_anothers_frame_is_counted(
    engine: Engine, chromium: Chrome, pages: Pages
) -> None:
    with served("portal.localhost") as portal:
        portal.body = f'<iframe src="{pages.url("/widget")}"></iframe>'
        chromium.get(portal.url("/"))
        assert by_page(counted(engine, pages, views=1)) == {"/widget": 1}


def test_blocked_storage_costs_nothing_but_the_session(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    blocked = (
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, {get() { throw new DOMException('blocked') }})"
    )
    with before_each_page(chromium, blocked):
        chromium.get(pages.url("/a"))
        run("liveinsight.track('one')")
        eventually(lambda: len(man.answers) == 2, within=10)
        chromium.get(pages.url("/b"))
        rows = counted(engine, pages, views=2, events=1)
        assert by_page(rows) == {"/a": 1, "/b": 1}
        assert man.count("POST /api/csrf-token") == 2
        chromium.get("about:blank")


def test_a_strict_policy_with_an_integrity_hash_lets_it_work(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    digest = base64.b64encode(hashlib.sha384(TRACKER.read_bytes()).digest()).decode()
    pages.head = snippet(man, pages.host, f'integrity="sha384-{digest}" crossorigin')
    pages.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src {man.url}/liveinsight.js; connect-src {man.url}/api/;"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    )
    chromium.get_log("browser")  # type: ignore[no-untyped-call]
    chromium.get(pages.url("/strict"))
    run("liveinsight.track('one')")
    assert by_page(counted(engine, pages, views=1, events=1)) == {"/strict": 1}
    logged = chromium.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in logged if "Content Security Policy" in entry["message"]] == []


@pytest.mark.parametrize("faults", [["refuse"] * 5, ["hang"], ["lose"] * 3, ["break"] * 3])
def test_a_server_that_fails_hangs_or_loses_its_answer_costs_no_event_and_makes_none(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run, faults: list[Fault]
) -> None:
    man.faults = [*faults]
    hurry = "const wait = AbortSignal.timeout; AbortSignal.timeout = () => wait(1500)"
    with before_each_page(chromium, hurry):
        chromium.get(pages.url("/a"))
        for number in range(3):
            run(f"liveinsight.track('e{number}')")
            time.sleep(0.1)
        rows = counted_late(engine, pages, views=1, events=3)
    assert by_event(rows) == {"e0": 1, "e1": 1, "e2": 1}
    assert man.faults == []


@pytest.mark.parametrize("fault", ["slow down", "wait"])
def test_a_server_that_asks_for_a_pause_gets_it(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run, fault: Fault
) -> None:
    chromium.get(pages.url("/a"))
    eventually(lambda: len(man.answers) == 2, within=10)
    man.faults = [fault]
    run("liveinsight.track('first')")
    eventually(lambda: not man.faults, within=5)
    for number in range(3):
        time.sleep(0.5)
        run(f"liveinsight.track('later {number}')")
    rows = counted_late(engine, pages, views=1, events=4)
    assert by_event(rows) == {"first": 1, **{f"later {number}": 1 for number in range(3)}}
    refused, next_one, *others = man.posted_at[2:]
    assert RETRY_AFTER - 0.1 <= next_one - refused <= 2 * RETRY_AFTER
    assert others == []


def test_an_answer_that_is_lost_after_the_events_were_taken_counts_them_once(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    chromium.get(pages.url("/a"))
    eventually(lambda: len(man.answers) == 2, within=10)
    man.faults = ["lose", "lose"]
    run("liveinsight.track('bought')")
    eventually(lambda: len(man.answers) == 5, within=20)
    rows = counted(engine, pages, views=1, events=1)
    assert by_event(rows) == {"bought": 1}
    account = engine.get("/api/reconciliation", site_id=pages.host)
    assert (account["received"], account["accepted"], account["duplicates"]) == (4, 2, 2)


def test_what_happens_offline_is_sent_later_also_after_a_reload(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    chromium.get(pages.url("/a"))
    eventually(lambda: len(man.answers) == 2, within=10)
    man.is_down = True
    run("for (let n = 0; n < 30; n++) liveinsight.track('offline ' + n)")
    time.sleep(1)
    chromium.refresh()
    run("liveinsight.track('after')")
    time.sleep(1)
    man.is_down = False
    run("dispatchEvent(new Event('online'))")
    rows = counted_late(engine, pages, views=2, events=31)
    assert by_event(rows) == {"after": 1, **{f"offline {n}": 1 for n in range(30)}}
    assert man.count("POST /api/csrf-token") == 1


def test_a_browser_without_a_network_sends_when_it_has_one(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    chromium.get(pages.url("/a"))
    eventually(lambda: len(man.answers) == 2, within=10)
    with without_network(chromium):
        run("liveinsight.track('offline')")
        time.sleep(1)
    assert by_event(counted_late(engine, pages, views=1, events=1)) == {"offline": 1}


def test_a_batch_that_is_refused_is_split_and_only_its_bad_event_dropped(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    chromium.get(pages.url("/a"))
    eventually(lambda: len(man.answers) == 2, within=10)
    run(
        "for (let n = 0; n < 8; n++)"
        " liveinsight.track('good ' + n, {}, n == 3 ? {title: 'x'.repeat(70000)} : {})"
    )
    rows = counted_late(engine, pages, views=1, events=7)
    assert by_event(rows) == {f"good {n}": 1 for n in range(8) if n != 3}
    assert 413 in man.answers


def test_nothing_that_a_page_does_wrong_is_thrown_back_at_it(
    engine: Engine, chromium: Chrome, pages: Pages, run: Run
) -> None:
    chromium.get(pages.url("/a"))
    wrong = "const ring = {}; ring.ring = ring; const thrown = [];"
    for call in ("track()", "track('ring', ring)", "track('big', {n: 1n})", "track({}, 5)"):
        wrong += f"try {{ liveinsight.{call} }} catch (error) {{ thrown.push(error) }}"
    assert run(wrong + "return thrown.length") == 0
    run("liveinsight.track('good')")
    assert by_event(counted(engine, pages, views=1, events=1)) == {"good": 1}


HOSTILE = {
    "arrays and objects that others have added to": (
        "Array.prototype.first = function () { return this[0] }; Array.prototype.extra = [1];"
        "Object.prototype.more = 'x'; Object.prototype.act = () => 1"
    ),
    "a wrapped fetch": "const own = fetch; window.fetch = (...given) => own(...given)",
    "storage that throws": (
        "for (const name of ['getItem', 'setItem', 'removeItem'])"
        " Storage.prototype[name] = () => { throw new DOMException('full') };"
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, {get() { throw new DOMException('no') }})"
    ),
    "storage with somebody else's text": (
        "sessionStorage.liveinsight = JSON.stringify({queue: 5, seen: 'x'})"
    ),
    "storage that holds null": "sessionStorage.liveinsight = 'null'",
    "a beacon that throws": "navigator.sendBeacon = () => { throw new Error('blocked') }",
    "no beacon": "Object.defineProperty(Navigator.prototype, 'sendBeacon', {value: undefined})",
    "elements that are named like the document's own": (
        "addEventListener('DOMContentLoaded', () => document.body.insertAdjacentHTML('beforeend',"
        " '<form name=title></form><img name=referrer><form name=hidden></form>'))"
    ),
    "a frozen history": (
        "Object.defineProperty(history, 'pushState', {value: history.pushState, writable: false});"
        "Object.freeze(history)"
    ),
}
"""What a page may have done before the tracker comes."""


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_a_page_that_has_changed_the_browsers_own_is_counted_and_not_disturbed(
    engine: Engine, chromium: Chrome, pages: Pages, run: Run, source: str
) -> None:
    watch = "window.thrown = []; addEventListener('error', (e) => thrown.push(e.message));"
    pages.body = "<p>page</p>"
    with before_each_page(chromium, f"{watch} {source}"):
        chromium.get(pages.url("/a"))
        run("liveinsight.track('signup', {plan: 'pro'})")
        rows = counted(engine, pages, views=1, events=1)
        assert run("return thrown") == []
        chromium.get("about:blank")
    assert by_page(rows) == {"/a": 1}
    assert by_event(rows) == {"signup": 1}


def test_calls_of_before_the_script_are_not_lost_and_a_second_script_counts_nothing(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman
) -> None:
    stub = (
        "<script>window.liveinsight = window.liveinsight || Object.assign([],"
        " { track() { this.push(arguments) } }); liveinsight.track('early', {n: 1})</script>"
    )
    pages.head = stub + snippet(man, pages.host) + snippet(man, pages.host)
    chromium.get(pages.url("/a"))
    assert by_event(counted(engine, pages, views=1, events=1)) == {"early": 1}


def test_a_site_that_asks_for_no_token_costs_one_request(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    store = sites(EmbeddedSettings(engine.data))
    host = pages.host.replace("shop", "open")
    store.add(Site(site_id=host, public=True, tokens=Tokens.OFF))
    with served(host) as opened:
        opened.head = snippet(man, host)
        chromium.get(opened.url("/a"))
        eventually(lambda: bool(man.answers), within=10)
        run("liveinsight.track('one')")
        assert by_event(counted(engine, opened, views=1, events=1)) == {"one": 1}
        posts = [one for one in man.seen if one.startswith("POST")]
        assert posts[:2] == ["POST /api/csrf-token", "POST /api/events"]
        assert man.count("POST /api/csrf-token") == 1


DOCUMENTED: list[str] = re.findall(r"```(?:html|jsx)\n(.+?)```", DOCS.read_text(), re.DOTALL)
"""What docs/tracker.md tells people to paste."""


def documented(what: str, man: Middleman, site_id: str) -> str:
    """Return the snippet that has something in it, for a site and a server of a test."""
    (found,) = [text for text in DOCUMENTED if what in text]
    return found.replace("https://stats.example.com", man.url).replace("example.com", site_id)


@pytest.mark.parametrize(
    "what", ["<script defer src", "document.createElement", "<noscript>"], ids=str.strip
)
def test_what_the_documentation_says_to_paste_counts_each_page_once(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, what: str
) -> None:
    pages.head = documented(what, man, pages.host).replace("noscript>", "div>")
    pages.headers["Referrer-Policy"] = "unsafe-url"
    for path in ("/a", "/b", "/a"):
        chromium.get(pages.url(path))
        time.sleep(0.3)
    assert by_page(counted(engine, pages, views=3)) == {"/a": 2, "/b": 1}


def test_a_tag_manager_that_injects_the_script_late_and_twice_counts_once(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    pages.head = ""
    chromium.get(pages.url("/a"))
    snippet = documented("document.createElement", man, pages.host)
    code = snippet.replace("<script>", "").replace("</script>", "")
    for _ in range(2):
        run(code)
        eventually(lambda: len(man.answers) >= 2, within=10)
    run("history.pushState({}, '', '/b'); liveinsight.track('signup')")
    rows = counted(engine, pages, views=2, events=1)
    assert by_page(rows) == {"/a": 1, "/b": 1}
    assert man.count("POST /api/csrf-token") == 1


def test_the_small_build_counts_pages_time_events_and_outbound_links(
    engine: Engine, chromium: Chrome, pages: Pages, man: Middleman, run: Run
) -> None:
    pages.head = snippet(man, pages.host, script="liveinsight-small")
    pages.body = '<a id=a href="https://else.example/x?y" onclick="return false">x</a>'
    chromium.get(pages.url("/a?utm_source=news"))
    chromium.find_element(By.ID, "a").click()
    run("history.pushState({}, '', '/b'); history.replaceState({}, '', '/b?q=1')")
    run("liveinsight.track('signup', {plan: 'pro'})")
    time.sleep(0.6)
    chromium.get("about:blank")
    rows = counted(engine, pages, views=2, events=2)
    assert by_page(rows) == {"/a": 1, "/b": 1}
    assert by_event(rows) == {"outbound": 1, "signup": 1}
    assert 0.5 <= sum(row["engaged_seconds"] for row in rows["page"].values()) <= 6
    assert (man.count("OPTIONS /api/events"), man.count("POST /api/csrf-token")) == (0, 1)


def test_the_script_is_served_small_compressed_and_for_long(engine: Engine) -> None:
    for name in ("liveinsight.js", "liveinsight-small.js"):
        answer = urllib3.request(
            "GET", f"{engine.url}/{name}", headers={"Accept-Encoding": "gzip"}, decode_content=False
        )
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.data) == (TRACKER.parent / name).read_bytes()
        assert answer.headers["Cache-Control"].startswith("public, max-age=86400")
        known = {"If-None-Match": answer.headers["ETag"]}
        assert urllib3.request("GET", f"{engine.url}/{name}", headers=known).status == 304


def counted_late(
    engine: Engine, pages: Pages, views: int, events: int
) -> dict[str, dict[str, Any]]:
    """Wait longer: the tracker waits longer after each failure."""
    eventually(lambda: totals(engine, pages) >= (views, events), within=80)
    return counted(engine, pages, views, events)


@contextmanager
def before_each_page(chromium: Chrome, source: str) -> Iterator[None]:
    added = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    try:
        yield
    finally:
        chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


@contextmanager
def without_network(chromium: Chrome) -> Iterator[None]:
    chromium.execute_cdp_cmd("Network.enable", {})
    limits = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    chromium.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **limits})
    try:
        yield
    finally:
        chromium.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **limits})
