import gzip
import json
import sqlite3
import sys
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from ingest.handler import handler
from runtime.sites.shields import Tokens
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from schemas.event import RejectedHit
from tests.ingest.http_caller import POST, Answer, call
from tests.ingest.memory_sink import MemoryEventSink

pytestmark = pytest.mark.usefixtures("deployed")

SESSION = "session-1"
EVENT = {"event_type": "page_view", "page_url": "https://www.shop.example/p"}
ORIGIN = "https://www.shop.example"


def token(**fields: str) -> str:
    answer = call("/api/csrf-token", {"session_id": SESSION, **fields})
    assert answer.status == 200, answer.body
    return str(answer.document["csrf_token"])


def assert_problem(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.document["status"], answer.document["code"]) == (status, code)


def test_a_session_gets_a_token() -> None:
    answer = call("/api/csrf-token", {"session_id": SESSION})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.document) == {"csrf_token", "expires_in"}
    assert answer.document["expires_in"] == 12 * 3600


def test_credentials_may_come_in_the_headers(sink: MemoryEventSink) -> None:
    headers = {
        "x-csrf-TOKEN": token(),
        "X-SESSION-id": SESSION,
        "Content-Type": "application/json",
    }
    answer = call("/api/events", EVENT, headers=headers)
    assert (answer.status, answer.document) == (
        200,
        {"accepted": 1, "duplicates": 0, "rejected": []},
    )
    (batch,) = sink.batches
    assert (batch.context.city, batch.context.language) == ("Köln", "de-DE")


def test_credentials_may_come_in_the_body(sink: MemoryEventSink) -> None:
    body = {"csrf_token": token(), "session_id": SESSION, **EVENT}
    assert call("/api/events", body).document["accepted"] == 1
    assert call("/api/events", {**body, "events": [EVENT] * 3}).document["accepted"] == 3
    assert [len(batch.events) for batch in sink.batches] == [1, 3]


def test_each_rejection_names_place_reason_and_field() -> None:
    hits = [EVENT, EVENT, {**EVENT, "timestamp": 7}]
    body = {"csrf_token": token(), "session_id": SESSION, "events": hits}
    assert call("/api/events", body).document == {
        "accepted": 2,
        "duplicates": 0,
        "rejected": [{"index": 2, "code": "timestamp_out_of_range", "field": "timestamp"}],
    }


def test_a_bot_is_answered_and_not_counted(sink: MemoryEventSink) -> None:
    body = {"csrf_token": token(), "session_id": SESSION, **EVENT}
    answer = call("/api/events", body, headers={"User-Agent": "curl/8.5.0"})
    assert answer.status == 200
    assert answer.document["rejected"] == [{"index": 0, "code": "bot", "field": "user_agent"}]
    (batch,) = sink.batches
    assert (batch.events, batch.rejected) == ((), (RejectedHit("bot_library", "user_agent"),))


def test_a_request_that_cannot_be_read_is_accounted_for_and_kept(sink: MemoryEventSink) -> None:
    credentials = {"X-CSRF-Token": token(), "X-Session-ID": SESSION}
    text = '{"page_url": "https://www.shop.example/?q=SECRET", '
    assert_problem(call("/api/events", text, headers=credentials), 400, "invalid_json")
    given = token()
    in_body = {"csrf_token": given, "session_id": SESSION, "events": [EVENT] * 51}
    assert_problem(call("/api/events", in_body), 422, "too_many_events")
    first, second = sink.batches
    (cut_off,), (too_many,) = first.rejected, second.rejected
    assert (first.hits, first.events, first.session_id) == (1, (), SESSION)
    assert (cut_off.code, too_many.code) == ("invalid_json", "too_many_events")
    shape = '{"aaaa_aaa": "aaaaa://aaa.aaaa.aaaaaaa/?a=AAAAAA", '
    assert json.loads(cut_off.hit) == ["text", len(text), shape]
    assert len(json.loads(too_many.hit)["events"]) == 51
    assert given not in too_many.hit


@pytest.mark.parametrize(
    "body", ["{", "[]", '{"csrf_token": "bad", "session_id": 5}', "x" * 70_000]
)
def test_what_anyone_sends_without_a_token_is_not_kept(body: str, sink: MemoryEventSink) -> None:
    assert call("/api/events", body).status in {400, 413, 422}
    assert call("/api/csrf-token", body).status in {400, 413, 422}
    assert sink.puts == []


def test_a_malformed_request_is_not_answered_before_the_stream_knows_of_it(
    sink: MemoryEventSink,
) -> None:
    credentials = {"X-CSRF-Token": token(), "X-Session-ID": SESSION}
    sink.is_down = True
    assert_problem(call("/api/events", "{", headers=credentials), 503, "stream_unavailable")


def test_a_base64_body_is_read() -> None:
    body = b64encode(json.dumps({"session_id": SESSION}).encode()).decode()
    assert call("/api/csrf-token", body, is_base64=True).status == 200


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"Origin": "https://blog.shop.example"}, {}),
        ({"Origin": "https://pay.example:8443"}, {}),
        ({"Origin": None}, {}),
        ({"Origin": None, "Referer": None}, {"site_id": "shop.example"}),
    ],
)
def test_the_site_comes_from_the_body_or_the_origin_or_the_referrer(
    headers: dict[str, str | None], fields: dict[str, str]
) -> None:
    answer = call("/api/csrf-token", {"session_id": SESSION, **fields}, headers=headers)
    assert answer.status == 200, answer.body


def test_a_site_works_as_soon_as_it_is_added(sites: SqliteSiteStore) -> None:
    headers = {"Origin": "https://new.example"}
    answer = call("/api/csrf-token", {"session_id": SESSION}, headers=headers)
    assert_problem(answer, 403, "unknown_site")
    assert "liveinsight site add new.example" in answer.document["detail"]
    sites.add(Site(site_id="new.example"))
    assert call("/api/csrf-token", {"session_id": SESSION}, headers=headers).status == 200


def test_events_without_credentials_are_refused() -> None:
    assert_problem(call("/api/events", EVENT), 401, "token_missing")


def test_a_changed_token_is_refused() -> None:
    body = {"csrf_token": token()[:-2] + "AA", "session_id": SESSION, **EVENT}
    assert_problem(call("/api/events", body), 403, "token_bad_signature")


def test_when_the_stream_is_down_the_browser_is_told_when_to_come_back(
    sink: MemoryEventSink,
) -> None:
    body = {"csrf_token": token(), "session_id": SESSION, **EVENT}
    sink.is_down = True
    answer = call("/api/events", body)
    assert_problem(answer, 503, "stream_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_when_the_site_store_is_down_the_browser_is_told_when_to_come_back(
    tmp_path: Path,
) -> None:
    with closing(sqlite3.connect(tmp_path / "sites.sqlite")) as database:
        database.execute("DROP TABLE sites")
    answer = call("/api/csrf-token", {"session_id": SESSION})
    assert_problem(answer, 503, "sites_unavailable")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ("{}", {"Content-Type": "text/html"}, 415, "unsupported_media_type"),
        ("{", {}, 400, "invalid_json"),
        (None, {}, 400, "invalid_json"),
        ("[" * 60_000, {}, 400, "invalid_json"),
        ("[]", {}, 400, "not_an_object"),
        (" " * 65_537, {}, 413, "body_too_large"),
        ({"events": [EVENT] * 51}, {}, 422, "too_many_events"),
        ({"events": []}, {}, 422, "invalid_field"),
    ],
)
def test_a_request_that_cannot_be_read_is_a_problem(
    body: object, headers: dict[str, str | None], status: int, code: str
) -> None:
    assert_problem(call("/api/events", body, headers=headers), status, code)


NO_SNIFF = {"X-Content-Type-Options": "nosniff"}
PROBLEM = {"Content-Type": "application/problem+json", **NO_SNIFF}
ALWAYS = {"Cache-Control": "no-store", "Vary": "Origin"}
READABLE = {
    "Access-Control-Allow-Origin": ORIGIN,
    "Access-Control-Expose-Headers": "Retry-After",
}


def problem_text(status: int, title: str, code: str, detail: str) -> str:
    return (
        f'{{"type": "about:blank", "title": "{title}", "status": {status},'
        f' "code": "{code}", "detail": "{detail}"}}'
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "headers", "body"),
    [
        (
            "PUT",
            "/api/events/",
            405,
            {
                "Content-Type": "application/problem+json",
                **NO_SNIFF,
                **ALWAYS,
                "Allow": "POST, OPTIONS",
            },
            problem_text(
                405, "Method Not Allowed", "method_not_allowed", "This path takes POST, OPTIONS."
            ),
        ),
        (
            "POST",
            "/",
            404,
            {**PROBLEM, **ALWAYS},
            problem_text(
                404,
                "Not Found",
                "not_found",
                "There are /api/csrf-token, /api/events and /api/pixel.gif.",
            ),
        ),
        (
            "OPTIONS",
            "/api/events",
            204,
            {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Allow-Methods": "POST, OPTIONS",
                "Access-Control-Allow-Headers": "content-type, x-csrf-token, x-session-id",
                "Access-Control-Max-Age": "86400",
                "Cache-Control": "no-store",
            },
            "",
        ),
        (
            "POST",
            "/api/events",
            401,
            {**PROBLEM, **ALWAYS, **READABLE},
            problem_text(
                401,
                "Unauthorized",
                "token_missing",
                "Send the token of POST /api/csrf-token as header X-CSRF-Token or as csrf_token in"
                " the body.",
            ),
        ),
    ],
)
def test_api_gateway_gets_an_answer_in_its_shape(
    method: str, path: str, status: int, headers: dict[str, str], body: str
) -> None:
    event = {**POST, "httpMethod": method, "path": path, "body": json.dumps(EVENT)}
    assert handler(event, LambdaContext()) == {
        "statusCode": status,
        "headers": headers,
        "body": body,
        "isBase64Encoded": False,
    }


def test_api_gateway_gets_a_receipt_in_its_shape() -> None:
    body = {"csrf_token": token(), "session_id": SESSION, **EVENT}
    assert handler({**POST, "body": json.dumps(body)}, LambdaContext()) == {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json", **NO_SNIFF, **ALWAYS, **READABLE},
        "body": '{"accepted": 1, "duplicates": 0, "rejected": []}',
        "isBase64Encoded": False,
    }


def test_a_missing_content_type_counts_as_text() -> None:
    body = {"session_id": SESSION}
    assert call("/api/csrf-token", body, headers={"Content-Type": None}).status == 200


def test_unknown_paths_and_methods_are_problems() -> None:
    assert_problem(call("/api/nothing"), 404, "not_found")
    assert_problem(call("/api/nothing", method="OPTIONS"), 404, "not_found")
    answer = call("/api/events", method="GET")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("path", ["/api/csrf-token", "/api/events"])
def test_a_preflight_allows_the_headers_of_the_contract(path: str) -> None:
    answer = call(path, method="OPTIONS")
    assert answer.status == 204
    assert answer.body == ""
    assert answer.headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert set(answer.headers["access-control-allow-headers"].split(", ")) == {
        "content-type",
        "x-csrf-token",
        "x-session-id",
    }
    assert answer.headers["access-control-max-age"] == "86400"


def test_pages_of_a_site_may_read_answers_and_problems() -> None:
    good = call("/api/csrf-token", {"session_id": SESSION})
    bad = call("/api/events", EVENT)
    for answer in (good, bad):
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["vary"] == "Origin"


NO_ORIGINS = (
    "null",
    "NULL",
    "https://shop.example, https://evil.example",
    "https://shop.example https://evil.example",
    "https://evil.example\\@shop.example",
    "https://evil.example@shop.example",
    "https://shop.example\\.evil.example",
    "https://shop.example/page",
    "https://shop.example?",
    "file://",
    "file:///shop.example",
    "chrome-extension://shop.example",
    "capacitor://shop.example",
    "//shop.example",
    "shop.example",
    "https://",
    "https://shop.example:port",
    "https://shop\x00.example",
    " ",
    "https://" + "a." * 150 + "shop.example",
)


@pytest.mark.parametrize("origin", NO_ORIGINS)
def test_what_is_no_origin_of_a_page_gets_no_token(origin: str) -> None:
    body = {"session_id": SESSION, "site_id": "shop.example"}
    answer = call("/api/csrf-token", body, headers={"Origin": origin})
    assert_problem(answer, 403, "host_not_allowed")
    readable = "*" if origin == "null" else None  # its page is one
    assert answer.headers.get("access-control-allow-origin") == readable


def test_a_page_of_a_host_that_is_not_allowed_can_read_why() -> None:
    body = {"session_id": SESSION, "site_id": "shop.example"}
    answer = call("/api/csrf-token", body, headers={"Origin": "https://new.example"})
    assert_problem(answer, 403, "host_not_allowed")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "add the host to the site's allowed hosts" in answer.document["detail"]


def test_pages_in_a_sandbox_get_one_where_the_site_allows_it(sites: SqliteSiteStore) -> None:
    sites.update("shop.example", lambda site: replace(site, sandboxed=True))
    body = {"session_id": SESSION, "site_id": "shop.example"}
    answer = call("/api/csrf-token", body, headers={"Origin": "null"})
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "null"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "x\ud800", "https://a\r\nB: c"])
def test_other_pages_may_not_read_answers(origin: str) -> None:
    body = {"csrf_token": token(), "session_id": SESSION, **EVENT}
    answer = call("/api/events", body, headers={"Origin": origin})
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("mode", Tokens)
def test_a_site_may_take_events_with_the_request_for_a_token(
    sites: SqliteSiteStore, sink: MemoryEventSink, mode: Tokens
) -> None:
    sites.update("shop.example", lambda site: replace(site, tokens=mode))
    body = {"session_id": SESSION, "site_id": "shop.example", "events": [EVENT, 5]}
    answer = call("/api/csrf-token", body)
    first = {name: answer.document[name] for name in ("csrf_token", "expires_in")}
    if mode is Tokens.ENFORCE:
        assert answer.document == first
        assert sink.batches == []
        return
    rejected = [{"index": 1, "code": "not_an_object", "field": ""}]
    assert answer.document == first | {"accepted": 1, "duplicates": 0, "rejected": rejected}
    (batch,) = sink.batches
    assert (batch.received, len(batch.events)) == (2, 1)
    again = call("/api/events", {**body, "csrf_token": first["csrf_token"]})
    assert again.document["accepted"] == 1
    assert sink.batches[1].visitor_id == batch.visitor_id


@pytest.mark.parametrize("mode", Tokens)
@pytest.mark.parametrize("shown", [None, "nonsense"])
def test_a_site_may_take_events_without_a_good_token(
    sites: SqliteSiteStore, sink: MemoryEventSink, mode: Tokens, shown: str | None
) -> None:
    sites.update("shop.example", lambda site: replace(site, tokens=mode))
    body = {"session_id": SESSION, "csrf_token": shown, "events": [EVENT]}
    answer = call("/api/events", body)
    if mode is Tokens.ENFORCE:
        assert_problem(
            answer, 403 if shown else 401, f"token_{'malformed' if shown else 'missing'}"
        )
        return
    assert answer.document["accepted"] == 1
    assert len(sink.batches) == 1
    foreign = call("/api/events", body, headers={"Origin": "https://evil.example"})
    assert foreign.status in {401, 403}
    assert len(sink.batches) == 1


@pytest.mark.parametrize(("mode", "expected"), [(Tokens.OBSERVE, [1.0]), (Tokens.OFF, None)])
def test_events_without_a_token_are_counted_apart_where_the_site_observes(
    sites: SqliteSiteStore,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    mode: Tokens,
    expected: list[float] | None,
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    sites.update("shop.example", lambda site: replace(site, tokens=mode))
    call("/api/events", {"session_id": SESSION, "events": [EVENT]})
    assert json.loads(capsys.readouterr().out).get("events_untokened") == expected


def test_a_picture_tells_of_a_page_view_or_an_event(sink: MemoryEventSink) -> None:
    headers = {"Origin": None, "Referer": "https://shop.example/"}
    about = {"site_id": "shop.example", "page_url": "https://shop.example/mail?utm_source=june"}
    for given in (about, {**about, "name": "opened"}, {"site_id": "shop.example"}):
        answer = call("/api/pixel.gif", None, method="GET", parameters=given, headers=headers)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.body.startswith("GIF89a")
        assert answer.body.isascii()
    first, second, third = [event for batch in sink.batches for event in batch.events]
    assert (first.event_type, first.page, first.utm_source) == ("page_view", "/mail", "june")
    assert (second.event_type, second.name) == ("custom", "opened")
    assert (third.event_type, third.page) == ("page_view", "/")
    assert len({batch.visitor_id for batch in sink.batches}) == 1


def test_a_picture_that_tells_nothing_says_why(sink: MemoryEventSink) -> None:
    nowhere = {"Origin": None, "Referer": None}
    answer = call("/api/pixel.gif", None, method="GET", headers=nowhere)
    assert_problem(answer, 403, "unknown_site")
    assert_problem(call("/api/pixel.gif", {}), 405, "method_not_allowed")
    foreign = {"site_id": "shop.example", "page_url": "https://evil.example/"}
    answer = call("/api/pixel.gif", None, method="GET", parameters=foreign, headers=nowhere)
    assert answer.status == 200
    assert [hit.code for batch in sink.batches for hit in batch.rejected] == ["host_not_allowed"]


def test_an_ipad_that_says_it_is_a_mac_is_a_tablet(sink: MemoryEventSink) -> None:
    agent = (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/18.0 Safari/605.1.15"
    )
    for fingers in (0, 5):
        event = {**EVENT, "touch_points": fingers}
        body = {"csrf_token": token(), "session_id": SESSION, "events": [event]}
        call("/api/events", body, headers={"User-Agent": agent})
    assert [batch.context.device for batch in sink.batches] == ["Desktop", "Tablet"]
    assert [batch.context.os for batch in sink.batches] == ["macOS", "iOS"]


def test_what_became_of_events_is_published_as_metrics(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    hits = [EVENT, EVENT, {**EVENT, "timestamp": 7}]
    call("/api/events", {"csrf_token": token(), "session_id": SESSION, "events": hits})
    published = json.loads(capsys.readouterr().out)
    assert published["events_accepted"] == [2.0]
    assert published["events_rejected"] == [1.0]
    assert published["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "LiveInsight"
    call("/api/events", "{")
    assert json.loads(capsys.readouterr().out)["requests_malformed"] == [1.0]


def test_nothing_about_a_person_is_written_to_the_log(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, sink: MemoryEventSink
) -> None:
    caplog.set_level("DEBUG", logger="ingest")
    body = {"csrf_token": token(), "session_id": SESSION, **EVENT, "title": "SECRET"}
    call("/api/events", body)
    sink.is_down = True
    call("/api/events", body)
    captured = capsys.readouterr()
    written = captured.out + captured.err + caplog.text
    assert "the stream did not take a record" in written
    for personal in ("198.51.100.7", "Mozilla", "SECRET", SESSION):
        assert personal not in written


@pytest.fixture
def _eager_threads() -> Iterator[None]:
    """Threads change over after a few instructions, and not after 5 ms."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_eager_threads")
def test_threads_get_their_own_answers() -> None:
    def ask(number: int) -> bool:
        session = f"session-{number}"
        given = call("/api/csrf-token", {"session_id": session}).document["csrf_token"]
        hits = [EVENT] * (number % 7 + 1)
        body = {"csrf_token": given, "session_id": session, "events": hits}
        return bool(call("/api/events", body).document.get("accepted") == len(hits))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(200)))


def test_nobody_sends_past_cloudfront(
    sink: MemoryEventSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"csrf_token": token(), "session_id": SESSION, **EVENT}
    monkeypatch.setenv("LIVEINSIGHT_ORIGIN_DIGESTS", sha256(b"secret").hexdigest())
    assert_problem(call("/api/events", body), 403, "forbidden")
    headers = {"X-LiveInsight-Origin": "guess", "Content-Type": "application/json"}
    assert_problem(call("/api/events", body, headers=headers), 403, "forbidden")
    assert sink.batches == []
    headers["X-LiveInsight-Origin"] = "secret"
    assert call("/api/events", body, headers=headers).document["accepted"] == 1


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "x-gzip, gzip"])
def test_a_compressed_body_is_told_to_come_plain_whatever_it_would_unpack_to(coding: str) -> None:
    bomb = gzip.compress(b" " * 20_000_000 + json.dumps({"session_id": SESSION}).encode())
    body = b64encode(bomb).decode()
    answer = call("/api/csrf-token", body, headers={"Content-Encoding": coding}, is_base64=True)
    assert_problem(answer, 415, "unsupported_media_type")
    assert answer.headers["accept-encoding"] == "identity"


def test_a_coding_that_was_undone_on_the_way_changes_nothing() -> None:
    body = {"session_id": SESSION}
    for coding in ("gzip", "identity"):
        assert call("/api/csrf-token", body, headers={"Content-Encoding": coding}).status == 200
