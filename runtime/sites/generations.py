"""Generations of a site's rollups: beside the one that counts, one being built and one kept.

A rebuild folds the raw archive into a new generation, and then makes it the one that is read and
written; the one before is kept, so that it can be taken back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

KEPT_FOR = timedelta(days=7)
"""How long a generation is kept that counted before a rebuild."""

ASKED_FOR = timedelta(minutes=10)
"""How long it stands what somebody has asked for. Who would do it may not be there; nothing shall
turn days later, when nobody thinks of it any more."""


class Stage(StrEnum):
    """What a rebuild is doing."""

    FOLDING = "folding"
    """The archive, in records."""
    WRITING = "writing"
    """Days."""
    CATCHING_UP = "catching_up"
    """With the stream."""
    COMPARING = "comparing"
    """Days."""
    READY = "ready"
    """Nothing: it waits for somebody to let it count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a rebuild has come. Times are epoch seconds."""

    stage: Stage = Stage.FOLDING
    done: int = 0
    total: int | None = None
    """None: nobody knows."""
    began_at: int = 0
    """When the stage did."""
    told_at: int = 0
    """When this was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """A generation that is being built. Nobody reads it, and no consumer writes it."""

    generation: int
    timezone: str
    """IANA name: where its days begin."""
    started_at: int
    """Epoch seconds."""
    first_day: date | None = None
    """Of the range that is made anew; None: all days are."""
    last_day: date | None = None
    positions: Mapping[str, int] = field(default_factory=dict)
    """What is in, once it can be read: of each shard the highest sequence number."""
    step: Step = Step()
    compared_days: int = 0
    differences: int | None = None
    """How many there are to the generation that counts; None: nobody has compared them."""
    asked_at: int = 0
    """When somebody asked that it shall count, epoch seconds; 0: nobody has."""

    @property
    def days(self) -> tuple[date, date] | None:
        """The range that is made anew; None: all days are."""
        return (self.first_day, self.last_day) if self.first_day and self.last_day else None

    @property
    def is_ready(self) -> bool:
        """Whether it has been built, and compared with what counts."""
        return bool(self.positions) and self.step.stage is Stage.READY


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The generation that counted before the present one."""

    generation: int
    timezone: str
    replaced_at: int
    """Epoch seconds."""
    positions: Mapping[str, int]
    """What is in, at least: of each shard the highest sequence number."""
    asked_at: int = 0
    """When somebody asked that it shall count again, epoch seconds; 0: nobody has."""
