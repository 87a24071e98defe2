r"""Filters: what visits and events must have to be counted, as one writes them in an address.

`page:/pricing` is, `page!:/pricing` is not, `page~:blog` contains. Several values stand with `|`
between them: any of them. A backslash makes of the next character a letter like any other: of `|`,
of `\`, of an `@` with which a value begins; in the name of a property also of `:`, `!` and `~`.
`@direct` and `@not_set` are no texts, but what is counted where there is none.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from aggregates.rollup import BREAKDOWNS
from aggregates.value import DIRECT, NOT_SET, value_of
from api.problem import ReadProblem
from api.query.goals import goal_of
from query.question import PROPERTY, SCREEN, Condition, Operator, Reached
from runtime.problem import ProblemError
from runtime.sites.goals import Goal

GOAL = "goal"

FILTERED = (*BREAKDOWNS, SCREEN, GOAL)
"""What a filter may be of, beside properties."""

MAX_FILTERS = 20
MAX_VALUES = 100
MAX_FILTER = 4000
"""Characters of one."""
MAX_NAME = 64
"""Characters of the name of a property (`schemas.hit`)."""

RESERVED = {"@direct": DIRECT, "@not_set": NOT_SET}
OPERATORS = {"!": Operator.IS_NOT, "~": Operator.CONTAINS}

EXAMPLE = "write it as in page:/pricing, page!:/pricing or page~:blog"


class Filters(NamedTuple):
    """What visits and events must have; all must hold."""

    conditions: tuple[Condition, ...] = ()
    reached: tuple[Reached, ...] = ()
    """Of goals."""


class Letter(NamedTuple):
    """A character, and whether a backslash stands before it."""

    text: str
    escaped: bool


def filters_in(texts: Sequence[str], goals: Mapping[str, Goal]) -> Filters:
    """Read the filters of a request.

    Args:
        texts: each a filter; all must hold.
        goals: those that the site has, by name.

    Raises:
        ProblemError: one of them is none.
    """
    if len(texts) > MAX_FILTERS:
        raise bad_filter(f"there are {len(texts)} filters, and {MAX_FILTERS} may be.")
    read = [_filter_in(text, goals) for text in texts]
    return Filters(
        tuple(one for one in read if isinstance(one, Condition)),
        tuple(one for one in read if isinstance(one, Reached)),
    )


def _filter_in(text: str, goals: Mapping[str, Goal]) -> Condition | Reached:
    """Read a filter.

    Raises:
        ProblemError: it is none.
    """
    if len(text) > MAX_FILTER:
        raise bad_filter(f"a filter has at most {MAX_FILTER:,} characters.")
    letters = list(_letters(text))
    name, operator, rest = _named(letters, text)
    _see_to_dimension(name)
    values = tuple(_value(name, operator, one) for one in _split(rest))
    if len(values) > MAX_VALUES:
        raise bad_filter(f"a filter has at most {MAX_VALUES} values.")
    if name == GOAL:
        return _reached(operator, values, goals)
    if name.startswith(PROPERTY):
        name = PROPERTY + value_of(name.removeprefix(PROPERTY))
    return Condition(name, operator, values)


def bad_filter(detail: str) -> ProblemError:
    """Return what refuses a filter."""
    return ProblemError(422, ReadProblem.BAD_FILTER, f"filter: {detail}")


def unknown_goal(name: str, goals: Collection[str]) -> ProblemError:
    """Return what refuses the name of a goal."""
    return ProblemError(
        422,
        ReadProblem.UNKNOWN_GOAL,
        f"There is no goal {name[:MAX_NAME]!r}: the site has {', '.join(sorted(goals))}.",
    )


def _letters(text: str) -> Iterator[Letter]:
    escaped = False
    for character in text:
        if character == "\\" and not escaped:
            escaped = True
            continue
        yield Letter(character, escaped)
        escaped = False
    if escaped:
        raise bad_filter("it ends with a backslash, which is to stand before a character.")


def written(text: str) -> tuple[str, Operator, tuple[str, ...]]:
    """Read what stands before a colon and behind it, without looking at what it means.

    Raises:
        ProblemError: there is no colon, or nothing behind it.
    """
    name, operator, rest = _named(list(_letters(text)), text)
    values = tuple("".join(letter.text for letter in one) for one in _split(rest))
    if not all(values):
        raise bad_filter(f"a value of {name[:MAX_NAME]} is empty: {EXAMPLE}.")
    return name, operator, values


def _named(letters: Sequence[Letter], text: str) -> tuple[str, Operator, Sequence[Letter]]:
    """Return the dimension, the operator, and what is behind the colon."""
    start = 0
    if text.startswith(PROPERTY):
        start = len(PROPERTY)
    for place in range(start, len(letters)):
        if letters[place] == (":", False):
            before = letters[place - 1] if place > start else Letter("", escaped=True)
            sign = "" if before.escaped else before.text
            operator = OPERATORS.get(sign, Operator.IS)
            end = place if operator is Operator.IS else place - 1
            name = "".join(letter.text for letter in letters[:end])
            return name, operator, letters[place + 1 :]
    raise bad_filter(f"{text[:MAX_NAME]!r} has no colon: {EXAMPLE}.")


def _see_to_dimension(name: str) -> None:
    if name.startswith(PROPERTY):
        if not 0 < len(name) - len(PROPERTY) <= MAX_NAME:
            raise bad_filter(f"the name of a property has 1 to {MAX_NAME} characters.")
    elif name not in FILTERED:
        raise bad_filter(
            f"{name[:MAX_NAME]!r} is no dimension: there are {', '.join(FILTERED)}, and"
            " prop:NAME for a property."
        )


def _split(letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    start = 0
    for place, letter in enumerate(letters):
        if letter == ("|", False):
            yield letters[start:place]
            start = place + 1
    yield letters[start:]


def _value(name: str, operator: Operator, letters: Sequence[Letter]) -> str:
    text = "".join(letter.text for letter in letters)
    if not text:
        raise bad_filter(f"a value of {name[:MAX_NAME]} is empty: {EXAMPLE}.")
    is_reserved = letters[0] == ("@", False)
    if operator is Operator.CONTAINS:
        if is_reserved:
            raise bad_filter(rf"{text[:MAX_NAME]} is no text, so nothing contains it: write \@.")
        return text
    if not is_reserved:
        return value_of(text)
    if text == "@other":
        raise bad_filter("@other are values that a rollup has no room for: filter by a value.")
    if text not in RESERVED:
        raise bad_filter(rf"{text[:MAX_NAME]} is none of {', '.join(RESERVED)}: write \@ for @.")
    return RESERVED[text]


def _reached(operator: Operator, names: Sequence[str], goals: Mapping[str, Goal]) -> Reached:
    if operator is Operator.CONTAINS:
        raise bad_filter("goal takes names: write goal:NAME or goal!:NAME.")
    for name in names:
        if name not in goals:
            raise unknown_goal(name, goals)
    return Reached(tuple(goal_of(goals[name]) for name in names), operator is Operator.IS_NOT)
