"""Writes every record to the archive once, and every event to the raw events table for a day."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregates.stores.ports import EventStore, RawEvent
from aggregates.window import SECOND_MS
from processors.archive.store import ArchivedRecord, ArchiveStore
from processors.dead_letter import DeadLetterStore
from processors.record import Decoded, Record, decode

EVENT_RETENTION = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ArchiveOutcome:
    """What a batch came to."""

    records_archived: int
    records_redelivered: int
    records_poisoned: int


class ArchiveProcessor:
    """Keeps what came, as it came."""

    def __init__(
        self, archive: ArchiveStore, events: EventStore, dead_letters: DeadLetterStore
    ) -> None:
        self._archive = archive
        self._events = events
        self._dead_letters = dead_letters

    def run(self, records: Sequence[Record], *, now: datetime) -> ArchiveOutcome:
        """Archive a batch. Any part of it may have been archived before.

        Raises:
            RetryableError: nothing, or some of it, is written; running it again is safe.
        """
        archived = sum(self._append(shard, group) for shard, group in _by_shard(records).items())
        decoded, poison = decode(records)
        self._dead_letters.put(poison)
        raw_events = list(_raw_events(decoded, now))
        if raw_events:
            self._events.put(raw_events)
        return ArchiveOutcome(archived, len(records) - archived, len(poison))

    def _append(self, shard: str, records: Sequence[Record]) -> int:
        """Append what the archive does not hold; another writer may be doing the same."""
        tail = self._archive.tail(shard)
        appended = 0
        while rest := [one for one in records if one.position.sequence_number > tail]:
            tail = self._archive.append(shard, tail, [_archived(record) for record in rest])
            appended = len(rest)
        return appended


def _by_shard(records: Iterable[Record]) -> dict[str, list[Record]]:
    shards: dict[str, list[Record]] = {}
    for record in records:
        shards.setdefault(record.position.shard, []).append(record)
    return shards


def _archived(record: Record) -> ArchivedRecord:
    return ArchivedRecord(
        shard=record.position.shard,
        sequence_number=record.position.sequence_number,
        partition_key=record.partition_key,
        arrived_at=record.arrived_at,
        data=record.data,
    )


def _raw_events(decoded: Iterable[Decoded], now: datetime) -> Iterator[RawEvent]:
    """Return the events that have not expired; those of an imported old log have."""
    for one in decoded:
        expires_at = one.batch.received_at // SECOND_MS + int(EVENT_RETENTION.total_seconds())
        if expires_at > now.timestamp():
            for event in one.batch.events:
                yield RawEvent(
                    site_id=one.batch.site_id,
                    visitor_id=one.batch.visitor_id,
                    received_at=one.batch.received_at,
                    context=one.batch.context,
                    event=event,
                    expires_at=expires_at,
                )
