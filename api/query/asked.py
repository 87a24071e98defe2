"""The parameters of `GET /api/query`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from aggregates.rollup import BREAKDOWNS
from api.days import parse_range
from api.parameters import Parameters
from api.problem import ReadProblem
from api.query.filters import MAX_NAME, Filters, filters_in, unknown_goal
from api.question import Dimensions, Question, parse_question, unknown_dimension
from query.question import PROPERTY, SCREEN
from runtime.problem import ProblemError
from runtime.sites.goals import Goal

OF_QUERY = frozenset({"filter", "compare", "goal", "metrics", "breakdowns"})
"""The parameters beside those of `parse_question`."""

GROWTH = "growth"
"""A sort: how many visitors more there were than in what is compared with."""

OVERVIEW = tuple(one.value for one in BREAKDOWNS)
"""What an overview lists, if nothing is said."""

LISTED = (*BREAKDOWNS, SCREEN)
"""What is listed by value, beside properties."""


class Metric(StrEnum):
    """What single events have beside the counters of rollups."""

    SCROLL_DEPTH = "scroll_depth"
    READ_RATE = "read_rate"
    REVENUE = "revenue"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for."""

    question: Question
    filters: Filters
    compare: str | None
    """As it was given."""
    goal: Goal | None
    """Whose conversions are told, too."""
    metrics: frozenset[Metric] = frozenset()
    """Those that are asked for beside the usual ones."""
    breakdowns: tuple[str, ...] = OVERVIEW
    """What an overview lists."""

    @property
    def listed(self) -> tuple[str, ...]:
        """What is listed by value."""
        dimension = self.question.dimension
        return self.breakdowns if dimension is None else (dimension,)

    @property
    def needs_events(self) -> bool:
        """Whether rollups cannot answer it."""
        dimension = self.question.dimension
        return self.filters != Filters() or (dimension is not None and dimension not in BREAKDOWNS)


class QueryDimensions(Dimensions):
    """What single events can be listed by.

    Args:
        has_comparison: whether growth can be known.
    """

    def __init__(self, *, has_comparison: bool) -> None:
        self._has_comparison = has_comparison

    def read(self, name: str | None) -> str | None:
        """Return the dimension of this name."""
        if name is None or name in LISTED:
            return name
        if name.startswith(PROPERTY) and 0 < len(name) - len(PROPERTY) <= MAX_NAME:
            return name
        raise unknown_dimension((*LISTED, "prop:NAME"))

    def is_of_events(self, dimension: str) -> bool:
        """Say whether the rows of a dimension hold no visits."""
        return super().is_of_events(dimension) or dimension.startswith(PROPERTY)

    def see_to_sort(self, dimension: str, by: str) -> None:
        """See to it that values of a dimension can be ranked so."""
        if by != GROWTH:
            super().see_to_sort(dimension, by)
        elif not self._has_comparison:
            raise ProblemError(
                422,
                ReadProblem.BAD_SORT,
                "growth is against a comparison: add compare, such as compare=previous.",
            )


def parse_asked(parameters: Parameters, today: date, goals: Mapping[str, Goal]) -> Asked:
    """Read what is asked for.

    Args:
        parameters: of the request.
        today: the day that it is on the site.
        goals: those that the site has, by name.

    Raises:
        ProblemError: a parameter cannot be used.
    """
    compare, goal = parameters.get("compare"), parameters.get("goal")
    dimensions = QueryDimensions(has_comparison=compare is not None)
    question = parse_question(parameters, today, dimensions)
    if goal is not None and goal not in goals:
        raise unknown_goal(goal, goals)
    filters = filters_in(parameters.every("filter"), goals)
    wanted = None if goal is None else goals[goal]
    more = _metrics(parameters.get("metrics"))
    breakdowns = _breakdowns(parameters.get("breakdowns"), question)
    return Asked(question, filters, compare, wanted, more, breakdowns)


def parse_filtered(
    parameters: Parameters, today: date, goals: Mapping[str, Goal], compare: str | None = None
) -> Asked:
    """Read a range of days and its filters alone.

    Raises:
        ProblemError: a parameter cannot be used.
    """
    days = parse_range(parameters, today)
    filters = filters_in(parameters.every("filter"), goals)
    return Asked(Question(*days), filters, compare, None, breakdowns=())


def _breakdowns(text: str | None, question: Question) -> tuple[str, ...]:
    if text is None:
        return OVERVIEW
    if question.dimension is not None:
        raise ProblemError(
            422,
            ReadProblem.BAD_BREAKDOWNS,
            "breakdowns are of an overview: leave it out, or leave dimension out.",
        )
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in OVERVIEW:
            raise ProblemError(
                422,
                ReadProblem.BAD_BREAKDOWNS,
                f"breakdowns are {', '.join(OVERVIEW)}, with a comma between two.",
            )
    return names


def _metrics(text: str | None) -> frozenset[Metric]:
    names = [] if text is None else text.split(",")
    for name in names:
        if name not in set(Metric):
            raise ProblemError(
                422,
                ReadProblem.BAD_METRICS,
                f"metrics are {', '.join(Metric)}, with a comma between two; the others are always"
                " there.",
            )
    return frozenset(map(Metric, names))
