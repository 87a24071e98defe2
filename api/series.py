"""The points of a series: what is counted by the hour, day, week or month of a range of days."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from aggregates.rollup import ZERO, Counters
from aggregates.seal import DAY, Period
from aggregates.window import LocalHour, hour_start, hours_in
from api.days import Range
from api.document import metrics
from api.question import Interval

Document = Callable[[Counters], Mapping[str, Any]]
"""Returns counters as the fields of a point."""

LONGER = {Interval.DAY: Period.DAY, Interval.WEEK: Period.WEEK, Interval.MONTH: Period.MONTH}


def by_hour(
    counted: Mapping[LocalHour, Counters], days: Range, timezone: str, document: Document = metrics
) -> list[dict[str, Any]]:
    """Return a point for each hour of the days, also for those to come."""
    hours = (LocalHour(day, hour) for day in each(days) for hour in range(hours_in(day, timezone)))
    return [point(hour_start(hour, timezone), counted.get(hour, ZERO), document) for hour in hours]


def by_days(
    counted: Mapping[date, Counters],
    days: Range,
    interval: Interval,
    timezone: str,
    document: Document = metrics,
) -> list[dict[str, Any]]:
    """Return a point for each day, week or month that has a day of the range.

    The first one begins with the range.
    """
    period = LONGER[interval]
    sums: dict[date, Counters] = {}
    for day, counters in counted.items():
        first = period.first_day(day)
        sums[first] = sums.get(first, ZERO).plus(counters)
    return [
        point(
            hour_start(LocalHour(max(first, days.first), 0), timezone),
            sums.get(first, ZERO),
            document,
        )
        for first in starts(period, days)
    ]


def point(start: datetime, counters: Counters, document: Document = metrics) -> dict[str, Any]:
    """Return a point of a series."""
    return {"start": start.isoformat(), **document(counters)}


def starts(period: Period, days: Range) -> Iterator[date]:
    """Yield the first day of each day, week or month that has a day of the range."""
    first = period.first_day(days.first)
    while first <= days.last:
        yield first
        first = period.last_day(first) + DAY


def each(days: Range) -> Iterator[date]:
    """Yield the days of a range."""
    return (days.first + passed * DAY for passed in range(days.days))
