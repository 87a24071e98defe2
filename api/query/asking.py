"""Answers every question about days: from rollups where they are exact, else from events.

Rollups hold whole days by dimension. Filters, properties and goals, and a day of which only a part
counts, take the single events.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from aggregates.listing import Listing, Order
from aggregates.rollup import ZERO
from aggregates.seal import DAY, FIRST_DAY
from aggregates.stores.reading import Reading
from aggregates.window import LocalHour, local_hour
from api.days import Range
from api.document import freshness
from api.query.asked import GROWTH, Asked
from api.query.comparison import Comparison, comparison_in
from api.query.growth import grown
from api.query.numbers import CutNumbers, EventNumbers, Numbers, RollupNumbers
from api.query.side import Side
from api.question import Interval, Question
from query.counted import CountedEvents
from query.engine import QueryEngine
from query.question import Question as EventQuestion
from runtime.sites.site import Site


class Source(StrEnum):
    """What answered."""

    ROLLUPS = "rollups"
    EVENTS = "events"
    BOTH = "both"


class Reason(StrEnum):
    """Why there is no comparison."""

    NO_EARLIER_DATA = "no_earlier_data"
    """There are no numbers on the days to compare with."""
    NOT_READY = "not_ready"
    """Of the day to compare with that is cut, not all events can be asked yet."""


class Sides(NamedTuple):
    """What is asked for, and what it is compared with."""

    question: Question
    side: Side
    comparison: Comparison | None
    earlier: Side | None
    """None: nothing is compared, or cannot be."""
    reason: Reason | None = None
    """Why what is asked for cannot be compared."""

    @property
    def last(self) -> date:
        """The last day that the answer is about."""
        last = self.question.last
        return last if self.comparison is None else max(last, self.comparison.days.last)


class Asking:
    """Answers one question.

    Args:
        reading: of the rollups.
        engine: gives what asks the raw events.
        site: whose numbers.
        asked: the question.
    """

    def __init__(
        self, reading: Reading, engine: Callable[[], QueryEngine], site: Site, asked: Asked
    ) -> None:
        self._reading, self._engine, self._site, self._asked = reading, engine, site, asked
        self._rollups = False
        self._known: dict[tuple[Range, datetime | None], CountedEvents] = {}

    def read(self) -> dict[str, Any]:
        """Return what was read: rollups, or so many rows and bytes of events."""
        counted = self._known.values()
        source = Source.EVENTS if counted else Source.ROLLUPS
        if counted and self._rollups:
            source = Source.BOTH
        return {
            "engine": source.value,
            "rows": sum(one.rows_read for one in counted),
            "bytes": sum(one.bytes_read for one in counted),
        }

    def close(self) -> None:
        """Free what the raw events took."""
        for counted in self._known.values():
            counted.close()

    def sides(self, now: datetime) -> Sides:
        """Return what is asked for, and what it is compared with.

        Args:
            now: the time, in the site's time zone.

        Raises:
            ProblemError: the question cannot be answered.
        """
        question = self._begun(self._asked.question)
        comparison = comparison_in(self._asked.compare, question.range, now)
        side = self._side(question.range)
        if comparison is None:
            return Sides(question, side, None, None)
        earlier = self._earlier(comparison)
        if isinstance(earlier, Reason):
            return Sides(question, side, comparison, None, earlier)
        return Sides(question, side, comparison, earlier)

    def heading(self, sides: Sides) -> dict[str, Any]:
        """Return what every answer begins with."""
        return {
            "site_id": self._site.site_id,
            "from": sides.question.first.isoformat(),
            "to": sides.question.last.isoformat(),
            "timezone": self._site.timezone,
            **freshness(sides.side.numbers.progresses()),
        }

    def document(self, sides: Sides) -> dict[str, Any]:
        """Return the answer."""
        return {
            **self.heading(sides),
            "totals": sides.side.totals(),
            **_body(sides, self._asked.breakdowns),
            **self._compared(sides),
        }

    def _begun(self, question: Question) -> Question:
        if question.first != FIRST_DAY:
            return question
        days = RollupNumbers(self._reading, self._site, question.range).days()
        return question.begun(min(days, default=question.last))

    def _earlier(self, comparison: Comparison) -> Side | Reason:
        """Return what is compared with, or why it cannot be."""
        if not RollupNumbers(self._reading, self._site, comparison.days).days():
            return Reason.NO_EARLIER_DATA
        side, until = self._side(comparison.days, comparison.until), comparison.until
        is_added = until is not None and not self._asked.needs_events
        if until is not None and is_added and not self._has_come(comparison.days.last, until):
            return Reason.NOT_READY
        return side

    def _has_come(self, day: date, until: datetime) -> bool:
        """Say whether of a day that is cut there are as many events as rollups count.

        Files are written after rollups: until they are, such a day would come out too small.
        """
        cut, days = self._hour_of(until), Range(day, day)
        counted = RollupNumbers(self._reading, self._site, days).hours()
        found = self._events(days, until).hours()
        return all(
            found.get(hour, ZERO).hits >= row.hits for hour, row in counted.items() if hour < cut
        )

    def _hour_of(self, moment: datetime) -> LocalHour:
        return local_hour(int(moment.timestamp() * 1000), self._site.timezone)

    def _side(self, days: Range, until: datetime | None = None) -> Side:
        def count() -> CountedEvents:
            return self._events(days, until)

        return Side(self._asked, days, self._numbers(days, until), count, self._site.timezone)

    def _numbers(self, days: Range, until: datetime | None) -> Numbers:
        if self._asked.needs_events:
            return EventNumbers(self._events(days, until))
        self._rollups = True
        if until is None:
            return RollupNumbers(self._reading, self._site, days)
        cut = EventNumbers(self._events(Range(days.last, days.last), until))
        if days.days == 1:
            return CutNumbers(None, cut)
        whole = RollupNumbers(self._reading, self._site, days._replace(last=days.last - DAY))
        return CutNumbers(whole, cut)

    def _events(self, days: Range, until: datetime | None) -> CountedEvents:
        known = self._known.get((days, until))
        if known is not None:
            return known
        question = EventQuestion(
            site=self._site,
            first=days.first,
            last=days.last,
            until=until,
            conditions=self._asked.filters.conditions,
            reached=self._asked.filters.reached,
            listed=self._asked.listed,
        )
        counted = self._engine().counted(question)
        self._known[days, until] = counted
        return counted

    def _compared(self, sides: Sides) -> dict[str, Any]:
        question, _, comparison, earlier, _ = sides
        if comparison is None or earlier is None:
            return compared(sides)
        found = {**range_of(comparison), "totals": earlier.totals()}
        if question.dimension is None:
            found["series"] = self._earlier_series(question, comparison.until, earlier)
        return {"comparison": found}

    def _earlier_series(
        self, question: Question, until: datetime | None, earlier: Side
    ) -> list[dict[str, Any]]:
        """Return the points to compare with: cut where the range is, and what came after that."""
        if question.step is not Interval.HOUR or until is None:
            return earlier.series(question.step)
        cut = self._hour_of(until)
        later = self._side(Range(cut.day, cut.day)).numbers.hours()
        hours = {hour: row for hour, row in later.items() if hour > cut} | {
            hour: row for hour, row in earlier.numbers.hours().items() if hour <= cut
        }
        return earlier.by_hour(hours)


def compared(sides: Sides) -> dict[str, Any]:
    """Return what an answer says of its comparison: which days, or why there is none."""
    if sides.comparison is None:
        return {}
    if sides.reason is not None:
        return {"comparison": None, "comparison_reason": sides.reason.value}
    return {"comparison": range_of(sides.comparison)}


def range_of(comparison: Comparison) -> dict[str, Any]:
    """Return which days are compared with."""
    until = comparison.until
    return {
        "mode": comparison.mode,
        "from": comparison.days.first.isoformat(),
        "to": comparison.days.last.isoformat(),
        "until": until and until.isoformat(timespec="seconds"),
    }


def _body(sides: Sides, breakdowns: Sequence[str]) -> dict[str, Any]:
    question, side = sides.question, sides.side
    if question.dimension is not None:
        name = question.dimension
        listing = _listing(question, name, side, sides.earlier)
        return {
            "dimension": name,
            "values": listing.values,
            "offset": question.offset,
            "breakdowns": _rows({name: listing}, sides, is_only=True),
        }
    listings = side.numbers.listings(breakdowns, question.limit)
    return {
        "interval": question.step.value,
        "series": side.series(question.step),
        "breakdowns": _rows(listings, sides, is_only=False),
    }


def _rows(
    listings: Mapping[str, Listing], sides: Sides, *, is_only: bool
) -> dict[str, list[dict[str, Any]]]:
    found = {
        name: sides.side.rows(name, listing, is_only=is_only) for name, listing in listings.items()
    }
    if sides.earlier is None:
        return found
    before = sides.earlier.before(listings, is_only=is_only)
    return {
        name: [{**row, "before": old} for row, old in zip(rows, before[name], strict=True)]
        for name, rows in found.items()
    }


def _listing(question: Question, dimension: str, side: Side, earlier: Side | None) -> Listing:
    numbers = side.numbers
    if question.sort != GROWTH:
        order = Order(question.sort, question.descending)
        return numbers.listing(dimension, question.limit, question.offset, question.search, order)
    now = numbers.listing(dimension, None, 0, question.search)
    old = (
        [] if earlier is None else earlier.numbers.listing(dimension, None, 0, question.search).rows
    )
    return grown(
        dict(now.rows),
        dict(old),
        limit=question.limit,
        offset=question.offset,
        descending=question.descending,
    )
