"""Lots of archived records, as the events that they count, by site and UTC day."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from aggregates.progress import Position
from aggregates.window import local_hour
from processors.archive.container import ArchivedRecord
from processors.record import UNFOLDABLE, Decoded, Record, decode
from query.stored import StoredEvent

LOT_EVENTS = 20_000
"""Of one lot: what is held in memory, some 50 MB."""

Place = tuple[str, date]
"""A site, and a UTC day."""


@dataclass(slots=True)
class Lot:
    """Events of records that follow each other in a shard."""

    shard: str
    after: int
    """The sequence number before the first record."""
    last: int
    """That of the last one."""
    arrived_at: int = 0
    """When the stream took it, epoch milliseconds."""
    records: int = 0
    events: dict[Place, list[StoredEvent]] = field(default_factory=lambda: defaultdict(list))


def lots(
    shard: str, after: int, records: Iterable[ArchivedRecord], sites: Collection[str]
) -> Iterator[Lot]:
    """Give the records of a shard in lots.

    What no consumer counts is in no lot: what cannot be decoded or folded, and other sites.

    Args:
        shard: of which.
        after: the sequence number before the records.
        records: in order.
        sites: the sites that are known.
    """
    lot, size = Lot(shard, after, after), 0
    for archived in records:
        lot.last = archived.sequence_number
        lot.arrived_at = max(lot.arrived_at, archived.arrived_at)
        lot.records += 1
        for day, stored in _events(archived, sites):
            lot.events[stored.batch.site_id, day].append(stored)
            size += 1
        if size >= LOT_EVENTS:
            yield lot
            lot, size = Lot(shard, lot.last, lot.last), 0
    if lot.records:
        yield lot


def _events(archived: ArchivedRecord, sites: Collection[str]) -> list[tuple[date, StoredEvent]]:
    if archived.partition_key.rpartition("/")[0] not in sites:
        return []
    position = Position(archived.shard, archived.sequence_number)
    record = Record(position, archived.partition_key, archived.arrived_at, archived.data)
    decoded, _ = decode([record])
    try:
        return [found for one in decoded for found in _stored(one)]
    except UNFOLDABLE:  # a time beyond the calendar: a dead letter of the stats consumer
        return []


def _stored(one: Decoded) -> list[tuple[date, StoredEvent]]:
    batch, record = one.batch, one.record
    local_hour(batch.received_at, "UTC")
    return [
        (
            datetime.fromtimestamp(event.occurred_at / 1000, UTC).date(),
            StoredEvent(
                batch,
                event,
                place,
                record.arrived_at,
                one.partition,
                record.position.shard,
                record.position.sequence_number,
            ),
        )
        for place, event in enumerate(batch.events)
    ]
