"""Which small objects are merged into one: decided by the objects alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from processors.archive.chain import StandingObject
from processors.archive.container import decode_object, named

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Rules:
    """When a run ends.

    Args:
        most_bytes: how many bytes of small objects make one compacted object. The compactor holds
            it in memory three times, every reader once, and one PUT must take it.
        fewest_objects: a run of fewer goes on over the end of its day (UTC, of arrival).
    """

    most_bytes: int = 32 * 1024 * 1024
    fewest_objects: int = 100


Run = list[StandingObject]
"""Small objects that follow each other; at least one."""


def closed_runs(objects: Iterable[StandingObject], rules: Rules) -> Iterator[Run]:
    """Return the runs of a chain that have ended.

    A run has ended when an object follows that does not belong to it. So the answer for a longer
    chain begins with the answer for a shorter one: every compactor, whenever it looks, finds the
    same runs, and a crashed one's work is found and used. And the newest object is never in a run.
    """
    run: Run = []
    size, day = 0, 0
    for one in objects:
        new_day = len(run) >= rules.fewest_objects and arrival_day(one) not in (day, None)
        if run and (new_day or size + len(one.content) > rules.most_bytes):
            yield run
            run, size = [], 0
        day = day if run else arrival_day(one) or 0
        run.append(one)
        size += len(one.content)


def arrival_day(one: StandingObject) -> int | None:
    """Return the day, counted from 1970, on which the first record of an object arrived.

    None where its records are lost.
    """
    with named(one.key):
        first = next(decode_object(one.content), None)
    return None if first is None else first.arrived_at // DAY_MS
