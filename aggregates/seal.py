"""Seals: what a closed day, week or month of a site comes to, partitions merged, ready to be read.

A seal is made of the open days of partitions, and says of each how much of it is in: all epochs
before one (`aggregates.stores.layers`), with the checkpoints of its records. What is counted after
that stands beside the seal, is read with it, and is joined to it by the next seal.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from aggregates.progress import NOWHERE, Progress, moved
from aggregates.rollup import ZERO, Counters, Dimension, Rollup, merge
from aggregates.table import PackedRows, Table, tables_in

DAY = timedelta(days=1)
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9999, 12, 31)
"""No day of which anything is counted lies before or behind them."""


class Period(StrEnum):
    """What a seal is of."""

    DAY = "day"
    WEEK = "week"
    """From Monday to Sunday."""
    MONTH = "month"

    def first_day(self, day: date) -> date:
        """Return the first day of the period that a day is in."""
        passed = {Period.DAY: 0, Period.WEEK: day.weekday(), Period.MONTH: day.day - 1}
        return day - passed[self] * DAY

    def last_day(self, first: date) -> date:
        """Return the last day of the period that begins on a day."""
        days = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: monthrange(first.year, first.month)[1]}
        return first + (days[self] - 1) * DAY


LONGER = (Period.MONTH, Period.WEEK)
"""Sealed besides the days, because several days are read for less so. The longest first."""

Place = tuple[date, int]
"""A day of a partition."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a seal holds of one day of a partition."""

    epoch: int = 0
    """All epochs before it are in."""
    progress: Progress = NOWHERE
    total: Counters = ZERO
    intake: Mapping[str, int] = field(default_factory=dict)
    """The ledger: stage -> hits or events (`aggregates.ledger`)."""


NO_PART = Part()


@dataclass(frozen=True, slots=True)
class Seal:
    """What a closed period of a site comes to."""

    tables: Mapping[Dimension, Table] = field(default_factory=dict)
    """By dimension, but for the ledger, which is kept by part."""
    parts: Mapping[Place, Part] = field(default_factory=dict)

    def epoch(self, place: Place) -> int:
        """Return the first epoch of a day of a partition that is not in."""
        return self.parts.get(place, NO_PART).epoch

    def rollup(self) -> Rollup:
        """Return its rows, but for the ledger."""
        return Rollup(PackedRows(self.tables))


UNSEALED = Seal()


def joined(seal: Seal, parts: Mapping[Place, tuple[Rollup, int, Progress]]) -> Seal:
    """Join to a seal what it does not hold yet.

    Args:
        seal: of the period, perhaps UNSEALED.
        parts: by day and partition: what is added, the epoch before which all is in then, and how
            far that had come on the stream.
    """
    if not parts:
        return seal
    rollups = [rollup for rollup, _, _ in parts.values()]
    changed = {
        place: _grown(seal.parts.get(place, NO_PART), *part) for place, part in parts.items()
    }
    return Seal(
        tables_of(merge((seal.rollup(), *rollups))),
        dict(sorted({**seal.parts, **changed}.items())),
    )


def whole_of(days: Iterable[Seal]) -> Seal:
    """Return the seal of a week or month. It has no hours."""
    days = list(days)
    rows = {
        key: row
        for key, row in merge(day.rollup() for day in days).rows.items()
        if key[0] is not Dimension.HOUR
    }
    parts = {place: part for day in days for place, part in day.parts.items()}
    return Seal(tables_of(Rollup(rows)), dict(sorted(parts.items())))


def tables_of(rollup: Rollup) -> dict[Dimension, Table]:
    """Return rows as tables, without the ledger.

    Raises:
        PermanentError: they cannot be kept.
    """
    return {
        dimension: table
        for dimension, table in tables_in(rollup).items()
        if dimension is not Dimension.INTAKE
    }


def _grown(part: Part, rollup: Rollup, epoch: int, progress: Progress) -> Part:
    intake = dict(part.intake)
    for stage, row in rollup.table(Dimension.INTAKE):
        intake[stage] = intake.get(stage, 0) + row.events
    newest = max(part.progress, progress, key=lambda one: one.arrived_at)
    checkpoints = moved(part.progress.checkpoints, progress.positions())
    return Part(
        epoch,
        Progress(checkpoints, newest.arrived_at, newest.processed_at),
        part.total.plus(rollup.total),
        intake,
    )
