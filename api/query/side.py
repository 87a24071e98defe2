"""One side of an answer: the numbers of a range of days, with what only single events know."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

from aggregates.listing import Listing
from aggregates.rollup import Counters
from aggregates.window import LocalHour
from api.days import Range
from api.document import metrics, named, ratio
from api.query.asked import Asked, Metric
from api.query.goals import goal_of
from api.query.numbers import Numbers
from api.question import Interval
from api.series import by_days, by_hour
from query.counted import NO_CONVERSIONS, Conversions, CountedEvents, Scroll

Row = dict[str, Any]


class Side:
    """The numbers of a range of days.

    Args:
        asked: the question.
        days: the range.
        numbers: what is counted of it.
        count: asks its single events.
        timezone: where its days begin.
    """

    def __init__(
        self,
        asked: Asked,
        days: Range,
        numbers: Numbers,
        count: Callable[[], CountedEvents],
        timezone: str,
    ) -> None:
        self.days, self.numbers = days, numbers
        self._asked, self._count, self._timezone = asked, count, timezone

    @cached_property
    def events(self) -> CountedEvents:
        """The single events of these days."""
        return self._count()

    def totals(self) -> Row:
        """Return the metrics of everything."""
        return self._document("", [("", self.numbers.total())])[0]

    def rows(self, dimension: str, listing: Listing, *, is_only: bool) -> list[Row]:
        """Return the metrics of the values of a dimension, and the values.

        Args:
            dimension: of which.
            listing: the values with their counters.
            is_only: whether no other dimension is asked for.
        """
        rows = self._document(dimension, listing.rows, is_only=is_only)
        return [{**named(value), **row} for (value, _), row in zip(listing.rows, rows, strict=True)]

    def before(self, listings: Mapping[str, Listing], *, is_only: bool) -> dict[str, list[Row]]:
        """Return the metrics that listed values have on this side, by dimension."""
        wanted = {name: [value for value, _ in one.rows] for name, one in listings.items()}
        found = self.numbers.rows_of(wanted)
        return {
            name: self._document(
                name, [(value, found[name][value]) for value in values], is_only=is_only
            )
            for name, values in wanted.items()
        }

    def series(self, interval: Interval) -> list[Row]:
        """Return the points of the series."""
        if interval is Interval.HOUR:
            return self.by_hour(self.numbers.hours())
        points = by_days(self.numbers.days(), self.days, interval, self._timezone)
        if self._asked.goal is None:
            return points
        reached = {
            day: _as_counters(one)
            for day, one in self.events.conversion_days(goal_of(self._asked.goal)).items()
        }
        counted = by_days(reached, self.days, interval, self._timezone, _converted)
        return _with_rates(points, counted)

    def by_hour(self, hours: Mapping[LocalHour, Counters]) -> list[Row]:
        """Return the points of these hours."""
        points = by_hour(hours, self.days, self._timezone)
        if self._asked.goal is None:
            return points
        found = self.events.conversion_hours(goal_of(self._asked.goal))
        reached = {hour: _as_counters(one) for hour, one in found.items()}
        counted = by_hour(reached, self.days, self._timezone, _converted)
        return _with_rates(points, counted)

    def _document(
        self, dimension: str, counted: Sequence[tuple[str, Counters]], *, is_only: bool = True
    ) -> list[Row]:
        rows = [metrics(counters) for _, counters in counted]
        values = [value for value, _ in counted] if dimension else []
        keys = values or [""]
        if not counted:
            return rows
        wanted = self._asked.metrics if is_only else frozenset()
        if wanted & {Metric.SCROLL_DEPTH, Metric.READ_RATE}:
            found_scrolls = self.events.scrolls(dimension, values)
            _join(rows, (_scrolled(found_scrolls.get(key), wanted) for key in keys))
        if Metric.REVENUE in wanted:
            money = self.events.revenues(dimension, values)
            _join(rows, ({"revenue": amounts(money.get(key, {}))} for key in keys))
        if self._asked.goal is not None:
            goal = goal_of(self._asked.goal)
            found = self.events.conversions(goal, dimension, values)
            reached = (found.get(key, NO_CONVERSIONS) for key in keys)
            _join(rows, (_with_rate(one, row) for one, row in zip(reached, rows, strict=True)))
        return rows


def amounts(money: Mapping[str, Decimal]) -> dict[str, str]:
    """Return sums of money by currency, as decimal numbers in text."""
    return {currency: f"{amount:f}" for currency, amount in money.items()}


def _join(rows: Sequence[Row], more: Iterable[Row]) -> None:
    for row, added in zip(rows, more, strict=True):
        row.update(added)


def _scrolled(scroll: Scroll | None, wanted: Collection[Metric]) -> Row:
    row = {
        Metric.SCROLL_DEPTH: None if scroll is None else round(scroll.depth, 2),
        Metric.READ_RATE: None if scroll is None else round(scroll.read, 4),
    }
    return {name.value: number for name, number in row.items() if name in wanted}


def _with_rate(reached: Conversions, row: Row) -> Row:
    return {
        "conversions": reached.conversions,
        "conversion_rate": ratio(reached.visitors, row["visitors"]),
    }


def _as_counters(reached: Conversions) -> Counters:
    """Return conversions as counters, which a series adds up."""
    return Counters(visitors=reached.visitors, events=reached.conversions)


def _converted(counters: Counters) -> Row:
    return {"conversions": counters.events, "converted": counters.visitors}


def _with_rates(points: Sequence[Row], counted: Sequence[Row]) -> list[Row]:
    return [
        {
            **point,
            "conversions": one["conversions"],
            "conversion_rate": ratio(one["converted"], point["visitors"]),
        }
        for point, one in zip(points, counted, strict=True)
    ]
