"""Answers for a range of site-local days, from rollups alone."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aggregates.listing import Listing, Order
from aggregates.rollup import BREAKDOWNS, ZERO, Counters, Dimension
from aggregates.seal import FIRST_DAY
from aggregates.stores.reading import Counted, Reading
from aggregates.window import LocalHour
from api.days import max_age
from api.document import freshness, metrics, named
from api.endpoint import Answer, encoded
from api.problem import ReadProblem
from api.question import PARAMETERS, Interval, Question, parse_question
from api.series import by_days, by_hour
from runtime.problem import ProblemError
from runtime.sites.site import Site

OF_QUERY = frozenset({"filter", "compare", "goal", "metrics", "breakdowns"})
"""The parameters that `GET /api/query` has besides: no rollup answers them."""


class StatsQuery:
    """Reads the rollups of a range of days."""

    parameters: ClassVar[frozenset[str]] = PARAMETERS | OF_QUERY

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __call__(self, site: Site, parameters: Mapping[str, str], now: datetime) -> Answer:
        """Answer a request.

        Raises:
            ProblemError: a parameter cannot be used.
        """
        refuse_of_query(parameters)
        today = now.astimezone(ZoneInfo(site.timezone)).date()
        asked = parse_question(parameters, today)
        wanted, counted = self._counted(site, asked)

        def make() -> str:
            return encoded(self._document(site, wanted, counted))

        # Of the overview alone: what is searched for differs from one question to the next.
        of = site.generation, site.site_id, site.timezone, wanted
        remembers = wanted.dimension is None
        body = self._reading.remembered(of, counted, make) if remembers else make()
        return Answer(body, max_age(site, wanted.last, now))

    def document(self, site: Site, asked: Question) -> dict[str, Any]:
        """Return the answer to a question.

        Raises:
            ProblemError: of all days there are too many.
        """
        return self._document(site, *self._counted(site, asked))

    def _counted(self, site: Site, asked: Question) -> tuple[Question, Counted]:
        counted = self._reading.days(site.generation, site.site_id, asked.first, asked.last)
        if asked.first != FIRST_DAY:
            return asked, counted
        return asked.begun(first_of(counted.days(), asked.last)), counted

    def _document(self, site: Site, wanted: Question, counted: Counted) -> dict[str, Any]:
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
        return {
            **of_all,
            "interval": wanted.step.value,
            "totals": totals,
            "series": self._series(site, wanted, counted),
            "breakdowns": {
                dimension.value: breakdown(counted.listing(dimension, wanted.limit))
                for dimension in BREAKDOWNS
            },
        }

    def _series(self, site: Site, wanted: Question, counted: Counted) -> list[dict[str, Any]]:
        if wanted.step is Interval.HOUR:
            hours = hours_of(self._reading, site, wanted, counted)
            return by_hour(hours, wanted.range, site.timezone)
        return by_days(counted.days(), wanted.range, wanted.step, site.timezone)


def refuse_of_query(parameters: Mapping[str, str]) -> None:
    """See to it that nothing is asked for that takes single events.

    Raises:
        ProblemError: it is.
    """
    for name in sorted(OF_QUERY):
        if parameters.get(name) is not None:
            raise ProblemError(
                422,
                ReadProblem.FILTER_NEEDS_QUERY,
                f"{name} takes single events: ask GET /api/query with the same parameters.",
            )


def first_of(days: Mapping[date, Counters], default: date) -> date:
    """Return the first day that has numbers: one of which only hits were refused has none."""
    return min((day for day, row in days.items() if row != ZERO), default=default)


def hours_of(
    reading: Reading, site: Site, wanted: Question, counted: Counted
) -> dict[LocalHour, Counters]:
    """Return the hours of a range: those of one day are read already."""
    if wanted.first == wanted.last:
        hours = counted.table(Dimension.HOUR)
        return {LocalHour(wanted.first, int(hour)): row for hour, row in hours.items()}
    return reading.hours(site.generation, site.site_id, wanted.first, wanted.last)


def _page(counted: Counted, wanted: Question, name: str) -> dict[str, Any]:
    order = Order(wanted.sort, wanted.descending)
    listing = counted.listing(Dimension(name), wanted.limit, wanted.offset, wanted.search, order)
    return {
        "dimension": name,
        "values": listing.values,
        "offset": wanted.offset,
        "breakdowns": {name: breakdown(listing)},
    }


def breakdown(listing: Listing) -> list[dict[str, Any]]:
    """Return the rows of a breakdown."""
    return [{**named(value), **metrics(counters)} for value, counters in listing.rows]
