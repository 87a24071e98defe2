"""Answers `GET /api/goals`: how often each goal of a site was reached, and by how many visitors."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from aggregates.value import kind_of
from api.days import RANGE
from api.document import ratio
from api.endpoint import Answer
from api.parameters import Parameters
from api.query.asked import parse_filtered
from api.query.asking import Asking, Sides, compared
from api.query.goals import goal_of
from api.query.query import Answering
from api.query.side import Side, amounts
from query.counted import NO_CONVERSIONS
from runtime.sites.goals import READY, Goal, goals_of
from runtime.sites.site import Site

MAX_NAMES = 100
"""Of events and of properties, that are suggested."""


class GoalsQuery(Answering):
    """Asks the raw events for each goal."""

    parameters: ClassVar[frozenset[str]] = RANGE | {"filter", "compare"}

    def __call__(self, site: Site, parameters: Parameters, now: datetime) -> Answer:
        """Answer a request.

        Raises:
            ProblemError: a parameter cannot be used.
        """
        goals = goals_of(site.goals)
        compare = parameters.get("compare")

        def document(asking: Asking, sides: Sides) -> dict[str, Any]:
            return {
                **asking.heading(sides),
                "visitors": sides.side.numbers.total().visitors,
                "goals": _rows(goals.values(), sides.side, sides.earlier),
                "events": _names(sides.side.events.event_names(MAX_NAMES)),
                "properties": _names(sides.side.events.property_names(MAX_NAMES)),
                **compared(sides),
            }

        return self.answer(
            site, now, lambda today: parse_filtered(parameters, today, goals, compare), document
        )


def goal_document(goal: Goal) -> dict[str, Any]:
    """Return what a goal is."""
    return {
        "name": goal.name,
        "page": goal.page or None,
        "event": goal.event or None,
        "property": {"name": goal.prop, "value": goal.value} if goal.prop else None,
        "has_revenue": goal.revenue,
        "is_ready_made": goal in READY,
    }


def _rows(goals: Iterable[Goal], side: Side, earlier: Side | None) -> list[dict[str, Any]]:
    rows = []
    for goal in goals:
        row = {**goal_document(goal), **_reached(goal, side)}
        if earlier is not None:
            row["before"] = _reached(goal, earlier)
        rows.append(row)
    return rows


def _reached(goal: Goal, side: Side) -> dict[str, Any]:
    events = goal_of(goal)
    found = side.events.conversions(events).get("", NO_CONVERSIONS)
    row: dict[str, Any] = {
        "visitors": found.visitors,
        "conversions": found.conversions,
        "conversion_rate": ratio(found.visitors, side.numbers.total().visitors),
    }
    if goal.revenue:
        row["revenue"] = amounts(side.events.revenues("", (), events).get("", {}))
    return row


def _names(found: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"name": name, "events": events} for name, events in found if kind_of(name) is None]
