"""Answers for a range of site-local days, from rollups alone."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aggregates.listing import Listing
from aggregates.rollup import BREAKDOWNS, ZERO, Counters, Dimension
from aggregates.stores.reading import Counted, Reading
from aggregates.window import LocalHour, hour_start, hours_in
from api.days import DAYS, max_age, parse_days
from api.document import freshness, metrics, named
from api.endpoint import Answer, encoded
from api.problem import ReadProblem
from runtime.problem import ProblemError
from runtime.sites.site import Site

OF_DIMENSION = frozenset({"offset", "search"})
"""The parameters that need `dimension`."""

PARAMETERS = DAYS | {"limit", "dimension"} | OF_DIMENSION
"""The parameters that `parse_question` reads."""

MOST_DAYS_BY_DAY = 366
"""Of a range whose series is by day; one of a longer range is by month."""

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_OFFSET = 1_000_000
MAX_SEARCH = 300
"""Characters: no value has more bytes."""

NUMBER = re.compile(r"0|[1-9][0-9]{0,6}")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for."""

    first: date
    last: date
    """The range of days, both ends included."""
    limit: int = DEFAULT_LIMIT
    """How many values a breakdown lists."""
    dimension: Dimension | None = None
    """Of the one breakdown that is asked for; None: an overview of all."""
    offset: int = 0
    """How many of its values are passed over."""
    search: str = ""
    """What is in the values that are listed."""


class StatsQuery:
    """Reads the rollups of a range of days."""

    parameters: ClassVar[frozenset[str]] = PARAMETERS

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __call__(self, site: Site, parameters: Mapping[str, str], now: datetime) -> Answer:
        """Answer a request.

        Raises:
            ProblemError: a parameter cannot be used.
        """
        today = now.astimezone(ZoneInfo(site.timezone)).date()
        wanted = parse_question(parameters, today)
        counted = self._counted(site, wanted)

        def make() -> str:
            return encoded(_document(site, wanted, counted))

        # Of the overview alone: what is searched for differs from one question to the next.
        of = site.generation, site.site_id, site.timezone, wanted
        remembers = wanted.dimension is None
        body = self._reading.remembered(of, counted, make) if remembers else make()
        return Answer(body, max_age(site, wanted.last, now))

    def document(self, site: Site, wanted: Question) -> dict[str, Any]:
        """Return the answer to a question."""
        return _document(site, wanted, self._counted(site, wanted))

    def _counted(self, site: Site, wanted: Question) -> Counted:
        return self._reading.days(site.generation, site.site_id, wanted.first, wanted.last)


def parse_question(parameters: Mapping[str, str], today: date) -> Question:
    """Read what is asked for; without dates the range is today.

    Raises:
        ProblemError: a parameter cannot be used.
    """
    first, last = parse_days(parameters, today)
    limit = _number(parameters, "limit", DEFAULT_LIMIT, (1, MAX_LIMIT), ReadProblem.BAD_LIMIT)
    dimension = _dimension(parameters)
    if dimension is None:
        for name in sorted(OF_DIMENSION):
            if parameters.get(name) is not None:
                raise ProblemError(
                    422,
                    ReadProblem.DIMENSION_MISSING,
                    f"{name} is of one breakdown: add dimension, such as dimension=page.",
                )
    offset = _number(parameters, "offset", 0, (0, MAX_OFFSET), ReadProblem.BAD_OFFSET)
    search = parameters.get("search", "")
    if len(search) > MAX_SEARCH:
        raise ProblemError(
            422, ReadProblem.BAD_SEARCH, f"search has at most {MAX_SEARCH} characters."
        )
    return Question(first, last, limit, dimension, offset, search)


def _number(
    parameters: Mapping[str, str],
    name: str,
    default: int,
    bounds: tuple[int, int],
    problem: ReadProblem,
) -> int:
    text = parameters.get(name, str(default))
    least, most = bounds
    if not (NUMBER.fullmatch(text) and least <= int(text) <= most):
        raise ProblemError(422, problem, f"{name} must be a number from {least} to {most}.")
    return int(text)


def _dimension(parameters: Mapping[str, str]) -> Dimension | None:
    name = parameters.get("dimension")
    if name is None:
        return None
    dimension = next((one for one in BREAKDOWNS if one.value == name), None)
    if dimension is None:
        raise ProblemError(
            422,
            ReadProblem.UNKNOWN_DIMENSION,
            f"dimension must be one of {', '.join(BREAKDOWNS)}.",
        )
    return dimension


def _document(site: Site, wanted: Question, counted: Counted) -> dict[str, Any]:
    of_all = {
        "site_id": site.site_id,
        "from": wanted.first.isoformat(),
        "to": wanted.last.isoformat(),
        "timezone": site.timezone,
        **freshness(counted.progresses()),
    }
    totals = metrics(counted.total())
    if wanted.dimension is not None:
        return {**of_all, "totals": totals, **_page(counted, wanted, wanted.dimension)}
    interval, series = _series(wanted)
    return {
        **of_all,
        "interval": interval,
        "totals": totals,
        "series": series(site, wanted, counted),
        "breakdowns": {
            dimension.value: _breakdown(counted.listing(dimension, wanted.limit))
            for dimension in BREAKDOWNS
        },
    }


def _page(counted: Counted, wanted: Question, dimension: Dimension) -> dict[str, Any]:
    listing = counted.listing(dimension, wanted.limit, wanted.offset, wanted.search)
    return {
        "dimension": dimension.value,
        "values": listing.values,
        "offset": wanted.offset,
        "breakdowns": {dimension.value: _breakdown(listing)},
    }


Series = Callable[[Site, Question, Counted], list[dict[str, Any]]]


def _series(wanted: Question) -> tuple[str, Series]:
    """Return the step of a range's series, and what makes it."""
    if wanted.first == wanted.last:
        return "hour", _hours
    is_long = (wanted.last - wanted.first).days >= MOST_DAYS_BY_DAY
    return ("month", _months) if is_long else ("day", _days)


def _hours(site: Site, wanted: Question, counted: Counted) -> list[dict[str, Any]]:
    hours = counted.table(Dimension.HOUR)
    day = wanted.first
    return [
        _point(hour_start(LocalHour(day, hour), site.timezone), hours.get(f"{hour:02d}", ZERO))
        for hour in range(hours_in(day, site.timezone))
    ]


def _days(site: Site, wanted: Question, counted: Counted) -> list[dict[str, Any]]:
    totals = counted.days()
    count = (wanted.last - wanted.first).days + 1
    days = (wanted.first + timedelta(days=passed) for passed in range(count))
    return [
        _point(hour_start(LocalHour(day, 0), site.timezone), totals.get(day, ZERO)) for day in days
    ]


def _months(site: Site, wanted: Question, counted: Counted) -> list[dict[str, Any]]:
    totals: dict[date, Counters] = {}
    for day, counters in counted.days().items():
        month = day.replace(day=1)
        totals[month] = totals.get(month, ZERO).plus(counters)
    return [
        _point(
            hour_start(LocalHour(max(month, wanted.first), 0), site.timezone),
            totals.get(month, ZERO),
        )
        for month in months_in(wanted.first, wanted.last)
    ]


def months_in(first: date, last: date) -> Iterator[date]:
    """Yield the first day of each month of a range of days."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = (month + timedelta(days=31)).replace(day=1)


def _point(start: datetime, counters: Counters) -> dict[str, Any]:
    return {"start": start.isoformat(), **metrics(counters)}


def _breakdown(listing: Listing) -> list[dict[str, Any]]:
    return [{**named(value), **metrics(counters)} for value, counters in listing.rows]
