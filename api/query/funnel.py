"""Answers `GET /api/funnel`: how many visits did some things one after another, up to each step."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from aggregates.rollup import Dimension
from aggregates.value import value_of
from api.days import RANGE
from api.document import ratio
from api.endpoint import Answer
from api.parameters import Parameters
from api.problem import ReadProblem
from api.query.asked import parse_filtered
from api.query.asking import Asking, Sides
from api.query.filters import GOAL, unknown_goal, written
from api.query.goals import goal_of, page_condition
from api.query.query import Answering
from query.question import MOST_STEPS, Condition, Operator
from query.question import Goal as EventGoal
from runtime.problem import ProblemError
from runtime.sites.goals import Goal, goals_of
from runtime.sites.site import Site

LEAST_STEPS = 2


class FunnelQuery(Answering):
    """Asks the raw events."""

    parameters: ClassVar[frozenset[str]] = RANGE | {"filter", "step"}

    def __call__(self, site: Site, parameters: Parameters, now: datetime) -> Answer:
        """Answer a request.

        Raises:
            ProblemError: a parameter cannot be used.
        """
        goals = goals_of(site.goals)
        texts = parameters.every("step")
        steps = steps_in(texts, goals)

        def document(asking: Asking, sides: Sides) -> dict[str, Any]:
            total = sides.side.numbers.total()
            return {
                **asking.heading(sides),
                "visitors": total.visitors,
                "visits": total.visits,
                "steps": _rows(texts, sides, steps),
            }

        return self.answer(
            site, now, lambda today: parse_filtered(parameters, today, goals), document
        )


def steps_in(texts: tuple[str, ...], goals: Mapping[str, Goal]) -> list[EventGoal]:
    """Read the steps of a funnel.

    Args:
        texts: each `page:/a`, `page:/blog/*`, `event:signup` or `goal:NAME`.
        goals: those that the site has, by name.

    Raises:
        ProblemError: one is none, or there are too few or too many.
    """
    if not LEAST_STEPS <= len(texts) <= MOST_STEPS:
        raise ProblemError(
            422,
            ReadProblem.BAD_STEP,
            f"A funnel has {LEAST_STEPS} to {MOST_STEPS} steps, such as"
            " step=page:/pricing&step=event:signup; not"
            f" {len(texts)}.",
        )
    return [_step(text, goals) for text in texts]


def _step(text: str, goals: Mapping[str, Goal]) -> EventGoal:
    name, operator, values = written(text)
    if operator is Operator.IS and len(values) == 1:
        (value,) = values
        if name == GOAL:
            if value not in goals:
                raise unknown_goal(value, goals)
            return goal_of(goals[value])
        if name == Dimension.PAGE:
            return EventGoal((page_condition(value),))
        if name == Dimension.EVENT:
            return EventGoal((Condition(name, Operator.IS, (value_of(value),)),))
    raise ProblemError(
        422,
        ReadProblem.BAD_STEP,
        "A step is page:PATTERN, event:NAME or goal:NAME, of one value.",
    )


def _rows(texts: tuple[str, ...], sides: Sides, steps: list[EventGoal]) -> list[dict[str, Any]]:
    found = sides.side.events.funnel(steps)
    before = [found[0], *found[:-1]]
    return [
        {
            "step": text,
            "visits": step.visits,
            "visitors": step.visitors,
            "rate": ratio(step.visits, found[0].visits),
            "rate_of_step": ratio(step.visits, earlier.visits),
        }
        for text, step, earlier in zip(texts, found, before, strict=True)
    ]
