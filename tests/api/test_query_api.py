"""GET /api/query where rollups are exact: whole days, compared, without filters."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aggregates.progress import Progress
from aggregates.rollup import BREAKDOWNS, Counters, Dimension, Rollup
from aggregates.stores.ports import RollupKey, StoredRollup, Versioned
from aggregates.stores.sqlite import SqliteRollupStore, tables
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from tests.api.caller import KEY, get

FIRST = date(2026, 3, 1)
DAYS = 14


@pytest.fixture
def _days(data: Path) -> None:
    """On day number n, `/grows` has n visitors, `/shrinks` 20 - n, and `/new` 5 from day 8 on."""
    store = SqliteRollupStore(tables(data / "tables.sqlite"))
    for number in range(1, DAYS + 1):
        pages = {"/grows": number, "/shrinks": 20 - number}
        if number > 7:
            pages["/new"] = 5
        rows = {(Dimension.PAGE, page): Counters(n, 0, n) for page, n in pages.items()}
        whole = sum(pages.values())
        total = Counters(whole, whole, whole, 0, whole, 0, 0)
        rows |= {(Dimension.TOTAL, ""): total, (Dimension.HOUR, "12"): total}
        key = RollupKey(1, "open.site", FIRST + timedelta(days=number - 1), 0)
        store.save({key: Versioned(StoredRollup(Rollup(rows), Progress({"s": 1}, 1, 2)), 0)})


def ask(**parameters: str) -> Any:
    week = {"from": "2026-03-08", "to": "2026-03-14"}
    status, body, _ = get("/api/query", {"site_id": "open.site", **week, **parameters})
    assert status == 200, body
    return body


BEFORE = sum(range(1, 8)) + sum(range(13, 20))
NOW = sum(range(8, 15)) + sum(range(6, 13)) + 35


@pytest.mark.usefixtures("_days")
def test_without_more_it_is_what_stats_answers() -> None:
    body = ask()
    _, plain, _ = get(
        "/api/stats", {"site_id": "open.site", "from": "2026-03-08", "to": "2026-03-14"}
    )
    meta = body.pop("meta")
    assert body == plain
    assert (meta["engine"], meta["rows"], meta["bytes"]) == ("rollups", 0, 0)
    assert meta["milliseconds"] >= 0


@pytest.mark.usefixtures("_days")
def test_a_week_is_compared_with_the_one_before() -> None:
    body = ask(compare="previous")
    found = body["comparison"]
    assert (found["mode"], found["from"], found["to"], found["until"]) == (
        "previous",
        "2026-03-01",
        "2026-03-07",
        None,
    )
    assert (found["totals"]["visitors"], body["totals"]["visitors"]) == (BEFORE, NOW)
    assert [point["visitors"] for point in found["series"]] == [20] * 7
    assert [point["visitors"] for point in body["series"]] == [25] * 7
    rows = {row["value"]: row for row in body["breakdowns"]["page"]}
    assert (rows["/grows"]["visitors"], rows["/grows"]["before"]["visitors"]) == (77, 28)
    assert rows["/new"]["before"]["visitors"] == 0
    assert body["breakdowns"].keys() == {dimension.value for dimension in BREAKDOWNS}


@pytest.mark.usefixtures("_days")
@pytest.mark.parametrize(
    ("sort", "values"),
    [
        ("growth", ["/grows", "/new", "/shrinks"]),  # +49, +35, -49
        ("-growth", ["/shrinks", "/new", "/grows"]),
        ("visitors", ["/grows", "/shrinks", "/new"]),  # 77, 63, 35
    ],
)
def test_values_are_ranked_by_growth(sort: str, values: list[str]) -> None:
    body = ask(compare="previous", dimension="page", sort=sort)
    assert [row["value"] for row in body["breakdowns"]["page"]] == values
    assert body["values"] == 3
    part = ask(compare="previous", dimension="page", sort=sort, limit="1", offset="1")
    assert [row["value"] for row in part["breakdowns"]["page"]] == values[1:2]
    found = ask(compare="previous", dimension="page", sort=sort, search="W")
    assert {row["value"] for row in found["breakdowns"]["page"]} == {"/grows", "/new"}


@pytest.mark.usefixtures("_days")
def test_what_is_gone_now_shrinks_most() -> None:
    body = ask(
        compare="2026-03-08..2026-03-14",
        dimension="page",
        sort="-growth",
        **{"from": "2026-03-01", "to": "2026-03-07"},
    )
    (row,) = [row for row in body["breakdowns"]["page"] if row["value"] == "/new"]
    assert (row["visitors"], row["before"]["visitors"]) == (0, 35)


@pytest.mark.usefixtures("_days")
def test_where_there_was_nothing_before_it_says_so() -> None:
    body = ask(compare="year")
    assert (body["comparison"], body["comparison_reason"]) == (None, "no_earlier_data")
    assert "before" not in body["breakdowns"]["page"][0]


@pytest.mark.usefixtures("_days")
def test_an_overview_lists_what_is_named() -> None:
    whole, part = ask(compare="previous"), ask(compare="previous", breakdowns="source,page,source")
    named = {name: whole["breakdowns"][name] for name in ("source", "page")}
    assert part["breakdowns"] == named
    assert list(part["breakdowns"]) == ["source", "page"]
    assert part["totals"] == whole["totals"]


def test_a_day_that_is_cut_is_compared_with_once_its_events_can_be_asked(data: Path) -> None:
    """Rollups are there at once, the events of the day a little later: until then it says so."""
    now = datetime.now(UTC)
    zone = "UTC" if now.hour else "Asia/Tokyo"  # an hour of the day has to be over
    today = now.astimezone(ZoneInfo(zone)).date()
    SqliteSiteStore(data / "sites.sqlite").add(
        Site(site_id="early.site", timezone=zone, public=True)
    )
    store = SqliteRollupStore(tables(data / "tables.sqlite"))
    total = Counters(3, 3, 3, 0, 3, 0, 0)
    rows = {(Dimension.TOTAL, ""): total, (Dimension.HOUR, "00"): total}
    for day in (today, today - timedelta(days=1)):
        key = RollupKey(1, "early.site", day, 0)
        store.save({key: Versioned(StoredRollup(Rollup(rows), Progress({"s": 1}, 1, 2)), 0)})
    asked = {"site_id": "early.site", "period": "today", "compare": "previous"}
    status, body, _ = get("/api/query", asked)
    assert (status, body["totals"]["visitors"]) == (200, 3)
    assert (body["comparison"], body["comparison_reason"]) == (None, "not_ready")
    _, body, _ = get("/api/goals", asked)
    assert (body["comparison"], body["comparison_reason"]) == (None, "not_ready")


@pytest.mark.usefixtures("_days")
def test_an_unchanged_answer_is_304_though_it_took_another_time() -> None:
    asked = {"site_id": "open.site", "from": "2026-03-08", "to": "2026-03-14"}
    _, _, headers = get("/api/query", asked)
    assert headers["ETag"].startswith('W/"')
    status, body, again = get("/api/query", asked, {"If-None-Match": headers["ETag"]})
    assert (status, body, again["ETag"]) == (304, None, headers["ETag"])


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"filter": "nonsense"}, "bad_filter"),
        ({"filter": ["page:/", "nonsense"]}, "bad_filter"),
        ({"filter": "goal:Nothing"}, "unknown_goal"),
        ({"goal": "Nothing"}, "unknown_goal"),
        ({"compare": "next"}, "bad_comparison"),
        ({"metrics": "scroll_depth,loudness"}, "bad_metrics"),
        ({"breakdowns": "page,loudness"}, "bad_breakdowns"),
        ({"breakdowns": ""}, "bad_breakdowns"),
        ({"breakdowns": "page", "dimension": "page"}, "bad_breakdowns"),
        ({"dimension": "goal"}, "unknown_dimension"),
        ({"dimension": "prop:"}, "unknown_dimension"),
        ({"dimension": "browser_version"}, "unknown_dimension"),
        ({"dimension": "page", "sort": "growth"}, "bad_sort"),
        ({"dimension": "prop:plan", "sort": "bounce_rate"}, "bad_sort"),
        ({"to": ["2026-03-08", "2026-03-09"]}, "parameter_repeated"),
        ({"step": "page:/"}, "unknown_parameter"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(
    asked: dict[str, str | list[str]], code: str
) -> None:
    status, body, _ = get("/api/query", {"site_id": "open.site", **asked})
    assert (status, body["code"]) == (422, code), body
    assert len(body["detail"]) > 30


@pytest.mark.parametrize("path", ["/api/query", "/api/goals", "/api/funnel"])
def test_a_private_site_opens_to_its_key_alone(path: str) -> None:
    assert get(path, {"site_id": "closed.site"})[0] == 401
    assert get(path, {"site_id": "closed.site"}, {"X-API-Key": KEY})[0] != 401
