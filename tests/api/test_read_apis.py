"""The read APIs' handlers on REST proxy events, over the real stores."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import api.realtime.bootstrap
import api.stats.bootstrap
from aggregates.minute import LiveVisitor, Minute
from aggregates.progress import Progress
from aggregates.rollup import BREAKDOWNS, TOTAL, Counters, Dimension, Rollup, merge
from aggregates.stores.ports import (
    MinuteKey,
    RollupKey,
    StoredMinute,
    StoredRollup,
    Versioned,
)
from aggregates.stores.sqlite import SqliteMinuteStore, SqliteRollupStore, tables
from api.days import CLOSED_MAX_AGE, OPEN_MAX_AGE
from api.realtime.query import RealtimeQuery
from api.reconciliation.query import ReconciliationQuery
from api.stats.query import StatsQuery
from liveinsight.engine.lambda_context import LocalContext
from runtime.errors import RetryableError
from runtime.gateway import Request
from tests.api.caller import EVENT, HANDLERS, KEY, get

DAY = date(2026, 3, 29)  # 23 hours in Berlin
QUERIES = (StatsQuery, RealtimeQuery, ReconciliationQuery)


def store_days(data: Path) -> None:
    def rollup(page: str, visits: int, hour: str) -> StoredRollup:
        row = Counters(visits, visits, 2 * visits, 1, 1, 30_000, 1500)
        rows = {
            (Dimension.TOTAL, ""): row,
            (Dimension.PAGE, page): row,
            (Dimension.HOUR, hour): row,
        }
        return StoredRollup(Rollup(rows), Progress({"s": 1}, 1_774_000_000_250, 1_774_000_000_750))

    store = SqliteRollupStore(tables(data / "tables.sqlite"))
    store.save(
        {
            RollupKey(1, "open.site", DAY, 0): Versioned(rollup("/a", 2, "00"), 0),
            RollupKey(1, "open.site", DAY, 1): Versioned(rollup("/b", 1, "22"), 0),
            RollupKey(1, "open.site", DAY + timedelta(days=2), 0): Versioned(
                rollup("/a", 3, "05"), 0
            ),
            RollupKey(2, "open.site", DAY, 0): Versioned(rollup("/other", 9, "00"), 0),
        }
    )


def test_a_day_is_answered_by_the_hour_with_partitions_added_up(data: Path) -> None:
    store_days(data)
    status, body, _ = get("/api/stats", {"site_id": "open.site", "from": str(DAY), "to": str(DAY)})
    assert status == 200
    assert body["totals"] == {
        "visitors": 3,
        "visits": 3,
        "pageviews": 6,
        "events": 2,
        "bounce_rate": 0.6667,
        "visit_duration_seconds": 20.0,
        "views_per_visit": 2.0,
        "engaged_seconds": 3.0,
    }
    assert body["interval"] == "hour"
    assert len(body["series"]) == 23
    assert body["series"][0]["start"] == "2026-03-29T00:00:00+01:00"
    assert body["series"][-1]["start"] == "2026-03-29T23:00:00+02:00"
    assert [point["visits"] for point in body["series"]] == [2, *[0] * 21, 1]
    assert [row["value"] for row in body["breakdowns"]["page"]] == ["/a", "/b"]
    assert set(body["breakdowns"]) == {dimension.value for dimension in BREAKDOWNS}
    assert body["as_of"] == "2026-03-20T09:46:40.250Z"
    assert body["lag_ms"] == 500


def test_a_range_is_answered_by_the_day_with_empty_days_in_it(data: Path) -> None:
    store_days(data)
    last = DAY + timedelta(days=2)
    _, body, _ = get("/api/stats", {"site_id": "open.site", "from": str(DAY), "to": str(last)})
    assert body["interval"] == "day"
    assert [point["visits"] for point in body["series"]] == [3, 0, 3]
    assert [point["start"] for point in body["series"]] == [
        "2026-03-29T00:00:00+01:00",
        "2026-03-30T00:00:00+02:00",
        "2026-03-31T00:00:00+02:00",
    ]
    assert body["totals"]["visits"] == 6


def test_a_range_of_years_is_answered_by_the_month(data: Path) -> None:
    store_days(data)
    asked = {"site_id": "open.site", "from": "2015-05-17", "to": "2026-04-01"}
    _, body, _ = get("/api/stats", asked)
    assert body["interval"] == "month"
    assert len(body["series"]) == 11 * 12
    assert body["series"][0]["start"] == "2015-05-17T00:00:00+02:00"
    assert body["series"][-2]["start"] == "2026-03-01T00:00:00+01:00"
    assert [point["visits"] for point in body["series"]] == [*[0] * 130, 6, 0]
    assert body["totals"]["visits"] == 6


@pytest.mark.parametrize(("to", "interval"), [("2026-01-01", "day"), ("2026-01-02", "month")])
def test_a_range_of_366_days_is_by_the_day(to: str, interval: str) -> None:
    _, body, _ = get("/api/stats", {"site_id": "open.site", "from": "2025-01-01", "to": to})
    assert body["interval"] == interval


def test_a_limit_cuts_breakdowns_but_not_totals(data: Path) -> None:
    store_days(data)
    parameters = {"site_id": "open.site", "from": str(DAY), "to": str(DAY), "limit": "1"}
    _, body, _ = get("/api/stats", parameters)
    assert [row["value"] for row in body["breakdowns"]["page"]] == ["/a"]
    assert body["totals"]["visits"] == 3


def test_an_answer_is_remembered_until_an_item_of_it_changes(data: Path) -> None:
    store_days(data)
    store = SqliteRollupStore(tables(data / "tables.sqlite"))
    key = RollupKey(1, "open.site", DAY, 0)
    asked = {"site_id": "open.site", "from": str(DAY), "to": str(DAY)}
    for visits in (3, 4, 5):
        answers = [get("/api/stats", asked)[1] for _ in range(2)]
        assert [one["totals"]["visits"] for one in answers] == [visits, visits]
        assert [one["breakdowns"]["page"][0]["visits"] for one in answers] == [visits - 1] * 2
        found = store.load([key])[key]
        more = Rollup({of: Counters(1, 1, 1) for of in (TOTAL, (Dimension.PAGE, "/a"))})
        changed = StoredRollup(merge((found.value.rollup, more)), found.value.progress)
        store.save({key: Versioned(changed, found.version)})


def test_one_breakdown_is_paged_and_searched(data: Path) -> None:
    store_days(data)
    asked = {"site_id": "open.site", "from": str(DAY), "to": str(DAY), "dimension": "page"}
    _, body, _ = get("/api/stats", asked)
    assert (body["dimension"], body["values"], body["offset"]) == ("page", 2, 0)
    assert (body["totals"]["visits"], body["lag_ms"]) == (3, 500)
    assert [row["value"] for row in body["breakdowns"]["page"]] == ["/a", "/b"]
    assert body["breakdowns"].keys() == {"page"}
    assert "series" not in body
    for more, values, shown in (
        ({"offset": "1"}, 2, ["/b"]),
        ({"offset": "2"}, 2, []),
        ({"limit": "1"}, 2, ["/a"]),
        ({"search": "B"}, 1, ["/b"]),
        ({"search": "c"}, 0, []),
    ):
        _, body, _ = get("/api/stats", {**asked, **more})
        assert body["values"] == values
        assert [row["value"] for row in body["breakdowns"]["page"]] == shown


def test_a_site_without_events_answers_zeros_and_nulls() -> None:
    status, body, _ = get("/api/stats", {"site_id": "open.site"})
    assert status == 200
    assert body["totals"]["visitors"] == 0
    assert body["totals"]["bounce_rate"] is None
    assert body["as_of"] is None
    assert body["lag_ms"] is None


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({}, 422, "site_id_missing"),
        ({"site_id": "no.site"}, 404, "unknown_site"),
        ({"site_id": "closed.site"}, 401, "read_key_required"),
        ({"site_id": "open.site", "from": "yesterday"}, 422, "bad_date"),
        ({"site_id": "open.site", "from": "0001-01-01"}, 422, "bad_date"),
        ({"site_id": "open.site", "to": "9999-12-31"}, 422, "bad_date"),
        ({"site_id": "open.site", "from": "2026-01-02", "to": "2026-01-01"}, 422, "range_reversed"),
        ({"site_id": "open.site", "from": "1980-01-01", "to": "2026-01-01"}, 422, "range_too_long"),
        ({"site_id": "open.site", "from": "20260102"}, 422, "bad_date"),
        ({"site_id": "open.site", "from": "2026-W01-1"}, 422, "bad_date"),
        ({"site_id": "open.site", "from": "2026-1-2"}, 422, "bad_date"),
        ({"site_id": "open.site", "limit": "0"}, 422, "bad_limit"),
        ({"site_id": "open.site", "limit": "00010000"}, 422, "bad_limit"),
        ({"site_id": "open.site", "limit": "²"}, 422, "bad_limit"),
        ({"site_id": "open.site", "limit": "9" * 5000}, 422, "bad_limit"),
        ({"site_id": "open.site", "dimension": "total"}, 422, "unknown_dimension"),
        ({"site_id": "open.site", "dimension": "Page"}, 422, "unknown_dimension"),
        ({"site_id": "open.site", "offset": "1"}, 422, "dimension_missing"),
        ({"site_id": "open.site", "search": "a"}, 422, "dimension_missing"),
        ({"site_id": "open.site", "dimension": "page", "offset": "-1"}, 422, "bad_offset"),
        ({"site_id": "open.site", "dimension": "page", "offset": "1000001"}, 422, "bad_offset"),
        ({"site_id": "open.site", "dimension": "page", "search": "a" * 301}, 422, "bad_search"),
    ],
)
def test_a_bad_request_gets_a_problem_document(
    parameters: dict[str, str], status: int, code: str
) -> None:
    answered, body, headers = get("/api/stats", parameters)
    assert (answered, body["status"], body["code"]) == (status, status, code)
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Cache-Control"] == "no-store"
    assert body["detail"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"/api/{query.__module__.split('.')[1]}", name)
        for query in QUERIES
        for name in sorted(query.parameters)
    ],
)
def test_a_query_reads_what_it_declares(path: str, name: str) -> None:
    status, problem, _ = get(path, {"site_id": "open.site", name: "?"})
    assert status == 422
    assert problem["code"] != "unknown_parameter"


@pytest.mark.parametrize("path", HANDLERS)
@pytest.mark.parametrize("name", ["filters", "Period", "From", "x" * 5000, ""])
def test_a_parameter_that_is_not_known_is_refused_by_name(path: str, name: str) -> None:
    status, problem, headers = get(path, {"site_id": "open.site", name: "day"})
    assert (status, problem["code"]) == (422, "unknown_parameter")
    assert f"{path} has no parameter {name[:64]!r}: leave it out." in problem["detail"]
    assert "site_id" in problem["detail"].rpartition("It takes ")[2]
    assert headers["Content-Type"] == "application/problem+json"
    assert len(problem["detail"]) < 300


@pytest.mark.parametrize("name", ["from", "to", "limit", "dimension", "offset", "search"])
def test_a_query_cannot_read_what_it_does_not_declare(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StatsQuery, "parameters", StatsQuery.parameters - {name})
    with pytest.raises(LookupError, match=f"{name} is read, but not declared"):
        get("/api/stats", {"site_id": "open.site"})


def test_api_gateway_gets_an_answer_in_its_shape(data: Path) -> None:
    store_days(data)
    asked = {"site_id": "open.site", "from": str(DAY), "to": str(DAY), "limit": "1"}
    event = {**EVENT, "httpMethod": "GET", "path": "/api/stats", "queryStringParameters": asked}
    answer = HANDLERS["/api/stats"](event, LocalContext("api"))
    text = answer.pop("body")
    assert text == json.dumps(json.loads(text), separators=(",", ":"))
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {
        "Content-Type": "application/json",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": f"public, max-age={CLOSED_MAX_AGE}",
        "ETag": etag,
        "Vary": "X-API-Key, Accept-Encoding",
    }
    assert answer == {"statusCode": 200, "headers": headers, "isBase64Encoded": False}
    again = HANDLERS["/api/stats"]({**event, "headers": {"If-None-Match": etag}}, None)
    assert again == {"statusCode": 304, "headers": headers, "body": "", "isBase64Encoded": False}


def test_api_gateway_gets_a_problem_in_its_shape() -> None:
    asked = {"site_id": "closed.site"}
    event = {**EVENT, "httpMethod": "GET", "path": "/api/stats", "queryStringParameters": asked}
    assert HANDLERS["/api/stats"](event, None) == {
        "statusCode": 401,
        "headers": {
            "Content-Type": "application/problem+json",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "WWW-Authenticate": 'ApiKey realm="LiveInsight"',
        },
        "body": (
            '{"type": "about:blank", "title": "Unauthorized", "status": 401,'
            ' "code": "read_key_required", "detail": "This site is private: send one of its read'
            ' keys in the header X-API-Key."}'
        ),
        "isBase64Encoded": False,
    }


HOSTILE = st.text(st.characters(codec=None), max_size=300)


@given(
    st.sampled_from(list(HANDLERS)),
    HOSTILE | st.just("open.site"),
    st.dictionaries(st.sampled_from(["from", "to", "limit", "period", "\ud800"]), HOSTILE),
    st.dictionaries(st.sampled_from(["X-API-Key", "If-None-Match"]), HOSTILE | st.none()),
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_makes_a_read_api_fail(
    path: str, site_id: str, parameters: dict[str, str], headers: dict[str, Any]
) -> None:
    assert get(path, {"site_id": site_id, **parameters}, headers)[0] < 500


@pytest.mark.parametrize("path", HANDLERS)
@pytest.mark.parametrize("site_id", ["\ud800", "a.example\udfff", "\0", "x" * 5000])
def test_a_site_id_that_no_site_can_have_is_unknown(path: str, site_id: str) -> None:
    status, body, _ = get(path, {"site_id": site_id})
    assert (status, body["code"]) == (404, "unknown_site")


@pytest.mark.parametrize("path", HANDLERS)
def test_a_private_site_opens_to_its_key_alone(path: str) -> None:
    assert get(path, {"site_id": "closed.site"})[0] == 401
    assert get(path, {"site_id": "closed.site"}, {"X-API-Key": "wrong"})[0] == 401
    status, _, headers = get(path, {"site_id": "closed.site"}, {"x-api-key": KEY})
    assert status == 200
    assert headers["Cache-Control"].startswith("private")


def test_an_unchanged_answer_is_304(data: Path) -> None:
    store_days(data)
    parameters = {"site_id": "open.site", "from": str(DAY), "to": str(DAY)}
    _, _, headers = get("/api/stats", parameters)
    for tags in (headers["ETag"], f'"other", W/{headers["ETag"]}'):
        status, body, again = get("/api/stats", parameters, {"If-None-Match": tags})
        assert (status, body, again["ETag"]) == (304, None, headers["ETag"])


@pytest.mark.parametrize(
    ("hours_after_midnight", "max_age"), [(25, OPEN_MAX_AGE), (27, CLOSED_MAX_AGE)]
)
def test_a_day_is_cached_for_longer_once_no_late_event_can_change_it(
    hours_after_midnight: int, max_age: int
) -> None:
    midnight = datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    request = Request("GET", parameters={"site_id": "open.site", "from": str(DAY), "to": str(DAY)})
    now = midnight + timedelta(hours=hours_after_midnight)
    reply = api.stats.bootstrap.endpoint().reply(request, now=now)
    assert reply.headers["Cache-Control"] == f"public, max-age={max_age}"


def test_a_store_that_does_not_answer_is_503_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RetryableError("disk full")

    monkeypatch.setattr(SqliteRollupStore, "items", broken)
    status, body, headers = get("/api/stats", {"site_id": "open.site"})
    assert (status, body["code"], headers["Retry-After"]) == (503, "store_unavailable", "1")
    assert "disk full" in caplog.text


def test_other_methods_are_refused() -> None:
    reply = api.stats.bootstrap.endpoint().reply(Request("DELETE"), now=datetime.now(UTC))
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


def test_realtime_counts_visitors_of_five_minutes_and_pageviews_of_thirty(data: Path) -> None:
    now = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)
    moment = int(now.timestamp() * 1000)
    minute = moment // 60_000 * 60_000

    def live(seen_at: int, visitor: bytes, page: str) -> StoredMinute:
        place = LiveVisitor(seen_at, page, 0, "", "DE")
        return StoredMinute(
            Minute(2, 0, {visitor * 8: place}, {page: 2}), Progress({}, seen_at, seen_at + 80)
        )

    items = {
        MinuteKey("open.site", minute, 0): live(minute + 5, b"a", "/a"),
        MinuteKey("open.site", minute, 1): live(minute + 6, b"b", "/b"),
        MinuteKey("open.site", minute - 5 * 60_000, 0): live(moment - 299_999, b"c", "/a"),
        MinuteKey("open.site", minute - 5 * 60_000, 1): live(moment - 300_001, b"d", "/a"),
        MinuteKey("open.site", minute - 29 * 60_000, 0): live(0, b"e", "/old"),
        MinuteKey("open.site", minute - 30 * 60_000, 0): live(0, b"f", "/older"),
    }
    store = SqliteMinuteStore(tables(data / "tables.sqlite"))
    store.save({key: Versioned(item, 0) for key, item in items.items()})
    request = Request("GET", "/api/realtime", parameters={"site_id": "open.site"})
    reply = api.realtime.bootstrap.endpoint().reply(request, now=now)
    body = json.loads(reply.body)
    assert body["current_visitors"] == 3
    assert body["pageviews_per_minute"] == [2, *[0] * 23, 4, *[0] * 4, 4]
    assert body["top"]["page"] == [
        {"value": "/a", "visitors": 2, "pageviews": 6},
        {"value": "/b", "visitors": 1, "pageviews": 2},
    ]
    assert body["top"]["country"] == [{"value": "DE", "visitors": 3}]
    assert body["lag_ms"] == 80
    assert reply.headers["Cache-Control"] == "public, max-age=3"


@pytest.mark.parametrize("path", ["/api/stats", "/api/realtime", "/api/reconciliation"])
def test_before_a_cache_that_tells_no_readers_apart_nothing_private_is_answered(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, key = {"site_id": "closed.site"}, {"x-api-key": KEY}
    _, _, headers = get(path, asked, key)
    known = {**key, "if-none-match": headers["ETag"]}
    monkeypatch.setenv("LIVEINSIGHT_PUBLIC_ONLY", "yes")
    for sent in (key, known):
        status, body, headers = get(path, asked, sent)
        assert (status, body["code"]) == (403, "public_only")
        assert headers["Cache-Control"] == "no-store"
    assert get(path, asked)[0] == 401
    assert get(path, {"site_id": "open.site"})[0] == 200


def test_nobody_reads_past_cloudfront(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEINSIGHT_ORIGIN_DIGESTS", sha256(b"secret").hexdigest())
    for path in ("/api/stats", "/api/realtime", "/api/reconciliation", "/api/rebuild"):
        status, body, _ = get(path, {"site_id": "open.site"}, {"X-LiveInsight-Origin": "guess"})
        assert (status, body["code"]) == (403, "forbidden")
    shown = {"X-LiveInsight-Origin": "secret"}
    assert get("/api/stats", {"site_id": "open.site"}, shown)[0] == 200
