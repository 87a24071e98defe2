"""What a site's owner wants visitors to do: see a page, or cause an event.

Goals are questions to the events that are kept, so a new one has a past at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from runtime.errors import UsageError

MAX_GOALS = 50
MAX_NAME = 60
MAX_PATTERN = 300
MAX_EVENT = 120
MAX_PROPERTY = 64
"""Characters; of events and properties as many as a hit may have (`schemas.hit`)."""


def _see_to(what: str, text: str, most: int) -> None:
    if not (0 < len(text) <= most and text.isprintable() and text.strip() == text):
        raise UsageError(
            f"goal: the {what} has 1 to {most} printable characters, and no spaces around them; not"
            f" {text[:most]!r}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is reached by a view of a page, or by a custom event.

    Raises:
        UsageError: it cannot be; the message says what it can be.
    """

    name: str
    page: str = ""
    """The path of a page, in which each `*` stands for any text; empty: it is an event's."""
    event: str = ""
    """The name of a custom event; empty: it is a page's."""
    prop: str = ""
    """The name of a property that the event must have; empty: none."""
    value: str = ""
    """The value that this property must have."""
    revenue: bool = False
    """Whether the money is added up that comes with it."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _see_to("name", self.name, MAX_NAME)
        if bool(self.page) == bool(self.event):
            raise UsageError(f"goal {self.name!r}: it has a page, or an event, and not both")
        if self.page:
            _see_to("page", self.page, MAX_PATTERN)
            if self.page[0] not in "/*":
                raise UsageError(f"goal {self.name!r}: a page begins with / or *, as /blog/* does")
            if self.prop or self.revenue:
                raise UsageError(f"goal {self.name!r}: properties and revenue come with events")
        else:
            _see_to("event", self.event, MAX_EVENT)
        if bool(self.prop) != bool(self.value):
            raise UsageError(f"goal {self.name!r}: a property has a name and a value")
        if self.prop:
            _see_to("property", self.prop, MAX_PROPERTY)
            _see_to("value", self.value, MAX_PATTERN)


READY = (
    Goal(name="404 pages", event="404"),
    Goal(name="Outbound links", event="outbound"),
)
"""Goals that every site has, by the names of events that docs/metrics.md proposes. A goal of the
site's own with the same name takes the place of one."""


def goals_of(own: Iterable[Goal]) -> dict[str, Goal]:
    """Return a site's goals by name, with those that every site has."""
    own = tuple(own)
    named = {goal.name for goal in own}
    return {goal.name: goal for goal in (*own, *(one for one in READY if one.name not in named))}


def with_goal(own: Iterable[Goal], goal: Goal) -> tuple[Goal, ...]:
    """Return goals with another one, which takes the place of one of the same name.

    Raises:
        UsageError: there are too many.
    """
    by_name = {one.name: one for one in own} | {goal.name: goal}
    if len(by_name) > MAX_GOALS:
        raise UsageError(f"a site has at most {MAX_GOALS} goals: remove one first")
    return tuple(by_name.values())


def without_goal(own: Iterable[Goal], name: str) -> tuple[Goal, ...]:
    """Return goals without one.

    Raises:
        UsageError: there is none of this name.
    """
    own = tuple(own)
    left = tuple(goal for goal in own if goal.name != name)
    if len(left) == len(own):
        known = ", ".join(goal.name for goal in own) or "none of its own"
        raise UsageError(f"there is no goal {name!r} (goals: {known})")
    return left
