"""What goes wrong, how often, and the gate at every call where it does."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol

from runtime.errors import RetryableError


class Fault(StrEnum):
    """What can happen to a schedule. Each is counted when it has happened."""

    CRASH_BEFORE = "crash before a call"
    CRASH_AFTER = "crash after a call"
    LOST_ACK = "lost acknowledgement"
    THROTTLED = "throttling burst"
    PARTIAL_SAVE = "partial save"
    INTERLEAVED_LOAD = "others wrote within a load"
    INTERLEAVED_SAVE = "others ran within a save"
    OWN_CONFLICT = "own write taken for another's"
    TIMED_OUT = "invocation timed out"
    ZOMBIE_WRITE = "late write of a zombie"
    CONFLICT = "conflict"
    REDELIVERED = "old range again"
    REGROUPED = "regrouped batch"
    BISECTED = "bisected batch"
    PARTIAL_RESPONSE = "partial batch response"
    SPLIT = "shard split"
    MERGE = "shard merge"
    PARALLEL = "two lanes of a shard at once"
    DUPLICATE = "duplicate of a record"
    PART_DUPLICATE = "duplicate of a part of a record"
    POISON = "poison within a batch"
    LATE_EVENT = "late event"
    MIDNIGHT = "visit over midnight"
    REFUSED = "record with refused hits"
    ALL_REFUSED = "record without events"
    HANDED_OVER = "rows handed to the base"
    REPARTITIONED = "partitions changed at a day's turn"
    CARRIED_OVER = "token carried over the change"
    SEALED = "day sealed"
    SEALED_PERIOD = "week or month sealed"
    DROPPED = "sealed item dropped"
    LATE_FOR_SEAL = "write to a sealed day"
    IMPORTED = "import to a sealed day"
    IMPORTED_AGAIN = "lines of an import again"
    SHARED_PARTITION = "two visitors interleaved in a partition"


class Crash(BaseException):
    """The process is gone: nothing after this runs."""


WITHIN = 0.2
"""How much rarer a pause is between the keys of one call than before a call."""

BEFORE_WRITE = 2
"""How much more frequent it is before a write than before a read: late writes do the harm."""

STORMS = 0.05
"""The share of schedules in which everything goes wrong, and often."""


@dataclass(frozen=True)
class Weather:
    """How often what goes wrong: chances by call for the first ones, weights for the others."""

    pause: float
    crash: float
    lost_ack: float
    throttle: float
    partial_save: float
    partial_response: float
    time_out: float
    redeliver: float
    wake: float
    seal: float

    @classmethod
    def draw(cls, rng: Random) -> "Weather":
        """Draw the weather of one schedule: most faults are absent, rare or frequent in it."""

        def often(*rates: float) -> float:
            return rng.choice(rates)

        return cls(
            pause=often(0.05, 0.1, 0.2),
            crash=often(0, 0.01, 0.04),
            lost_ack=often(0, 0.01, 0.04),
            throttle=often(0, 0.01, 0.03),
            partial_save=often(0, 0.05, 0.2),
            partial_response=often(0, 0.05, 0.2),
            time_out=often(0, 0.3, 1, 2),
            redeliver=often(0, 0.1, 0.4),
            wake=often(0.1, 0.3, 1),
            seal=often(0, 0.3, 1),
        )

    @classmethod
    def storm(cls, *, seal: float) -> "Weather":
        """Return the weather in which negative controls are caught soonest.

        Each day that passes for the seals' sake ends every late write that is on its way.
        """
        return cls(
            pause=0.3,
            crash=0.01,
            lost_ack=0.01,
            throttle=0.005,
            partial_save=0.05,
            partial_response=0.1,
            time_out=2,
            redeliver=0.2,
            wake=0.3,
            seal=seal,
        )


class Turn(Protocol):
    """Whoever runs now."""

    name: str
    zombie: bool
    """Whether it has been given up: its batch is tried again by another."""

    def pause(self) -> None:
        """Let others run."""


class Gate:
    """What every call to a store passes: it may be paused, refused, or be the last of its process.

    Args:
        rng: decides everything.
        weather: how often what goes wrong.
        budget: how many faults there are before the sky clears.
    """

    def __init__(self, rng: Random, weather: Weather, budget: int) -> None:
        self.fired: Counter[Fault] = Counter()
        self.trace: list[str] = []
        self.turn: Turn | None = None
        """Whose turn it is."""
        self._rng = rng
        self.weather = weather
        self._budget = budget
        self._burst = 0

    def note(self, line: str) -> None:
        """Write a line of the trace."""
        self.trace.append(f"{self.turn.name if self.turn else 'world'}: {line}")

    def count(self, fault: Fault) -> None:
        """Count what has happened."""
        self.fired[fault] += 1

    def happens(self, chance: float) -> bool:
        """Draw whether something goes wrong now."""
        if self._budget > 0 and self._rng.random() < chance:
            self._budget -= 1
            return True
        return False

    def before(self, call: str, *, writes: bool = False) -> None:
        """Pass before a call."""
        self._rest(BEFORE_WRITE if writes else 1)
        self._crash(Fault.CRASH_BEFORE, call)
        if self._burst == 0 and self.happens(self.weather.throttle):
            self._burst = self._rng.randint(1, 6)
            self.count(Fault.THROTTLED)
        if self._burst > 0:
            self._burst -= 1
            self.note(f"{call}: throttled")
            raise RetryableError("throttled")
        self.note(call)
        if writes and self.turn is not None and self.turn.zombie:
            self.count(Fault.ZOMBIE_WRITE)

    def within_load(self) -> None:
        """Pass between two keys of one load."""
        if self._rest(WITHIN):
            self.count(Fault.INTERLEAVED_LOAD)

    def within(self, call: str) -> None:
        """Pass between two keys of one save."""
        if self._rest(WITHIN):
            self.count(Fault.INTERLEAVED_SAVE)
        if self.happens(self.weather.partial_save):
            self.count(Fault.PARTIAL_SAVE)
            self.note(f"{call}: the rest is not written")
            raise RetryableError("partly written")

    def repeats(self, line: str) -> bool:
        """Say whether a client that lost the answer writes again, and meets its own write."""
        if not self.happens(self.weather.lost_ack):
            return False
        self.count(Fault.OWN_CONFLICT)
        self.note(line)
        return True

    def after(self, call: str) -> None:
        """Pass after a call."""
        self._crash(Fault.CRASH_AFTER, call)
        if self.happens(self.weather.lost_ack):
            self.count(Fault.LOST_ACK)
            self.note(f"{call}: acknowledgement lost")
            raise RetryableError("no answer")

    def _rest(self, share: float = 1) -> bool:
        turn = self.turn
        if turn is None or self._rng.random() >= self.weather.pause * share:
            return False
        turn.pause()
        return True

    def _crash(self, fault: Fault, call: str) -> None:
        if self.happens(self.weather.crash):
            self.count(fault)
            self.note(f"{call}: {fault}")
            raise Crash
