"""GET /api/stats over the real stores: periods, steps of the series, orders, refusals."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import api.stats.bootstrap
from aggregates.progress import Progress
from aggregates.rollup import Counters, Dimension, Rollup
from aggregates.stores.ports import RollupKey, StoredRollup, Versioned
from aggregates.stores.sqlite import SqliteRollupStore, tables
from runtime.gateway import Request
from tests.api.caller import get

FIRST = date(2026, 3, 25)
"""Four days before the day that has 23 hours in Berlin."""
DAYS = 10
NOW = datetime(2026, 4, 3, 9, 0, tzinfo=UTC)


def row(visits: int, pageviews: int) -> Counters:
    return Counters(visits, visits, pageviews, 0, 1, 1000 * pageviews, 0)


@pytest.fixture
def _days(data: Path) -> None:
    """Day number n has n visits at its first hour, of which each sees n pages."""
    store = SqliteRollupStore(tables(data / "tables.sqlite"))
    for number in range(1, DAYS + 1):
        total = row(number, number * number)
        rows = {
            (Dimension.TOTAL, ""): total,
            (Dimension.HOUR, "00"): total,
            (Dimension.PAGE, f"/{number}"): Counters(number, 0, number * number),
            (Dimension.SOURCE, f"s{number % 3}"): total,
        }
        key = RollupKey(1, "open.site", FIRST + timedelta(days=number - 1), 0)
        store.save({key: Versioned(StoredRollup(Rollup(rows), Progress({"s": 1}, 1, 2)), 0)})


def ask(**parameters: str) -> Any:
    status, body, _ = get("/api/stats", {"site_id": "open.site", **parameters})
    assert status == 200, body
    return body


@pytest.mark.usefixtures("_days")
def test_all_days_begin_with_the_first_one() -> None:
    body = ask(period="all", date="2026-04-02")
    assert (body["from"], body["to"], body["interval"]) == ("2026-03-25", "2026-04-02", "day")
    assert body["totals"]["visits"] == sum(range(1, 10))
    assert len(body["series"]) == 9


def test_all_days_of_a_site_that_has_none_are_one() -> None:
    body = ask(period="all", date="2026-04-02")
    assert (body["from"], body["to"], body["interval"]) == ("2026-04-02", "2026-04-02", "hour")


@pytest.mark.usefixtures("_days")
def test_weeks_begin_on_monday_and_the_first_with_the_range() -> None:
    body = ask(interval="week", **{"from": "2026-03-25", "to": "2026-04-03"})
    assert [(point["start"], point["visits"]) for point in body["series"]] == [
        ("2026-03-25T00:00:00+01:00", 1 + 2 + 3 + 4 + 5),
        ("2026-03-30T00:00:00+02:00", 6 + 7 + 8 + 9 + 10),
    ]


@pytest.mark.usefixtures("_days")
def test_months_add_days_up() -> None:
    body = ask(interval="month", **{"from": "2026-03-25", "to": "2026-04-03"})
    assert [(point["start"], point["visits"]) for point in body["series"]] == [
        ("2026-03-25T00:00:00+01:00", sum(range(1, 8))),
        ("2026-04-01T00:00:00+02:00", 8 + 9 + 10),
    ]


@pytest.mark.usefixtures("_days")
def test_hours_of_several_days_are_those_of_each_day() -> None:
    body = ask(interval="hour", **{"from": "2026-03-28", "to": "2026-03-30"})
    assert body["interval"] == "hour"
    assert len(body["series"]) == 24 + 23 + 24
    counted = {point["start"]: point["visits"] for point in body["series"] if point["visits"]}
    assert counted == {
        "2026-03-28T00:00:00+01:00": 4,
        "2026-03-29T00:00:00+01:00": 5,
        "2026-03-30T00:00:00+02:00": 6,
    }
    assert body["totals"]["visits"] == 15


@pytest.mark.usefixtures("_days")
@pytest.mark.parametrize(
    ("sort", "values"),
    [
        ("visitors", ["s1", "s0", "s2"]),  # 1+4+7+10, 3+6+9, 2+5+8
        ("-visitors", ["s2", "s0", "s1"]),
        ("pageviews", ["s1", "s0", "s2"]),
        ("views_per_visit", ["s1", "s0", "s2"]),  # 166/22, 126/18, 93/15
        ("-bounce_rate", ["s0", "s1", "s2"]),  # 3/18, 4/22, 3/15
    ],
)
def test_a_breakdown_is_sorted_as_it_is_asked_for(sort: str, values: list[str]) -> None:
    body = ask(dimension="source", sort=sort, **{"from": "2026-03-25", "to": "2026-04-03"})
    assert [one["value"] for one in body["breakdowns"]["source"]] == values


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"interval": "minute"}, "bad_interval"),
        ({"interval": "hour", "period": "91d"}, "bad_interval"),
        ({"interval": "day", "from": "2024-01-01", "to": "2026-01-01"}, "bad_interval"),
        ({"interval": "day", "dimension": "page"}, "bad_interval"),
        ({"sort": "visits"}, "dimension_missing"),
        ({"sort": "growth", "dimension": "source"}, "bad_sort"),
        ({"sort": "--visits", "dimension": "source"}, "bad_sort"),
        ({"sort": "bounce_rate", "dimension": "page"}, "bad_sort"),
        ({"period": "fortnight"}, "bad_period"),
        ({"filter": "page:/"}, "filter_needs_query"),
        ({"goal": "signup"}, "filter_needs_query"),
        ({"compare": "previous"}, "filter_needs_query"),
    ],
)
def test_what_rollups_cannot_answer_is_refused_with_a_reason(
    asked: dict[str, str], code: str
) -> None:
    status, body, _ = get("/api/stats", {"site_id": "open.site", **asked})
    assert (status, body["code"]) == (422, code)
    assert len(body["detail"]) > 30


def test_a_parameter_stands_once() -> None:
    request = Request(
        "GET",
        "/api/stats",
        parameters={"site_id": "open.site", "to": "2026-04-02"},
        repeated={"to": ("2026-04-01", "2026-04-02")},
    )
    reply = api.stats.bootstrap.endpoint().reply(request, now=NOW)
    assert reply.status == 422
    assert '"code": "parameter_repeated"' in reply.body
