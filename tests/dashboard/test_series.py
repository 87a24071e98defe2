"""What the dashboard compares with what: its own functions, in a real browser."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.dashboard.asking import Ask

pytestmark = pytest.mark.browser

CHANGE = """
const { change, pointsOf } = await import("/series.js");
const [{ metric, current, previous, clock }] = arguments;
const range = (stats) => stats && { ...stats, points: pointsOf(stats, clock) };
return change(metric, range(current), range(previous));
"""

Change = Callable[..., float | None]


@pytest.fixture(scope="module")
def change(ask: Ask) -> Change:
    def asked(metric: str, current: Any, previous: Any, clock: str) -> float | None:
        question = {"metric": metric, "current": current, "previous": previous, "clock": clock}
        found: float | None = ask(CHANGE, question)
        return found

    return asked


def interval(start: str, visits: int, pageviews: int, seconds: float = 60.0) -> dict[str, Any]:
    """An interval in which every second visit is a bounce."""
    return {
        "start": start,
        "visitors": visits,
        "visits": visits,
        "pageviews": pageviews,
        "bounce_rate": 0.5 if visits else None,
        "visit_duration_seconds": seconds if visits else None,
        "views_per_visit": pageviews / visits if visits else None,
    }


def stats(step: str, series: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer of /api/stats whose totals are those of its series."""
    visits = sum(one["visits"] for one in series)
    pageviews = sum(one["pageviews"] for one in series)
    whole = sum((one["visit_duration_seconds"] or 0) * one["visits"] for one in series)
    totals = interval("", visits, pageviews, whole / visits if visits else 0)
    return {"interval": step, "totals": totals, "series": series}


def day_of_hours(
    day: str, until: int, visits: int, *, last: tuple[int, int, float] = (0, 0, 0.0)
) -> dict[str, Any]:
    """A day with the same in each hour before `until`, and `last` in that hour."""
    hours = [
        interval(f"{day}T{hour:02d}:00:00+01:00", *((visits, 3 * visits) if hour < until else (0, 0)))
        for hour in range(24)
    ]
    if until < 24:
        hours[until] = interval(f"{day}T{until:02d}:00:00+01:00", *last)
    return stats("hour", hours)


RATES = ("views_per_visit", "bounce_rate", "visit_duration_seconds")
SUMS = ("visitors", "visits", "pageviews")


@pytest.mark.parametrize("metric", [*SUMS, *RATES])
def test_two_minutes_after_midnight_nothing_has_changed(change: Change, metric: str) -> None:
    today = day_of_hours("2026-11-27", 0, 0, last=(4, 4, 3.0))
    yesterday = day_of_hours("2026-11-26", 24, 100)
    assert change(metric, today, yesterday, "2026-11-27T00:02") is None


@pytest.mark.parametrize("metric", RATES)
def test_rates_leave_out_visits_that_still_go_on(change: Change, metric: str) -> None:
    today = day_of_hours("2026-11-27", 9, 100, last=(90, 91, 2.0))
    yesterday = day_of_hours("2026-11-26", 24, 100)
    assert change(metric, today, yesterday, "2026-11-27T09:58") == pytest.approx(0)


@pytest.mark.parametrize("metric", RATES)
def test_rates_of_an_hour_count_half_an_hour_after_it(change: Change, metric: str) -> None:
    today = day_of_hours("2026-11-27", 1, 100)
    yesterday = day_of_hours("2026-11-26", 24, 100)
    assert change(metric, today, yesterday, "2026-11-27T01:29") is None
    assert change(metric, today, yesterday, "2026-11-27T01:30") == pytest.approx(0)


def test_rates_weigh_each_interval_by_its_visits(change: Change) -> None:
    before = stats("day", [interval("2026-11-23", 10, 10, 10), interval("2026-11-24", 10, 10, 10)])
    now = stats("day", [interval("2026-11-25", 90, 90, 10), interval("2026-11-26", 10, 10, 110)])
    growing = stats("day", [*now["series"], interval("2026-11-27", 500, 500, 1)])
    longer = stats("day", [*before["series"], interval("2026-11-24", 1, 1, 9)])
    clock = "2026-11-27T12:00"
    assert change("visit_duration_seconds", now, before, clock) == pytest.approx(1.0)
    assert change("visit_duration_seconds", growing, longer, clock) == pytest.approx(1.0)


def test_sums_are_cut_at_the_same_hour(change: Change) -> None:
    today = day_of_hours("2026-11-27", 6, 150, last=(7, 7, 1.0))
    yesterday = day_of_hours("2026-11-26", 24, 100)
    assert change("visits", today, yesterday, "2026-11-27T06:03") == pytest.approx(0.5)


def test_a_day_of_25_hours_is_cut_by_the_clock_of_the_wall(change: Change) -> None:
    long_day = day_of_hours("2026-10-25", 24, 100)
    second = interval("2026-10-25T02:00:00+01:00", 100, 300)
    before = stats("hour", [*long_day["series"][:3], second, *long_day["series"][3:]])
    now = day_of_hours("2026-10-26", 3, 100)
    assert change("visits", now, before, "2026-10-26T03:10") == pytest.approx(-0.25)


def test_without_earlier_visits_there_is_no_change(change: Change) -> None:
    today = day_of_hours("2026-11-27", 9, 100)
    nothing = day_of_hours("2026-11-26", 24, 0)
    for metric in (*SUMS, *RATES):
        assert change(metric, today, nothing, "2026-11-27T09:40") is None
        assert change(metric, today, None, "2026-11-27T09:40") is None


PHASES = """
const { pointsOf } = await import("/series.js");
const [interval, starts, clock] = arguments;
const series = starts.map((start) => ({ start: `${start}T00:00:00+01:00` }));
return pointsOf({ interval, series }, clock).map((point) => [point.phase, point.settled]);
"""


@pytest.mark.parametrize(
    ("interval", "starts", "clock", "phases"),
    [
        ("week", ["2026-11-18", "2026-11-23"], "2026-11-29T23:59", ["past", "current"]),
        ("week", ["2026-11-18", "2026-11-23"], "2026-11-30T00:31", ["past", "past"]),
        ("week", ["2026-11-23", "2026-11-30"], "2026-11-29T12:00", ["current", "future"]),
        ("month", ["2026-10-20", "2026-11-01"], "2026-11-01T00:10", ["past", "current"]),
    ],
)
def test_a_week_begins_on_monday_also_where_the_range_does_not(
    ask: Ask, interval: str, starts: list[str], clock: str, phases: list[str]
) -> None:
    points = ask(PHASES, interval, starts, clock)
    assert [phase for phase, _ in points] == phases


def test_an_interval_is_settled_half_an_hour_after_its_end(ask: Ask) -> None:
    for clock, settled in (("2026-11-23T00:29", False), ("2026-11-23T00:30", True)):
        ((_, is_settled),) = ask(PHASES, "week", ["2026-11-16"], clock)
        assert is_settled is settled
