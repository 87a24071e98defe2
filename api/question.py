"""What a reader may ask of a range of days, read from the parameters of a request.

`GET /api/stats` answers it from rollups alone; `GET /api/query` has more parameters beside these.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from aggregates.measure import MEASURES, OF_VISITS
from aggregates.rollup import BREAKDOWNS, Dimension
from aggregates.seal import FIRST_DAY
from api.days import MAX_DAYS, RANGE, Range, parse_range, too_long
from api.problem import ReadProblem
from runtime.problem import ProblemError

OF_DIMENSION = frozenset({"offset", "search", "sort"})
"""The parameters that need `dimension`."""

PARAMETERS = RANGE | {"interval", "limit", "dimension"} | OF_DIMENSION
"""The parameters that `parse_question` reads."""

MOST_DAYS_BY_HOUR = 31
MOST_DAYS_BY_DAY = 366
"""Of a range whose series is by day; one of a longer range is by month, if nothing is said."""

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_OFFSET = 1_000_000
MAX_SEARCH = 300
"""Characters: no value has more bytes."""

NUMBER = re.compile(r"0|[1-9][0-9]{0,6}")

VISITORS = "visitors"

OF_EVENTS = frozenset({Dimension.PAGE, Dimension.HOSTNAME, Dimension.EVENT})
"""The dimensions whose rows hold no visits."""


class Interval(StrEnum):
    """The step of a series."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    """From Monday to Sunday."""
    MONTH = "month"


FINEST = {Interval.HOUR: MOST_DAYS_BY_HOUR, Interval.DAY: MOST_DAYS_BY_DAY}
"""How many days a range may have at most, by the step of its series."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for."""

    first: date
    last: date
    """The range of days, both ends included; FIRST_DAY: from the first that has numbers."""
    limit: int = DEFAULT_LIMIT
    """How many values a breakdown lists."""
    dimension: str | None = None
    """Of the one breakdown that is asked for; None: an overview of all."""
    offset: int = 0
    """How many of its values are passed over."""
    search: str = ""
    """What is in the values that are listed."""
    interval: Interval | None = None
    """The step of the series; None: whatever suits the range."""
    sort: str = VISITORS
    """The measure that the values of the breakdown are ranked by."""
    descending: bool = True

    @property
    def range(self) -> Range:
        """The range of days."""
        return Range(self.first, self.last)

    @property
    def step(self) -> Interval:
        """The step of the series."""
        if self.interval is not None:
            return self.interval
        if self.first == self.last:
            return Interval.HOUR
        return Interval.DAY if self.range.days <= MOST_DAYS_BY_DAY else Interval.MONTH

    def begun(self, first: date) -> "Question":
        """Return the question with the first day that has numbers, where all days are asked for.

        Raises:
            ProblemError: there are too many days then, for the question or its series.
        """
        if self.first != FIRST_DAY:
            return self
        begun = replace(self, first=min(first, self.last))
        if begun.range.days > MAX_DAYS:
            raise too_long()
        see_to_step(begun)
        return begun


def parse_question(
    parameters: Mapping[str, str], today: date, dimensions: "Dimensions | None" = None
) -> Question:
    """Read what is asked for; without dates the range is today.

    Args:
        parameters: of the request.
        today: the day that it is on the site.
        dimensions: what may be listed by value, and ranked by; None: what rollups have.

    Raises:
        ProblemError: a parameter cannot be used.
    """
    known = dimensions or Dimensions()
    first, last = parse_range(parameters, today)
    limit = number_in(parameters, "limit", DEFAULT_LIMIT, (1, MAX_LIMIT), ReadProblem.BAD_LIMIT)
    dimension = known.read(parameters.get("dimension"))
    if dimension is None:
        _refuse_without_dimension(parameters)
    offset = number_in(parameters, "offset", 0, (0, MAX_OFFSET), ReadProblem.BAD_OFFSET)
    search = parameters.get("search", "")
    if len(search) > MAX_SEARCH:
        raise ProblemError(
            422, ReadProblem.BAD_SEARCH, f"search has at most {MAX_SEARCH} characters."
        )
    interval = _interval(parameters, dimension)
    sort = parameters.get("sort", VISITORS)
    by = sort.removeprefix("-")
    if dimension is not None:
        known.see_to_sort(dimension, by)
    question = Question(
        first, last, limit, dimension, offset, search, interval, by, not sort.startswith("-")
    )
    if first != FIRST_DAY:
        see_to_step(question)
    return question


class Dimensions:
    """What rollups list by value, and what they rank it by."""

    sorts: tuple[str, ...] = tuple(MEASURES)

    def read(self, name: str | None) -> str | None:
        """Return the dimension of this name.

        Raises:
            ProblemError: there is none.
        """
        if name is not None and name not in set(BREAKDOWNS):
            raise unknown_dimension(BREAKDOWNS)
        return name

    def is_of_events(self, dimension: str) -> bool:
        """Say whether the rows of a dimension hold no visits."""
        return dimension in OF_EVENTS

    def see_to_sort(self, dimension: str, by: str) -> None:
        """See to it that values of a dimension can be ranked so.

        Raises:
            ProblemError: they cannot.
        """
        sorts = self.sorts
        if self.is_of_events(dimension):
            sorts = tuple(name for name in sorts if name not in OF_VISITS)
        if by not in sorts:
            raise ProblemError(
                422,
                ReadProblem.BAD_SORT,
                f"{dimension} is sorted by one of {', '.join(sorts)}; with - before it, the least"
                " first.",
            )


def unknown_dimension(known: "tuple[str, ...]") -> ProblemError:
    """Return what refuses a dimension."""
    return ProblemError(
        422, ReadProblem.UNKNOWN_DIMENSION, f"dimension must be one of {', '.join(known)}."
    )


def see_to_step(question: Question) -> None:
    """See to it that a series has no more points than it may.

    Raises:
        ProblemError: it has.
    """
    most = FINEST.get(question.step, MAX_DAYS)
    if question.range.days > most:
        raise ProblemError(
            422,
            ReadProblem.BAD_INTERVAL,
            f"interval={question.step} is for at most {most} days, and these are"
            f" {question.range.days:,}: ask for fewer, or for interval=month.",
        )


def number_in(
    parameters: Mapping[str, str],
    name: str,
    default: int,
    bounds: tuple[int, int],
    problem: ReadProblem,
) -> int:
    """Read a number.

    Raises:
        ProblemError: it is none, or out of bounds.
    """
    text = parameters.get(name, str(default))
    least, most = bounds
    if not (NUMBER.fullmatch(text) and least <= int(text) <= most):
        raise ProblemError(422, problem, f"{name} must be a number from {least} to {most}.")
    return int(text)


def _interval(parameters: Mapping[str, str], dimension: str | None) -> Interval | None:
    name = parameters.get("interval")
    if name is None:
        return None
    if name not in set(Interval):
        raise ProblemError(
            422, ReadProblem.BAD_INTERVAL, f"interval must be one of {', '.join(Interval)}."
        )
    if dimension is not None:
        raise ProblemError(
            422,
            ReadProblem.BAD_INTERVAL,
            "interval is of the series, which an answer about one dimension does not have: leave"
            " out one of the two.",
        )
    return Interval(name)


def _refuse_without_dimension(parameters: Mapping[str, str]) -> None:
    for name in sorted(OF_DIMENSION):
        if parameters.get(name) is not None:
            raise ProblemError(
                422,
                ReadProblem.DIMENSION_MISSING,
                f"{name} is of one breakdown: add dimension, such as dimension=page.",
            )
