"""Answers `GET /api/query`, and what its questions have in common with those about goals."""

from collections.abc import Callable
from datetime import date, datetime
from time import perf_counter
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aggregates.stores.reading import Reading
from api.days import max_age
from api.endpoint import Answer, encoded
from api.parameters import Parameters
from api.query.asked import OF_QUERY, Asked, parse_asked
from api.query.asking import Asking, Sides
from api.question import PARAMETERS
from query.engine import QueryEngine
from runtime.sites.goals import goals_of
from runtime.sites.site import Site


class Answering:
    """Asks rollups and raw events, and tells how.

    Args:
        reading: of the rollups.
        engine: gives what asks the raw events, at the first question that needs it.
        clock: seconds, for `milliseconds`.
    """

    def __init__(
        self,
        reading: Reading,
        engine: Callable[[], QueryEngine],
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._reading, self._engine, self._clock = reading, engine, clock

    def answer(
        self,
        site: Site,
        now: datetime,
        parse: Callable[[date], Asked],
        document: Callable[[Asking, Sides], dict[str, Any]],
    ) -> Answer:
        """Answer a question.

        Args:
            site: whose numbers.
            now: the time.
            parse: reads the question, for a day that is today.
            document: makes the answer.

        Raises:
            ProblemError: the question cannot be answered.
        """
        began = self._clock()
        local = now.astimezone(ZoneInfo(site.timezone))
        asking = Asking(self._reading, self._engine, site, parse(local.date()))
        try:
            sides = asking.sides(local)
            found = document(asking, sides)
        finally:
            asking.close()
        meta = {**asking.read(), "milliseconds": round((self._clock() - began) * 1000, 1)}
        return Answer(encoded(found), max_age(site, sides.last, now), meta)


class QueryQuery(Answering):
    """Answers `GET /api/query`."""

    parameters: ClassVar[frozenset[str]] = PARAMETERS | OF_QUERY

    def __call__(self, site: Site, parameters: Parameters, now: datetime) -> Answer:
        """Answer a request.

        Raises:
            ProblemError: a parameter cannot be used.
        """
        goals = goals_of(site.goals)
        return self.answer(
            site,
            now,
            lambda today: parse_asked(parameters, today, goals),
            lambda asking, sides: asking.document(sides),
        )
