"""What can be asked of the events of a site: a range of its days, and conditions. Pure.

docs/metrics.md says what a condition keeps. In short: one on a visit's dimension keeps visits that
have the value; one on an event's dimension keeps visits with such an event, and counts such events.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from aggregates.rollup import Dimension
from aggregates.value import DIRECT, NOT_SET
from runtime.errors import UsageError
from runtime.sites.site import Site

PROPERTY = "prop:"
"""Begins the name of a dimension that is a property of events."""

SCREEN = "screen"
"""A visit's: the class of its screen's width, by its first event."""

SCREENS = (
    ("< 576", 1, 576),
    ("576-991", 576, 992),
    ("992-1439", 992, 1440),
    ("1440-1919", 1440, 1920),
    (">= 1920", 1920, 2**31),
)
"""Classes of widths in CSS pixels: what is at least the first number and below the second one."""

ALWAYS = {
    Dimension.SOURCE: DIRECT,
    Dimension.CHANNEL: NOT_SET,
    Dimension.COUNTRY: NOT_SET,
    Dimension.BROWSER: NOT_SET,
    Dimension.OS: NOT_SET,
    Dimension.DEVICE: NOT_SET,
    Dimension.LANGUAGE: NOT_SET,
}
"""Of visits, each of which has a value; and what stands for none."""

SOMETIMES = (
    Dimension.REFERRER,
    Dimension.UTM_SOURCE,
    Dimension.UTM_MEDIUM,
    Dimension.UTM_CAMPAIGN,
    Dimension.UTM_TERM,
    Dimension.UTM_CONTENT,
    Dimension.REGION,
    Dimension.CITY,
)
"""Of visits, listed for those that have one."""

ENDS = (Dimension.ENTRY_PAGE, Dimension.EXIT_PAGE)
TRAITS = (*ALWAYS, *SOMETIMES)
OF_VISITS = frozenset({*(one.value for one in (*TRAITS, *ENDS)), SCREEN})
OF_EVENTS = frozenset({Dimension.PAGE.value, Dimension.HOSTNAME.value, Dimension.EVENT.value})

ANYTHING = "*"

MOST_STEPS = 8
"""Of a funnel."""


class Operator(StrEnum):
    """How a value must compare with those of a condition, any of which will do."""

    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"
    MATCHES = "matches"
    """All of it fits a pattern, in which ANYTHING stands for any text."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a visit, or an event, must have.

    Raises:
        UsageError: there is no such dimension, or no value.
    """

    dimension: str
    """One of OF_VISITS, of OF_EVENTS, or PROPERTY with the name of a property."""
    operator: Operator
    values: tuple[str, ...]
    """As stored: reserved kinds as `aggregates.value` has them."""

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        check_dimension(self.dimension)
        if not self.values:
            raise UsageError(f"a condition on {self.dimension!a} has no value")

    @property
    def is_of_visit(self) -> bool:
        """Whether it speaks of the whole visit."""
        return self.dimension in OF_VISITS


Conditions = tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Goal:
    """Events of one kind: those that meet all of some conditions.

    Where an event is named, custom events can meet it; else page views and, unless a page is named,
    custom events. A condition on a visit's dimension is of the event's visit.

    Raises:
        UsageError: it has no condition.
    """

    conditions: Conditions

    def __post_init__(self) -> None:
        """Refuse what every event meets."""
        if not self.conditions:
            raise UsageError("a goal has at least one condition")

    def has(self, dimension: str) -> bool:
        """Say whether a condition is on a dimension."""
        return any(one.dimension == dimension for one in self.conditions)


@dataclass(frozen=True, slots=True)
class Reached:
    """A condition on goals: the visit has an event that meets one of them or, else, none has."""

    goals: tuple[Goal, ...]
    not_: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A range of site-local days, both ends included, and what is kept of it."""

    site: Site
    first: date
    last: date
    until: datetime | None = None
    """An instant: what occurred then or later is left out, as if it had not come yet."""
    conditions: Conditions = ()
    """All must hold."""
    reached: tuple[Reached, ...] = ()
    """All must hold."""
    listed: tuple[str, ...] = ()
    """Dimensions that will be listed: where they are known, visits are read once, with these."""

    def of(self, *more: Condition) -> "Question":
        """Return the question with more conditions."""
        return replace(self, conditions=(*self.conditions, *more))


@dataclass(frozen=True, slots=True)
class Groups:
    """The conditions of a question, by what they speak of."""

    visits: Conditions
    """Of visits."""
    without: Conditions
    """Of events that a visit must not have."""
    views: tuple[Conditions, ...]
    """A visit must have, for each of these, a view (no custom event) that meets all of it."""
    customs: tuple[Conditions, ...]
    """The same, with a custom event."""
    either: Conditions
    """Some event must meet all of it; where neither views nor custom events are spoken of."""
    of_views: Conditions
    """What a view must meet to be counted, beside one of `views`, if there are any."""
    of_customs: Conditions
    """The same of a custom event."""

    @property
    def needs_events(self) -> bool:
        """Whether visits alone cannot say it."""
        return bool(self.without or self.views or self.customs or self.either)


def groups_of(conditions: Iterable[Condition]) -> Groups:
    """Sort conditions by what they speak of.

    A page is of views, a name of custom events, a host of both. A property is of custom events
    where one is named, else of views where a page is named, else of both.
    """
    visits, without, positive = list[Condition](), list[Condition](), list[Condition]()
    for one in conditions:
        if one.is_of_visit:
            visits.append(one)
        elif one.operator is Operator.IS_NOT:
            without.append(one)
        else:
            positive.append(one)
    hosts = tuple(one for one in positive if one.dimension == Dimension.HOSTNAME)
    props = tuple(one for one in positive if one.dimension.startswith(PROPERTY))
    pages = [one for one in positive if one.dimension == Dimension.PAGE]
    names = [one for one in positive if one.dimension == Dimension.EVENT]
    of_customs = hosts + (props if names or not pages else ())
    of_views = hosts + (() if names else props)
    return Groups(
        visits=tuple(visits),
        without=tuple(without),
        views=tuple((page, *of_views) for page in pages),
        customs=tuple((name, *of_customs) for name in names),
        either=hosts + props if not pages and not names else (),
        of_views=of_views,
        of_customs=of_customs,
    )


def check_dimension(name: str) -> None:
    """Refuse what is no dimension.

    Raises:
        UsageError: it is none.
    """
    if name in OF_VISITS or name in OF_EVENTS or (name.startswith(PROPERTY) and name != PROPERTY):
        return
    raise UsageError(f"there is no dimension {name!a}")
