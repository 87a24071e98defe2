"""Goals of a site, as questions to the raw events."""

from aggregates.rollup import Dimension
from aggregates.value import value_of
from query.question import PROPERTY, Condition, Operator
from query.question import Goal as EventGoal
from runtime.sites.goals import Goal

ANY = "*"


def goal_of(goal: Goal) -> EventGoal:
    """Return the events that reach a goal: views of its page, or events of its name."""
    if goal.page:
        return EventGoal((page_condition(goal.page),))
    named = Condition(Dimension.EVENT.value, Operator.IS, (value_of(goal.event),))
    if not goal.prop:
        return EventGoal((named,))
    having = Condition(PROPERTY + goal.prop, Operator.IS, (value_of(goal.value),))
    return EventGoal((named, having))


def page_condition(pattern: str) -> Condition:
    """Return what a page must be: this one, or one that the pattern fits."""
    if ANY in pattern:
        return Condition(Dimension.PAGE.value, Operator.MATCHES, (pattern,))
    return Condition(Dimension.PAGE.value, Operator.IS, (value_of(pattern),))
