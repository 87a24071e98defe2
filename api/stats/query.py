"""Answers for a range of site-local days, from rollups alone."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aggregates.rollup import BREAKDOWNS, ZERO, Counters, Dimension, Rollup, merge
from aggregates.stores.ports import RollupKey, RollupStore, StoredRollup
from aggregates.window import LocalHour, hour_start, hours_in
from api.days import DAYS, max_age, parse_days
from api.document import freshness, metrics, named
from api.endpoint import Answer
from api.problem import ReadProblem
from runtime.problem import ProblemError
from runtime.sites.site import Site

RANGE = DAYS | {"limit"}
"""The parameters that `parse_range` reads."""

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
LIMIT = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True, slots=True)
class StatsRange:
    """Which days are asked for, both ends included, and how many values a breakdown lists."""

    first: date
    last: date
    limit: int = DEFAULT_LIMIT


class StatsQuery:
    """Reads the rollups of a range of days."""

    parameters: ClassVar[frozenset[str]] = RANGE

    def __init__(self, rollups: RollupStore) -> None:
        self._rollups = rollups

    def __call__(self, site: Site, parameters: Mapping[str, str], now: datetime) -> Answer:
        """Answer a request.

        Raises:
            ProblemError: a parameter cannot be used.
        """
        today = now.astimezone(ZoneInfo(site.timezone)).date()
        wanted = parse_range(parameters, today)
        return Answer(self.document(site, wanted), max_age(site, wanted.last, now))

    def document(self, site: Site, wanted: StatsRange) -> dict[str, Any]:
        """Return the answer for a range."""
        items = self._rollups.days(site.generation, site.site_id, wanted.first, wanted.last)
        whole = merge(stored.rollup for _, stored in items)
        hourly = wanted.first == wanted.last
        return {
            "site_id": site.site_id,
            "from": wanted.first.isoformat(),
            "to": wanted.last.isoformat(),
            "timezone": site.timezone,
            **freshness(stored.progress for _, stored in items),
            "interval": "hour" if hourly else "day",
            "totals": metrics(whole.total),
            "series": _hours(site, wanted.first, whole) if hourly else _days(site, wanted, items),
            "breakdowns": {
                dimension.value: _breakdown(whole, dimension, wanted.limit)
                for dimension in BREAKDOWNS
            },
        }


def parse_range(parameters: Mapping[str, str], today: date) -> StatsRange:
    """Read `from`, `to` and `limit`; without dates the range is today.

    Raises:
        ProblemError: one of them cannot be used.
    """
    first, last = parse_days(parameters, today)
    text = parameters.get("limit", str(DEFAULT_LIMIT))
    if not (LIMIT.fullmatch(text) and int(text) <= MAX_LIMIT):
        raise ProblemError(
            422, ReadProblem.BAD_LIMIT, f"limit must be a number from 1 to {MAX_LIMIT}."
        )
    return StatsRange(first, last, int(text))


def _hours(site: Site, day: date, whole: Rollup) -> list[dict[str, Any]]:
    hours = dict(whole.table(Dimension.HOUR))
    return [
        _point(hour_start(LocalHour(day, hour), site.timezone), hours.get(f"{hour:02d}", ZERO))
        for hour in range(hours_in(day, site.timezone))
    ]


def _days(
    site: Site, wanted: StatsRange, items: Iterable[tuple[RollupKey, StoredRollup]]
) -> list[dict[str, Any]]:
    totals: dict[date, Counters] = {}
    for key, stored in items:
        totals[key.day] = totals.get(key.day, ZERO).plus(stored.rollup.total)
    count = (wanted.last - wanted.first).days + 1
    days = (wanted.first + timedelta(days=passed) for passed in range(count))
    return [
        _point(hour_start(LocalHour(day, 0), site.timezone), totals.get(day, ZERO)) for day in days
    ]


def _point(start: datetime, counters: Counters) -> dict[str, Any]:
    return {"start": start.isoformat(), **metrics(counters)}


def _breakdown(whole: Rollup, dimension: Dimension, limit: int) -> list[dict[str, Any]]:
    rows = sorted(
        whole.table(dimension),
        key=lambda row: (-row[1].visitors, -row[1].pageviews, -row[1].events, row[0]),
    )
    return [{**named(value), **metrics(counters)} for value, counters in rows[:limit]]
