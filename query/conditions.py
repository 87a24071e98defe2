"""Conditions as SQL. Every value is a parameter; only names of columns stand in the text."""

import re
from collections.abc import Iterable

from aggregates.rollup import Dimension
from aggregates.value import NOT_SET, kind_of
from query.question import (
    ALWAYS,
    ANYTHING,
    ENDS,
    PROPERTY,
    SCREEN,
    SCREENS,
    TRAITS,
    Condition,
    Conditions,
    Goal,
    Groups,
    Operator,
)

_PARAMETER = re.compile(r"\$(p[0-9]+)")

VIEWED, CUSTOM = "event_type = 'page_view'", "event_type = 'custom'"

_OF_EVENT = {
    Dimension.PAGE.value: "page",
    Dimension.HOSTNAME.value: "hostname",
    Dimension.EVENT.value: "name",
}


class Parameters:
    """The values of a statement, by the names that stand for them."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def put(self, value: object) -> str:
        """Take a value; return what stands for it."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def of(self, sql: str) -> dict[str, object]:
        """Return those that stand in a statement."""
        names = set(_PARAMETER.findall(sql))
        return {name: value for name, value in self.values.items() if name in names}


def empty_of(dimension: str) -> str:
    """Return the reserved value that stands for none."""
    return ALWAYS.get(Dimension(dimension), NOT_SET) if dimension in set(Dimension) else NOT_SET


def column(dimension: str, parameters: Parameters, *, prefix: str = "visit_") -> str:
    """Return the SQL of a dimension's value; NULL where there is none.

    Args:
        dimension: of visits or events.
        parameters: gets the name of a property.
        prefix: of the columns of visits: nothing in a table of visits.
    """
    if dimension == SCREEN:
        return _screen(f"{prefix}screen_width")
    if dimension in {*TRAITS, *ENDS}:
        return f"{prefix}{dimension}"
    if dimension.startswith(PROPERTY):
        return f"props[{parameters.put(dimension.removeprefix(PROPERTY))}]"
    return _OF_EVENT[dimension]


def _screen(width: str) -> str:
    cases = " ".join(
        f"WHEN {width} >= {least} AND {width} < {below} THEN '{name}'"
        for name, least, below in SCREENS
    )
    return f"CASE {cases} END"


def met(one: Condition, parameters: Parameters, *, prefix: str = "visit_") -> str:
    """Return the SQL that says whether a row meets a condition: true or false, never NULL."""
    value = column(one.dimension, parameters, prefix=prefix)
    texts = [text for text in one.values if kind_of(text) is None]
    if one.operator is Operator.CONTAINS:
        return _any([f"contains({value}, {parameters.put(text)})" for text in texts])
    if one.operator is Operator.MATCHES:
        patterns = [parameters.put(_pattern(text)) for text in texts]
        return _any([f"regexp_full_match({value}, {pattern})" for pattern in patterns])
    is_one = _is_one_of(value, one, parameters)
    return f"(NOT {is_one})" if one.operator is Operator.IS_NOT else is_one


def _pattern(text: str) -> str:
    """Return a pattern as a regular expression: RE2's take time linear in the text."""
    return "(?s)" + ".*".join(map(re.escape, text.split(ANYTHING)))


def _is_one_of(value: str, one: Condition, parameters: Parameters) -> str:
    empty = empty_of(one.dimension)
    texts = [text for text in one.values if kind_of(text) is None]
    found = [f"{value} IN ({', '.join(map(parameters.put, texts))})"] if texts else []
    if empty in one.values:
        found.append(f"{value} IS NULL")
    return _any(found)


def _any(found: list[str]) -> str:
    return f"coalesce({' OR '.join(found)}, FALSE)" if found else "FALSE"


def all_met(conditions: Iterable[Condition], parameters: Parameters, *, prefix: str) -> str:
    """Return the SQL that says whether a row meets all conditions."""
    return " AND ".join(met(one, parameters, prefix=prefix) for one in conditions) or "TRUE"


def any_met(conditions: Iterable[Condition], parameters: Parameters) -> str:
    """Return the SQL that says whether an event is what a condition says it must not be."""
    found = [f"({_kind_of(one)} AND {met(_positive(one), parameters)})" for one in conditions]
    return " OR ".join(found) or "FALSE"


def _positive(one: Condition) -> Condition:
    return Condition(one.dimension, Operator.IS, one.values)


def _kind_of(one: Condition) -> str:
    if one.dimension == Dimension.PAGE:
        return f"NOT ({CUSTOM})"
    return CUSTOM if one.dimension == Dimension.EVENT else "TRUE"


def required(groups: Groups, parameters: Parameters) -> list[str]:
    """Return for each event that a visit must have the SQL that says whether it is one."""
    found = [(f"NOT ({CUSTOM})", one) for one in groups.views]
    found += [(CUSTOM, one) for one in groups.customs]
    if groups.either:
        found.append(("TRUE", groups.either))
    return [f"({kind} AND {all_met(one, parameters, prefix='visit_')})" for kind, one in found]


def counted(groups: Groups, parameters: Parameters) -> str:
    """Return the SQL that says whether an event of a kept visit is counted."""
    views = _one_of(groups.views, groups.of_views, parameters)
    customs = _one_of(groups.customs, groups.of_customs, parameters)
    return f"CASE WHEN {CUSTOM} THEN {customs} ELSE {views} END"


def _one_of(choices: tuple[Conditions, ...], always: Conditions, parameters: Parameters) -> str:
    if not choices:
        return all_met(always, parameters, prefix="visit_")
    return " OR ".join(f"({all_met(one, parameters, prefix='visit_')})" for one in choices)


def reached(goals: Iterable[Goal], parameters: Parameters) -> str:
    """Return the SQL that says whether an event meets one of some goals."""
    return " OR ".join(f"({goal_met(goal, parameters)})" for goal in goals) or "FALSE"


def goal_met(goal: Goal, parameters: Parameters) -> str:
    """Return the SQL that says whether an event meets a goal."""
    if goal.has(Dimension.EVENT):
        kind = CUSTOM
    elif goal.has(Dimension.PAGE):
        kind = VIEWED
    else:
        kind = f"({VIEWED} OR {CUSTOM})"
    return f"{kind} AND {all_met(goal.conditions, parameters, prefix='visit_')}"
