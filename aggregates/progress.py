"""What is in already, so that what comes again adds nothing: records by place, events by id.

Delivery is at least once and in order of a partition (docs/architecture.md). Every visitor state,
rollup item and minute carries the highest sequence number that it holds of each shard; a record
at or below it is covered. Two records with the same events are told by a window of event ids.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from schemas.event import Event


@dataclass(frozen=True, slots=True)
class Position:
    """A record's place on the stream. Sequence numbers compare only within one shard."""

    shard: str
    sequence_number: int


Checkpoints = Mapping[str, int]
"""The highest sequence number folded in, per shard."""

Arrival = tuple[Position, int]
"""A record's place, and when the stream acknowledged it (epoch milliseconds)."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an item has come on the stream. Times are epoch milliseconds, 0 for never."""

    checkpoints: Checkpoints = field(default_factory=dict)
    arrived_at: int = 0
    """When the stream acknowledged the newest record folded in."""
    processed_at: int = 0
    """When that record was folded in."""

    def positions(self) -> list[Position]:
        """Return the newest record of each shard."""
        return [Position(shard, number) for shard, number in self.checkpoints.items()]


NOWHERE = Progress()
"""Of an item that holds nothing."""


def covered(position: Position, checkpoints: Checkpoints) -> bool:
    """Say whether what has come this far holds the record already."""
    return position.sequence_number <= checkpoints.get(position.shard, -1)


def moved(checkpoints: Checkpoints, positions: Iterable[Position]) -> dict[str, int]:
    """Return the checkpoints once the records are in. They never move back."""
    ahead = dict(checkpoints)
    for position in positions:
        if not covered(position, ahead):
            ahead[position.shard] = position.sequence_number
    return ahead


def advance(progress: Progress, arrivals: Iterable[Arrival], now: datetime) -> Progress:
    """Return the progress of an item into which the records have been folded."""
    arrivals = list(arrivals)
    checkpoints = moved(progress.checkpoints, (position for position, _ in arrivals))
    newest = max((arrived_at for _, arrived_at in arrivals), default=-1)
    if newest < progress.arrived_at:
        return Progress(checkpoints, progress.arrived_at, progress.processed_at)
    return Progress(checkpoints, newest, int(now.timestamp() * 1000))


EVENT_DIGEST_LENGTH = 8


class RecentEvents:
    """A window of the ids that came last, each once, and kept as digests.

    Args:
        digests: of the ids that came before, oldest first.
        size: how many are remembered; the oldest are forgotten first.
        length: bytes of each digest.
    """

    def __init__(
        self, digests: Iterable[bytes], size: int, length: int = EVENT_DIGEST_LENGTH
    ) -> None:
        self._digests = dict.fromkeys(digests)
        self._size, self._length = size, length
        self._forget()

    def admit(self, events: Iterable[Event]) -> list[Event]:
        """Return the events whose ids are not remembered, and remember those."""
        fresh: list[Event] = []
        for event in events:
            digest = event_digest(event.event_id)[: self._length]
            if digest not in self._digests:
                self._digests[digest] = None
                fresh.append(event)
                if len(self._digests) > self._size:
                    self._forget()
        return fresh

    def digests(self) -> tuple[bytes, ...]:
        """Return what is to be remembered, oldest first."""
        return tuple(self._digests)

    def _forget(self) -> None:
        while len(self._digests) > self._size:
            del self._digests[next(iter(self._digests))]


def event_digest(event_id: bytes) -> bytes:
    """Return what is remembered of an event id."""
    return blake2b(event_id, digest_size=EVENT_DIGEST_LENGTH).digest()
