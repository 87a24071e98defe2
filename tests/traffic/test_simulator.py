"""Sending simulated traffic to a collector over HTTP."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

from liveinsight.traffic import event_sender
from liveinsight.traffic.catalogue import PLACES
from liveinsight.traffic.simulator import SimulationOptions, SimulationReport, simulate
from runtime.errors import UsageError
from schemas.hit import CollectRequest, Hit, TokenRequest

SITE_ID = "demo.example"
Answer = tuple[int, dict[str, Any], dict[str, str]]


@dataclass
class Collector:
    """A collector that knows the contract and does as a test tells it."""

    before_events: Callable[[int, dict[str, Any]], Answer | None] = lambda _number, _body: None
    """Gets the number of the request, from 0 on; its answer is given instead, status 0: none."""
    before_token: Callable[[], Answer | None] = lambda: None
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def token(self, headers: dict[str, str], body: dict[str, Any]) -> Answer:
        instead = self.before_token()
        if instead:
            return instead
        request = TokenRequest.model_validate(body)
        assert request.site_id == SITE_ID
        self.tokens[request.session_id] = headers
        return 200, {"csrf_token": f"token-{request.session_id}", "expires_in": 3600}, {}

    def events(self, headers: dict[str, str], body: dict[str, Any]) -> Answer:
        self.requests.append((headers, body))
        instead = self.before_events(len(self.requests) - 1, body)
        if instead:
            return instead
        request = CollectRequest.model_validate(body)
        assert request.session_id in self.tokens
        assert request.csrf_token == f"token-{request.session_id}"
        hits = [Hit.model_validate(raw) for raw in request.events]
        new = [hit for hit in hits if hit.event_id not in self.known]
        self.known |= {str(hit.event_id): headers for hit in hits}
        return 200, {"accepted": len(new), "duplicates": len(hits) - len(new), "rejected": []}, {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    collector: Collector

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = {"/api/csrf-token": self.collector.token, "/api/events": self.collector.events}
        with self.collector.lock:
            status, document, extra = answer[self.path](headers, body)
        if not status:
            self.close_connection = True
            return
        encoded = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**extra, "Content-Length": str(len(encoded))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    handler = type("Handler", (_Handler,), {"collector": collector})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield collector
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_sender, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(event_sender, "LONGEST_PAUSE_SECONDS", 0.01)


def run(collector: Collector, **options: Any) -> SimulationReport:
    given = SimulationOptions(**{"events": 60, "concurrency": 2, **options})
    return simulate(collector.url, SITE_ID, given, stop=threading.Event())


def event_ids(requests: list[tuple[dict[str, str], dict[str, Any]]]) -> list[str]:
    return [event["event_id"] for _, body in requests for event in body["events"]]


def assert_adds_up(report: SimulationReport) -> None:
    outcomes = report.accepted + report.duplicates + report.rejected + report.failed
    assert report.sent == outcomes


def test_all_events_are_accepted(collector: Collector) -> None:
    report = run(collector)
    assert (report.sent, report.accepted, report.failed, report.problem) == (60, 60, 0, "")
    assert len(collector.known) == 60
    assert report.requests == len(collector.requests)
    assert 0 < report.latency_p50 <= report.latency_p95 <= report.latency_p99 < report.seconds
    assert_adds_up(report)


def test_the_same_seed_sends_the_same_events(collector: Collector) -> None:
    run(collector)
    first = set(collector.known)
    assert run(collector).duplicates == 60
    assert set(collector.known) == first
    assert run(collector, seed=2).accepted == 60


def test_events_of_a_session_share_requests_up_to_the_batch_size(collector: Collector) -> None:
    run(collector, events=200, batch_size=4)
    sizes = Counter(len(body["events"]) for _, body in collector.requests)
    assert max(sizes) == 4
    assert sizes.total() < 200
    assert sum(size * count for size, count in sizes.items()) == 200


def test_a_session_asks_for_one_token_and_keeps_its_order(collector: Collector) -> None:
    tokens: list[int] = []
    collector.before_token = lambda: tokens.append(1)
    run(collector, batch_size=1)
    sessions = Counter(body["session_id"] for _, body in collector.requests)
    assert len(tokens) == len(sessions)
    kinds: dict[str, list[str]] = {}
    for _, body in collector.requests:
        kinds.setdefault(body["session_id"], []).append(body["events"][0]["event_type"])
    assert all(kind[0] == "page_view" for kind in kinds.values())


def test_visitors_are_told_by_their_headers(collector: Collector) -> None:
    run(collector, events=300)
    cities = {place.city for place in PLACES}
    for headers, body in collector.requests:
        assert headers["origin"] == f"https://{SITE_ID}"
        assert unquote(headers["cloudfront-viewer-city"]) in cities
        assert len(headers["cloudfront-viewer-country"]) == 2
        token_headers = collector.tokens[body["session_id"]]
        for name in ("x-forwarded-for", "user-agent", "accept-language"):
            assert headers[name] == token_headers[name]
    assert len({headers["x-forwarded-for"] for headers, _ in collector.requests}) > 20


def test_after_a_lost_answer_the_same_ids_are_sent_again(collector: Collector) -> None:
    def lose(number: int, body: dict[str, Any]) -> Answer | None:
        if number % 3:
            return None
        collector.known |= {event["event_id"]: {} for event in body["events"]}
        return 0, {}, {}

    collector.before_events = lose
    report = run(collector)
    assert (report.accepted + report.duplicates, report.failed) == (60, 0)
    assert report.duplicates > 0
    assert len(set(event_ids(collector.requests))) == 60 < len(event_ids(collector.requests))
    assert_adds_up(report)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_busy_collectors_are_asked_again(collector: Collector, status: int) -> None:
    busy: Answer = (status, {"detail": "Busy."}, {"Retry-After": "0"})
    collector.before_events = lambda number, _: busy if number < 4 else None
    report = run(collector)
    assert (report.accepted, report.failed) == (60, 0)
    assert report.problem == f"/api/events answered {status}: Busy."


def test_the_age_grows_with_every_attempt(collector: Collector) -> None:
    collector.before_events = lambda number, _: (503, {}, {}) if number < 5 else None
    run(collector, events=1, concurrency=1)
    ages = [body["events"][0]["age_ms"] for _, body in collector.requests]
    assert ages == sorted(ages)
    assert ages[-1] >= 1
    assert len(set(event_ids(collector.requests))) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_replaced(collector: Collector, status: int) -> None:
    collector.before_events = lambda number, _: (status, {}, {}) if number == 0 else None
    report = run(collector, events=20, concurrency=1)
    assert (report.accepted, report.failed) == (20, 0)


def test_rejected_events_are_counted(collector: Collector) -> None:
    def reject(_: int, body: dict[str, Any]) -> Answer:
        rejected = [{"index": 0, "code": "invalid_url", "field": "page_url"}]
        accepted = len(body["events"]) - 1
        return 200, {"accepted": accepted, "duplicates": 0, "rejected": rejected}, {}

    collector.before_events = reject
    report = run(collector)
    assert report.rejected == report.requests
    assert_adds_up(report)


@pytest.mark.parametrize("answer", [(422, {"detail": "No."}, {}), (200, {"ok": True}, {})])
def test_a_refused_request_has_failed(collector: Collector, answer: Answer) -> None:
    collector.before_events = lambda number, _: answer if number == 2 else None
    report = run(collector, concurrency=1)
    assert report.failed == len(collector.requests[2][1]["events"])
    assert report.problem
    assert_adds_up(report)


def test_an_unknown_site_ends_the_run(collector: Collector) -> None:
    collector.before_token = lambda: (403, {"detail": "There is no site for that."}, {})
    with pytest.raises(UsageError, match="403: There is no site for that"):
        run(collector)
    assert not collector.requests


def test_a_collector_that_never_answers_ends_the_run() -> None:
    nobody = Collector(url="http://127.0.0.1:9")
    with pytest.raises(UsageError, match="takes no events"):
        run(nobody)


def test_a_collector_that_goes_away_fails_the_rest_soon(collector: Collector) -> None:
    collector.before_events = lambda number, _: (503, {}, {}) if number >= 5 else None
    report = run(collector, events=100, concurrency=1)
    assert 0 < report.accepted < 100
    assert report.failed == 100 - report.accepted
    assert_adds_up(report)


def test_a_rate_is_kept(collector: Collector) -> None:
    report = run(collector, events=100, rate=100.0)
    assert report.accepted == 100
    assert 0.4 < report.seconds < 10
    assert all(len(body["events"]) == 1 for _, body in collector.requests)


def test_stop_ends_an_endless_run(collector: Collector) -> None:
    stop = threading.Event()
    reports: list[SimulationReport] = []

    def on_progress(report: SimulationReport) -> None:
        reports.append(report)
        stop.set()

    report = simulate(
        collector.url, SITE_ID, SimulationOptions(rate=50), stop=stop, on_progress=on_progress
    )
    assert len(reports) == 1 or reports[0].sent <= report.sent
    assert report.seconds < 5
    assert_adds_up(report)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://example.org", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        simulate(url, SITE_ID, SimulationOptions(events=1), stop=threading.Event())


@pytest.mark.parametrize(
    "options",
    [{"rate": 0}, {"rate": -1}, {"batch_size": 0}, {"batch_size": 51}, {"concurrency": 0}],
)
def test_options_out_of_bounds_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        SimulationOptions(**options)
