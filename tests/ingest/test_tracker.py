"""The tracker in a real Chromium, on a page whose collector is on another origin."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep

import pytest
from selenium.webdriver import Chrome

from ingest.tokens.token import TokenKeys
from runtime.sites.site import Site
from schemas.event import Event, EventType
from tests.ingest.http_caller import call
from tests.ingest.memory_sink import MemoryEventSink

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("deployed")]

TRACKER = Path(__file__).parents[2] / "tracker" / "liveinsight.js"
PATIENCE = 10.0
QUIET = 0.4

PAGE = """<!doctype html><title>Shop</title>
<script defer src="http://localhost:{port}/liveinsight.js" data-site="127.0.0.1" data-local>
</script>"""


class Server(BaseHTTPRequestHandler):
    """The pages of a site on 127.0.0.1, and the collector on localhost."""

    def do_GET(self) -> None:
        assert isinstance(self.server, ThreadingHTTPServer)
        port = self.server.server_port
        is_script = self.path == "/liveinsight.js"
        content = TRACKER.read_text() if is_script else PAGE.format(port=port)
        kind = "text/javascript" if is_script else "text/html"
        self._send(200, {"content-type": kind}, content)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        names = ("Origin", "Referer", "User-Agent", "Content-Type", "Accept-Language")
        answer = call(self.path, body, headers={name: self.headers.get(name) for name in names})
        self._send(answer.status, answer.headers, answer.body)

    def _send(self, status: int, headers: dict[str, str], body: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def site() -> Site:
    return Site(site_id="127.0.0.1")


@pytest.fixture
def secrets() -> dict[str, bytes]:
    return {"k": b"k" * 32}


@pytest.fixture
def token_keys(secrets: dict[str, bytes]) -> TokenKeys:
    return TokenKeys("k", secrets)


@pytest.fixture
def shop() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(chromium: Chrome, shop: str) -> Iterator[Callable[[str], None]]:
    def go(path: str) -> None:
        chromium.get(shop + path)

    yield go
    chromium.execute_script("localStorage.clear(); sessionStorage.clear()")
    chromium.get("about:blank")


@pytest.fixture
def run(chromium: Chrome) -> Callable[[str], object]:
    def execute(script: str) -> object:
        result: object = chromium.execute_script(script)
        return result

    return execute


def arrived(sink: MemoryEventSink) -> list[Event]:
    """What came, but for the time that somebody looked at the page."""
    found = [event for batch in sink.batches for event in batch.events]
    return [event for event in found if event.event_type is not EventType.ENGAGEMENT]


def events(sink: MemoryEventSink, expected: int) -> list[Event]:
    """Wait for a number of events, and a moment longer for one too many."""
    end = monotonic() + PATIENCE
    while monotonic() < end and len(arrived(sink)) < expected:
        sleep(0.02)
    sleep(QUIET)
    found = arrived(sink)
    assert len(found) == expected, found
    return found


Visit = Callable[[str], None]
Run = Callable[[str], object]


def test_a_page_view_is_sent_when_a_page_is_shown(visit: Visit, sink: MemoryEventSink) -> None:
    visit("/p?utm_source=news&secret=1#part")
    (event,) = events(sink, 1)
    assert (event.hostname, event.page, event.query) == ("127.0.0.1", "/p", "utm_source=news")
    assert (event.title, event.event_type) == ("Shop", "page_view")
    assert event.screen_width > 0
    assert sink.batches[0].context.browser == "Chrome"


def test_a_moved_address_is_a_page_view_and_a_repeated_one_is_not(
    visit: Visit, run: Run, sink: MemoryEventSink
) -> None:
    visit("/a")
    events(sink, 1)
    run("history.pushState({}, '', '/b'); history.replaceState({}, '', '/b#part')")
    run("history.replaceState({}, '', '/b?page=2')")
    run("history.pushState({}, '', '/b?page=3')")
    events(sink, 3)
    run("history.go(-2)")
    assert [event.page for event in events(sink, 4)] == ["/a", "/b", "/b", "/a"]


def test_pages_of_a_tab_share_a_session(visit: Visit, sink: MemoryEventSink) -> None:
    visit("/a")
    events(sink, 1)
    visit("/b")
    first, second = events(sink, 2)
    assert first.session_id == second.session_id
    assert sink.batches[0].visitor_id == sink.batches[1].visitor_id


def test_a_session_ends_after_thirty_quiet_minutes(
    chromium: Chrome, visit: Visit, sink: MemoryEventSink
) -> None:
    visit("/a")
    events(sink, 1)
    later = "const now = Date.now; Date.now = () => now() + 31 * 60 * 1000"
    added = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": later})
    visit("/b")
    chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    first, second = events(sink, 2)
    assert first.session_id != second.session_id


def test_a_tab_that_wakes_after_a_day_begins_a_session_that_counts(
    visit: Visit, run: Run, sink: MemoryEventSink, secrets: dict[str, bytes]
) -> None:
    """tinybirdco/web-analytics-starter-kit#90; its token is none any more."""
    visit("/a")
    events(sink, 1)
    secrets["k"] = b"the key of the next day, 32 bytes"
    run("const now = Date.now; Date.now = () => now() + 26 * 3600 * 1000")
    run("liveinsight.track('awake')")
    slept, awake = events(sink, 2)
    assert (awake.name, awake.page) == ("awake", "/a")
    assert slept.session_id != awake.session_id
    assert sum(len(batch.rejected) for batch in sink.batches) == 0


def test_a_custom_event_carries_its_props(visit: Visit, run: Run, sink: MemoryEventSink) -> None:
    visit("/a")
    run("liveinsight.track('signup', {plan: 'pro', seats: 3, paid: true})")
    _, event = events(sink, 2)
    assert (event.name, event.event_type) == ("signup", "custom")
    assert event.props == {"plan": "pro", "seats": "3", "paid": "true"}


def test_an_event_waits_for_the_stream_and_is_sent_once(
    visit: Visit, sink: MemoryEventSink
) -> None:
    sink.is_down = True
    visit("/a")
    sleep(0.3)
    sink.is_down = False
    events(sink, 1)


def test_a_refused_token_is_renewed(
    visit: Visit, run: Run, sink: MemoryEventSink, secrets: dict[str, bytes]
) -> None:
    visit("/a")
    events(sink, 1)
    secrets["k"] = b"another key, of thirty-two bytes"
    run("liveinsight.track('later')")
    assert events(sink, 2)[1].name == "later"


def test_what_is_left_goes_out_with_the_page(visit: Visit, run: Run, sink: MemoryEventSink) -> None:
    visit("/a")
    events(sink, 1)
    run("for (let i = 0; i < 60; i++) liveinsight.track('bye ' + i); location.href = '/b'")
    names = {event.name for batch in sink.batches for event in batch.events}
    end = monotonic() + PATIENCE
    while monotonic() < end and len(names) < 61:
        sleep(0.05)
        names = {event.name for batch in sink.batches for event in batch.events}
    assert names == {"", *(f"bye {number}" for number in range(60))}


def test_whoever_opted_out_sends_nothing(visit: Visit, run: Run, sink: MemoryEventSink) -> None:
    visit("/a")
    events(sink, 1)
    run("localStorage.liveinsight_ignore = 1")
    visit("/b")
    run("liveinsight.track('ignored')")
    events(sink, 1)


def test_the_site_stays_usable_where_storage_is_blocked(
    chromium: Chrome, visit: Visit, sink: MemoryEventSink
) -> None:
    blocked = (
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, {get() { throw new DOMException('blocked') }})"
    )
    added = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": blocked})
    try:
        visit("/a")
        assert events(sink, 1)[0].page == "/a"
    finally:
        chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
        visit("/clean")
