"""A worker of the embedded engine answers as the function behind API Gateway does, byte by byte."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest

import ingest.bootstrap
import ingest.endpoint
import ingest.handler
from ingest.collector import Collector
from ingest.endpoint import Endpoint
from ingest.salts.opener import salts
from ingest.stream.committer import Committer
from ingest.stream.opener import spilling_sink
from ingest.stream.spill import Tally
from ingest.stream.sqlite import SqliteEventLog
from ingest.tokens.token import TokenKeys
from liveinsight.engine.collector import CollectorApplication, Surroundings
from liveinsight.engine.front import HttpRequest
from liveinsight.engine.gateway import believed, invoke
from liveinsight.website import HttpResponse
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sites.site import Site
from schemas.event import EventBatch, decode_batch

SITE = "shop.example"
SESSION = "a-session-1"
ORIGIN = f"https://{SITE}"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"
EVENT_ID = "6f2a3f6e-55a1-4b0f-8a49-0b3a1f0f7c11"


async def nobody(_: HttpRequest) -> HttpResponse:
    raise AssertionError("the reader has nothing to do with it")


@dataclass
class Both:
    """One data folder, and what answers over it: the function, and a worker."""

    settings: EmbeddedSettings
    collector: Collector

    def function(self, request: HttpRequest) -> HttpResponse:
        return invoke(ingest.handler.handler, "event-collector", believed(request))

    def worker(self, request: HttpRequest) -> HttpResponse:
        async def answer() -> HttpResponse:
            announce = asyncio.get_running_loop().call_soon_threadsafe
            committer = Committer(spilling_sink(self.settings, Tally()), announce)
            try:
                endpoint = Endpoint(lambda: self.collector)
                return await CollectorApplication(endpoint, committer, Surroundings(nobody))(
                    request
                )
            finally:
                committer.stop()

        return asyncio.run(answer())

    def token(self) -> str:
        asked = post("/api/csrf-token", {"session_id": SESSION, "site_id": SITE})
        answer = self.function(asked)
        return str(json.loads(answer.body)["csrf_token"])


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    settings = EmbeddedSettings(tmp_path)
    sites(settings).add(Site(site_id=SITE))
    collector = Collector(sites(settings), salts(settings), TokenKeys("new", {"new": b"n" * 32}))
    sink = spilling_sink(settings, Tally())
    monkeypatch.setattr(ingest.bootstrap, "collector", lambda: collector)
    monkeypatch.setattr(ingest.bootstrap, "sink", lambda: sink)
    ids = iter(UUID(int=number) for number in range(1, 10_000))
    monkeypatch.setattr(ingest.endpoint, "uuid4", lambda: next(ids))
    return Both(settings, collector)


def post(path: str, body: Any, headers: Mapping[str, str] | None = None) -> HttpRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {
        "host": "stats.example",
        "content-type": "application/json",
        "content-length": str(len(raw)),
        "user-agent": AGENT,
        "origin": ORIGIN,
        **(headers or {}),
    }
    return HttpRequest("POST", path, "", given, "203.0.113.9", raw)


def view(**fields: Any) -> dict[str, Any]:
    return {"event_type": "page_view", "page_url": f"{ORIGIN}/a?utm_source=b", **fields}


def credentials(token: str) -> dict[str, str]:
    return {"x-csrf-token": token, "x-session-id": SESSION}


REQUESTS: dict[str, Any] = {
    "one event": view(event_id=EVENT_ID),
    "fifty events": {"events": [view() for _ in range(50)]},
    "good and bad ones": {"events": [view(), 7, view(page_url="no"), view(event_id=EVENT_ID) | {}]},
    "props and revenue": view(props={"a": "b"}, revenue={"amount": "1.50", "currency": "EUR"}),
    "too many events": {"events": [view()] * 51},
    "another session": view(session_id="another-session"),
    "no object": [1],
    "not JSON": b"{",
    "not UTF-8": b"\xff\xfe",
    "NaN": b'{"event_type": NaN}',
    "NaN beside a good one": b'{"events": [{"n": NaN, "screen_width": NaN}, '
    + json.dumps(view()).encode()
    + b"]}",
    "Latin-1": json.dumps(view(title="Grüße"), ensure_ascii=False).encode("latin-1"),
    "UTF-16": json.dumps(view()).encode("utf-16"),
    "lone surrogates": view(title="a\ud83d", props={"\udc00": "\ud800"}),
    "control characters": view(title="\x1b[31m\x9b", page_url=f"{ORIGIN}/\x00?ref=%1b"),
    "texts that are too long": view(title="x" * 501, page_url=f"{ORIGIN}/?a=" + "x" * 3000),
    "what looks personal": view(page_url=f"{ORIGIN}/?utm_content=jane%40mail.example"),
    "wrong fields": view(screen_width=-1, props={"k": [1]}, unknown="x"),
    "nested": b"[" * 5000,
    "empty": b"",
    "too large": b'{"a": "' + b"x" * 70_000 + b'"}',
    "letters of everywhere": view(title="Grüße, 世界, \U0001f600", name="x"),
}
HEADERS: dict[str, dict[str, str]] = {
    "as browsers send": {},
    "no origin": {"origin": ""},
    "a foreign origin": {"origin": "https://evil.example"},
    "a hidden origin": {"origin": "null"},
    "text": {"content-type": "text/plain;charset=UTF-8"},
    "a form": {"content-type": "application/x-www-form-urlencoded"},
    "a bot": {"user-agent": "curl/8.5.0"},
    "no token": {"x-csrf-token": ""},
    "a broken token": {"x-csrf-token": "new.abc.def"},
    "another session": {"x-session-id": "another-session"},
    "no session": {"x-session-id": ""},
    "a write key of nobody": {"x-csrf-token": "li_write_nobody"},
}


def both_answer(both: Both, request: HttpRequest) -> HttpResponse:
    """Ask both the same, and return the answer: there is one."""
    function, worker = both.function(request), both.worker(request)
    assert worker == function
    return worker


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("body", REQUESTS)
def test_events_are_answered_alike(both: Both, body: str, headers: str) -> None:
    sent = {**credentials(both.token()), **HEADERS[headers]}
    both_answer(both, post("/api/events", REQUESTS[body], sent))


def test_the_records_are_the_same(both: Both) -> None:
    headers = credentials(both.token())
    for body in REQUESTS.values():
        both_answer(both, post("/api/events", body, headers))
    log = SqliteEventLog(both.settings.stream_path, lambda: datetime.now(UTC))
    records = [
        decode_batch(one.data)
        for shard in log.shards()
        for one in log.read(shard, after=0, limit=100)
    ]
    function, worker = records[::2], records[1::2]
    assert [_told(one) for one in function] == [_told(one) for one in worker]
    assert sum(len(one.events) for one in worker) > 50


def _told(batch: EventBatch) -> Any:
    """What a record says, but for its times and the ids that it was given."""
    events = [
        (one.event_type, one.page, one.query, one.title, one.source, dict(one.props), one.revenue)
        for one in batch.events
    ]
    return batch.visitor_id, batch.context, batch.received, batch.duplicates, batch.rejected, events


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "post", "NONSENSE"])
@pytest.mark.parametrize("path", ["/api/events", "/api/csrf-token"])
def test_methods_are_answered_alike(both: Both, path: str, method: str) -> None:
    request = post(path, {"session_id": "x"})
    asked = HttpRequest(method, path, urlencode({"a": "b"}), request.headers, "::1", request.body)
    both_answer(both, asked)


@pytest.mark.parametrize(
    "body",
    [{}, {"session_id": SESSION}, {"session_id": SESSION, "site_id": "nobody.example"}, [], b"{"],
)
@pytest.mark.parametrize("origin", [ORIGIN, "https://evil.example", "", "null", "file://"])
def test_a_token_is_refused_or_given_alike(both: Both, body: Any, origin: str) -> None:
    asked = post("/api/csrf-token", body, {"origin": origin})
    function, worker = both.function(asked), both.worker(asked)
    assert (worker.status, worker.headers) == (function.status, function.headers)
    if worker.status == 200:
        documents = [json.loads(answer.body) for answer in (function, worker)]
        assert [set(one) for one in documents] == [{"csrf_token", "expires_in"}] * 2
        for document in documents:
            sent = credentials(document["csrf_token"])
            assert both.worker(post("/api/events", view(), sent)).status == 200
    else:
        assert worker.body == function.body


@pytest.mark.parametrize(
    "query",
    [
        {"site_id": "shop.example", "page_url": f"{ORIGIN}/a", "event_id": EVENT_ID},
        {"site_id": "shop.example", "page_url": f"{ORIGIN}/a", "name": "Größe", "title": "\x1b"},
        {"site_id": "shop.example"},
        {"site_id": "nobody.example"},
        {"site_id": "../"},
        {"page_url": "https://evil.example/"},
        {},
    ],
)
def test_a_picture_is_answered_alike(both: Both, query: dict[str, str]) -> None:
    headers = post("/", {}, {"referer": f"{ORIGIN}/from"}).headers
    asked = HttpRequest("GET", "/api/pixel.gif", urlencode(query), headers, "203.0.113.9", b"")
    both_answer(both, asked)


def test_what_nobody_takes_is_refused_alike(
    both: Both,
) -> None:
    """With the stream and the spill out of reach."""
    sent = credentials(both.token())
    both.settings.stream_path.mkdir()
    (both.settings.data / "spill").write_text("in the way")
    answer = both_answer(both, post("/api/events", view(event_id=str(uuid4())), sent))
    assert answer.status == 503
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert json.loads(answer.body)["code"] == "stream_unavailable"
