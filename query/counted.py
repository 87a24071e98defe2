"""The answers to one question, each found out when it is asked for."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import update_wrapper
from operator import itemgetter
from typing import Any, Concatenate, ParamSpec, TypeVar

from aggregates.listing import Listing
from aggregates.progress import Progress
from aggregates.rollup import ZERO, Counters, Dimension
from aggregates.value import label_of
from aggregates.window import LocalHour
from query import answers
from query.answers import OF_SLICES, SORTS
from query.conditions import Parameters, column, empty_of, goal_met
from query.database import GoneError
from query.question import MOST_STEPS, OF_EVENTS, OF_VISITS, Goal, check_dimension
from query.session import Session
from runtime.errors import UsageError

TRIES = 4
"""How often everything is looked up anew because a file was gone."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Conversions:
    """What a goal came to."""

    visitors: int = 0
    """By day, with an event that meets it."""
    visits: int = 0
    """That have such an event."""
    conversions: int = 0
    """Such events."""


NO_CONVERSIONS = Conversions()


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many came as far as a step."""

    visitors: int
    visits: int


@dataclass(frozen=True, slots=True)
class Scroll:
    """How far down pages were scrolled, of those of which it was measured."""

    depth: float
    """The mean of the deepest places by visit and page, in percent."""
    read: float
    """The share of those places that are READ_DEPTH or deeper."""


MOST_GATHERED = 2_000_000
"""Events that are kept in memory for several lists of them, a tenth of a kilobyte each."""


def _again(
    method: Callable[Concatenate["CountedEvents", P], T],
) -> Callable[Concatenate["CountedEvents", P], T]:
    """Answer once more where a file was merged or deleted meanwhile."""

    def answered(self: "CountedEvents", /, *args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            try:
                return method(self, *args, **kwargs)
            except GoneError:
                self._renew()
        return method(self, *args, **kwargs)

    update_wrapper(answered, method)
    return answered


class CountedEvents:
    """The answers to one question, for one thread. Whoever lets go of it frees its tables.

    Every method raises RetryableError where the files cannot be read, or too many ask at the same
    time; and UsageError where there is no such dimension.

    Args:
        open_session: makes the tables of the question.
        turn: held while the database works.
    """

    def __init__(
        self,
        open_session: Callable[[], Session],
        turn: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._open_session, self._turn = open_session, turn
        self._session = open_session()
        self._prepared = False
        self._days: dict[date, Counters] | None = None

    @property
    def rows_read(self) -> int:
        """How many events the files have that are looked at."""
        return sum(part.rows for part in self._session.parts)

    @property
    def bytes_read(self) -> int:
        """How many bytes these files have."""
        return self._session.bytes()

    def progresses(self) -> Iterator[Progress]:
        """Return how far each file has come on the stream."""
        for part in self._session.parts:
            yield Progress({}, part.arrived_at, part.written_at)

    def total(self) -> Counters:
        """Return the counters of everything."""
        total = ZERO
        for counters in self.days().values():
            total = total.plus(counters)
        return total

    @_again
    def days(self) -> dict[date, Counters]:
        """Return the counters of each day that has any."""
        if self._days is None:
            self._slice(())
            rows = self._fetch(f"SELECT day, {OF_SLICES} FROM sliced GROUP BY day ORDER BY day")
            found = {date.fromordinal(day): _counters(counts) for day, *counts in rows}
            self._days = {day: counters for day, counters in found.items() if counters != ZERO}
        return dict(self._days)

    @_again
    def hours(self) -> dict[LocalHour, Counters]:
        """Return the counters of each hour that has any."""
        self._slice(())
        sql = f"SELECT day, hour, {OF_SLICES} FROM sliced GROUP BY ALL ORDER BY day, hour"
        found = {
            LocalHour(date.fromordinal(day), hour): _counters(counts)
            for day, hour, *counts in self._fetch(sql)
        }
        return {hour: counters for hour, counters in found.items() if counters != ZERO}

    @_again
    def listing(
        self,
        dimension: str,
        limit: int | None,
        offset: int = 0,
        search: str = "",
        sort: str = "visitors",
        *,
        descending: bool = True,
    ) -> Listing:
        """Rank the values of a dimension by a metric; equal ones as `aggregates.listing` does.

        Args:
            dimension: of visits or events, or a property.
            limit: how many values are listed; None: all.
            offset: how many of the ranking are passed over.
            search: what is in the values that are ranked, in capitals or not.
            sort: one of SORTS. Values without the metric come last.
            descending: whether the largest come first.

        Raises:
            UsageError: there is no such dimension or metric.
        """
        if sort not in SORTS:
            raise UsageError(f"there is no metric {sort!a} to rank by")
        self._slice((dimension,))
        parameters, listed = Parameters(), "TRUE"
        if search:
            listed = answers.wanted(dimension, self._found(dimension, search), parameters)
        order = answers.ranked(sort, descending=descending)
        sql = answers.top(
            self._values(dimension, parameters, listed),
            order,
            parameters.put(limit),
            parameters.put(offset),
        )
        rows = self._fetch(sql, parameters)
        values = rows[0][0] if rows else 0
        if not rows and offset:
            ((values,),) = self._fetch(
                f"SELECT count(*) FROM ({self._values(dimension, parameters, listed)})", parameters
            )
        return Listing(_named(dimension, [row[2:] for row in rows]), values)

    @_again
    def listings(self, dimensions: Sequence[str], limit: int | None) -> dict[str, Listing]:
        """Rank the values of several dimensions at once, by visitors.

        Args:
            dimensions: of visits or events, or properties.
            limit: how many values of each are listed; None: all.
        """
        if not dimensions:
            return {}
        self._slice(dimensions)
        if len(OF_EVENTS.intersection(dimensions)) > 1 and self.total().hits <= MOST_GATHERED:
            with self._turn():
                self._session.gather()
        parameters, order = Parameters(), answers.ranked("visitors", descending=True)
        least = parameters.put(0), parameters.put(limit)
        selects = [
            answers.top(self._values(name, parameters), order, least[1], least[0])
            for name in dimensions
        ]
        found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in dimensions}
        for number, *row in self._fetch(answers.side_by_side(selects), parameters):
            found[dimensions[number]].append(tuple(row))
        return {
            name: Listing(
                _named(name, [row[2:] for row in sorted(rows, key=itemgetter(1))]),
                rows[0][0] if rows else 0,
            )
            for name, rows in found.items()
        }

    def rows(self, dimension: str, values: Collection[str]) -> dict[str, Counters]:
        """Return the counters of some values; those that are not there are left out."""
        return self.rows_of({dimension: values})[dimension]

    @_again
    def rows_of(self, wanted: Mapping[str, Collection[str]]) -> dict[str, dict[str, Counters]]:
        """Return the same of some values of several dimensions at once."""
        if not wanted:
            return {}
        self._slice(wanted)
        parameters, names = Parameters(), list(wanted)
        selects = [
            self._values(name, parameters, answers.wanted(name, values, parameters))
            for name, values in wanted.items()
        ]
        found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in names}
        for number, *row in self._fetch(answers.side_by_side(selects), parameters):
            found[names[number]].append(tuple(row))
        return {name: dict(_named(name, rows)) for name, rows in found.items()}

    def event_names(self, limit: int) -> list[tuple[str, int]]:
        """Return the names of custom events that are counted, and how often each is."""
        listing = self.listing(Dimension.EVENT, limit, sort="events")
        return [(value, counters.events) for value, counters in listing.rows]

    @_again
    def property_names(self, limit: int) -> list[tuple[str, int]]:
        """Return the names of properties of counted events, and how many events have each."""
        parameters = Parameters()
        rows = self._fetch(
            "SELECT name, count(*) FROM"
            f" (SELECT unnest(map_keys(props)) AS name FROM {self._counted(parameters)})"
            f" GROUP BY name ORDER BY count(*) DESC, name LIMIT {parameters.put(limit)}",
            parameters,
        )
        return [(name, events) for name, events in rows]

    def scroll(self) -> Scroll | None:
        """Return how far down pages were scrolled; None: it was measured nowhere."""
        return self.scrolls("", ()).get("")

    @_again
    def scrolls(self, dimension: str, values: Collection[str]) -> dict[str, Scroll]:
        """Return the same of some values of a dimension; without one, of everything, as ""."""
        parameters = Parameters()
        value, wanted = _value(dimension, values, parameters)
        source = self._counted(parameters)
        rows = self._fetch(answers.scrolls(value, source, wanted), parameters)
        return {_name(dimension, found): Scroll(depth, read) for found, depth, read in rows}

    def revenue(self) -> dict[str, Decimal]:
        """Return the revenue of counted events by currency."""
        return self.revenues("", ()).get("", {})

    @_again
    def revenues(
        self, dimension: str, values: Collection[str], goal: Goal | None = None
    ) -> dict[str, dict[str, Decimal]]:
        """Return the revenue by some values of a dimension, and by currency.

        Args:
            dimension: of visits or events, or a property; empty: of everything, as "".
            values: of it.
            goal: only of events that meet it; None: of all.
        """
        parameters = Parameters()
        value, wanted = _value(dimension, values, parameters)
        source = self._counted(parameters) if goal is None else self._met(goal, parameters)
        rows = self._fetch(answers.revenues(value, source, wanted), parameters)
        found: dict[str, dict[str, Decimal]] = {}
        for one, currency, amount in rows:
            found.setdefault(_name(dimension, one), {})[currency] = amount
        return found

    @_again
    def conversions(
        self, goal: Goal, dimension: str = "", values: Collection[str] = ()
    ) -> dict[str, Conversions]:
        """Return what a goal came to, for some values of a dimension; without one, as "".

        Of a value: the events that meet the goal of visits that have the value or, of an event's
        dimension, a counted event with it.
        """
        parameters = Parameters()
        value, wanted = _value(dimension, values, parameters)
        source = f"SELECT {value} AS value, * FROM {self._met(goal, parameters)}"
        if dimension and dimension not in OF_VISITS:
            source = f"""
                SELECT value, met.* FROM {self._met(goal, parameters)} AS met JOIN (
                    SELECT DISTINCT visitor_id, visit_started_at, {value} AS value
                    FROM {self._counted(parameters)} WHERE {answers.kind_of(dimension)}
                ) USING (visitor_id, visit_started_at)"""
        sql = answers.conversions(f"SELECT * FROM ({source}) WHERE {wanted}", "value")
        rows = self._fetch(sql, parameters)
        return {_name(dimension, found): Conversions(*counts) for found, *counts in rows}

    @_again
    def conversion_days(self, goal: Goal) -> dict[date, Conversions]:
        """Return what a goal came to on each day on which an event meets it."""
        parameters = Parameters()
        rows = self._fetch(answers.conversions(self._met(goal, parameters), "day"), parameters)
        return {date.fromordinal(day): Conversions(*counts) for day, *counts in rows}

    @_again
    def conversion_hours(self, goal: Goal) -> dict[LocalHour, Conversions]:
        """Return what a goal came to in each hour in which an event meets it."""
        parameters = Parameters()
        sql = answers.conversions(self._met(goal, parameters), "day * 100 + hour")
        return {
            LocalHour(date.fromordinal(key // 100), key % 100): Conversions(*counts)
            for key, *counts in self._fetch(sql, parameters)
        }

    @_again
    def funnel(self, steps: Sequence[Goal]) -> list[FunnelStep]:
        """Return how many visits did some things one after another, as far as each step.

        Of visits that begin in the range. Each step is an event behind that of the step before.

        Raises:
            UsageError: there are fewer than 2 steps, or too many.
        """
        if not 2 <= len(steps) <= MOST_STEPS:  # noqa: PLR2004 - one step is a goal
            raise UsageError(f"a funnel has 2 to {MOST_STEPS} steps")
        self._prepare()
        parameters = Parameters()
        source = self._session.kept_events(parameters, opened=True)
        rows = self._fetch(answers.funnel(steps, source, parameters), parameters)
        return [FunnelStep(visitors, visits) for _, visits, visitors in rows]

    def close(self) -> None:
        """Free the tables at once."""
        self._session.close()

    def _met(self, goal: Goal, parameters: Parameters) -> str:
        """Return what gives the events of kept visits that meet a goal, in the range."""
        self._prepare()
        met = goal_met(goal, parameters)
        return f"(SELECT * FROM {self._session.kept_events(parameters)} WHERE {met})"

    def _counted(self, parameters: Parameters, *, narrow: bool = False) -> str:
        """Return what gives the counted events."""
        self._prepare()
        return self._session.counted(parameters, narrow=narrow)

    def _values(self, dimension: str, parameters: Parameters, wanted: str = "TRUE") -> str:
        """Return what gives the values of a dimension with their counters."""
        source = ""
        if dimension not in OF_VISITS:
            source = self._counted(parameters, narrow=dimension in OF_EVENTS)
        return answers.values_of(dimension, source, parameters, wanted)

    def _found(self, dimension: str, search: str) -> list[str]:
        """Return the values in which a text is: as `aggregates.listing` looks for it."""
        parameters, wanted = Parameters(), search.casefold()
        rows = self._fetch(f"SELECT value FROM ({self._values(dimension, parameters)})", parameters)
        names = (_name(dimension, value) for (value,) in rows)
        return [name for name in names if wanted in label_of(name).casefold()]

    def _slice(self, dimensions: Collection[str]) -> None:
        """See to it that visits can be listed by these dimensions."""
        for dimension in dimensions:
            check_dimension(dimension)
        self._prepare()
        with self._turn():
            self._session.slice(dimensions)

    def _prepare(self) -> None:
        if not self._prepared:
            with self._turn():
                self._session.prepare()
            self._prepared = True

    def _renew(self) -> None:
        self._session.close()
        self._session, self._prepared = self._open_session(), False
        self._days = None

    def _fetch(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        self._prepare()
        with self._turn():
            return self._session.fetch(sql, parameters)


def _value(dimension: str, values: Collection[str], parameters: Parameters) -> tuple[str, str]:
    """Return the SQL of a dimension's value, and of which values are wanted."""
    if not dimension:
        return "''", "TRUE"
    check_dimension(dimension)
    return column(dimension, parameters), answers.wanted(dimension, values, parameters)


def _name(dimension: str, value: str | None) -> str:
    return empty_of(dimension) if value is None else value


def _named(dimension: str, rows: Sequence[tuple[Any, ...]]) -> list[tuple[str, Counters]]:
    return [(_name(dimension, value), _counters(counts)) for value, *counts in rows]


def _counters(counts: Sequence[Any]) -> Counters:
    return Counters(*(int(count or 0) for count in counts))
