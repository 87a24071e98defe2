"""What a doctor finds: how each part is, and what to do where it is not well."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from runtime.errors import LiveInsightError, system_error

LOOK = "look at the log of the engine; 'docs/runbook.md' has a chapter for each part"


class Health(StrEnum):
    """How a part is."""

    WELL = "well"
    LATE = "late"
    """It works, and somebody should look at it."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the page."""

    part: str
    health: Health
    detail: str
    remedy: str = ""
    """What to do; empty where it is well."""


@dataclass(frozen=True, slots=True)
class Question:
    """A check of one part. Whatever it raises is its answer."""

    part: str
    ask: Callable[[], Iterable[Finding]]


def well(part: str, detail: str) -> Finding:
    """Return that a part is well."""
    return Finding(part, Health.WELL, detail)


def late(part: str, detail: str, remedy: str) -> Finding:
    """Return that somebody should look at a part."""
    return Finding(part, Health.LATE, detail, remedy)


def broken(part: str, detail: str, remedy: str) -> Finding:
    """Return that a part is broken."""
    return Finding(part, Health.BROKEN, detail, remedy)


def failed(part: str, error: Exception) -> Finding:
    """Return that a part could not even be looked at, and why."""
    match error:
        case LiveInsightError():
            message, _, advice = str(error).partition(": ")
            return broken(part, message, advice or LOOK)
        case OSError():
            return broken(part, system_error(error), LOOK)
        case _:
            return broken(part, f"{type(error).__name__}: {error}", LOOK)


def examine(questions: Iterable[Question]) -> Iterator[Finding]:
    """Give what is found; what breaks one check is its line, and the others go on."""
    for question in questions:
        try:
            yield from question.ask()
        except Exception as error:  # noqa: BLE001 - whatever is broken, the page says the rest
            yield failed(question.part, error)


def worst(findings: Iterable[Finding]) -> Health:
    """Return the health of the whole."""
    found = {one.health for one in findings}
    for health in (Health.BROKEN, Health.LATE):
        if health in found:
            return health
    return Health.WELL
