"""Site-local days as runs of quarters of an hour: what cuts instants into days and hours.

Instants are stored as they are. So the days of a site are those of its time zone now, whatever it
was when the events came, and they begin where `aggregates.window` says.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from aggregates.window import OFFSET_STEP_MS, day_start, local_hour

EDGE = 16
"""Steps around a midnight in which clocks may go back beyond it, and forth: four hours."""


class Run(NamedTuple):
    """Steps `[first, end)` of one day, which began at an instant (epoch milliseconds).

    A step is a quarter of an hour, counted from 1970.
    """

    day: date
    first: int
    end: int
    began_at: int


def step_of(moment: int) -> int:
    """Return the step in which an instant lies."""
    return moment // OFFSET_STEP_MS


def runs(first: date, last: date, timezone: str) -> list[Run]:
    """Return the steps of a range of days."""
    days = (first + timedelta(days=passed) for passed in range((last - first).days + 1))
    return [run for day in days for run in _of_day(day, timezone)]


@lru_cache(maxsize=16384)
def _of_day(day: date, timezone: str) -> tuple[Run, ...]:
    began_at = day_start(day, timezone)
    ended_at = day_start(day + timedelta(days=1), timezone)
    inner = range(step_of(began_at) + EDGE, step_of(ended_at) - EDGE)
    outer = (
        *range(step_of(began_at) - EDGE, inner.start),
        *range(inner.stop, step_of(ended_at) + EDGE),
    )
    steps = {step for step in outer if local_hour(step * OFFSET_STEP_MS, timezone).day == day}
    return tuple(Run(day, start, end, began_at) for start, end in _joined(sorted({*inner, *steps})))


def _joined(steps: list[int]) -> Iterator[tuple[int, int]]:
    start = previous = None
    for step in steps:
        if previous is None or step != previous + 1:
            if start is not None and previous is not None:
                yield start, previous + 1
            start = step
        previous = step
    if start is not None and previous is not None:
        yield start, previous + 1
