"""Writes every record to the archive once, and every event to the raw events table for a day.

It keeps the archive's side of the ledger (aggregates/ledger.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from aggregates.accumulator import add
from aggregates.ledger import ARCHIVE_GENERATION, stated
from aggregates.progress import Position
from aggregates.stores.ports import EventStore, RawEvent, RollupKey, RollupStore, SealStore
from aggregates.window import SECOND_MS, local_hour
from processors.archive.store import ArchivedRecord, ArchiveStore
from processors.commit import repeat
from processors.dead_letter import DeadLetterStore
from processors.record import UNFOLDABLE, Decoded, Poison, Record, decode
from processors.rollups import Additions, remembered
from runtime.sites.cache import SiteCache
from runtime.sites.retention import USUAL
from runtime.sites.site import DAY

REMEMBERED_LEDGER_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ArchiveOutcome:
    """What a batch came to."""

    records_archived: int
    events_archived: int
    records_redelivered: int
    records_poisoned: int
    write_conflicts: int


@dataclass(frozen=True, slots=True)
class ArchiveStores:
    """Where the archive consumer writes."""

    archive: ArchiveStore
    events: EventStore
    ledger: RollupStore
    seals: SealStore
    dead_letters: DeadLetterStore
    malformed: DeadLetterStore
    """Records with hits that the collector refused for their form, and kept."""


class ArchiveProcessor:
    """Keeps what came, as it came."""

    def __init__(self, sites: SiteCache, stores: ArchiveStores) -> None:
        self._sites = sites
        self._stores = stores
        self._ledger = remembered(stores.ledger, REMEMBERED_LEDGER_BYTES)

    def run(self, records: Sequence[Record], *, now: datetime) -> ArchiveOutcome:
        """Archive a batch. Any part of it may have been archived before.

        Raises:
            RetryableError: nothing, or some of it, is written; running it again is safe.
        """
        decoded, poison = decode(records)
        events = {one.record.position: len(one.batch.events) for one in decoded}
        fresh = [record for group in _by_shard(records) for record in self._append(group, events)]
        self._stores.dead_letters.put(poison)
        self._stores.malformed.put(_malformed(decoded))
        raw_events = list(self._raw_events(decoded, now))
        if raw_events:
            self._stores.events.put(raw_events)
        conflicts = repeat(self._by_item(decoded, now), partial(self._account_for, now))
        return ArchiveOutcome(
            records_archived=len(fresh),
            events_archived=_events_in(fresh, events),
            records_redelivered=len(records) - len(fresh),
            records_poisoned=len(poison),
            write_conflicts=conflicts,
        )

    def _append(
        self, records: Sequence[Record], events: Mapping[Position, int]
    ) -> Sequence[Record]:
        """Append the records of a shard that the archive does not hold, and return those.

        Another writer may be doing the same. `events`: how many are in each record.
        """
        archive, shard = self._stores.archive, records[0].position.shard
        tail = archive.tail(shard)
        appended: Sequence[Record] = ()
        while rest := [one for one in records if one.position.sequence_number > tail]:
            kept = [_archived(record) for record in rest]
            tail = archive.append(shard, tail, kept, _events_in(rest, events))
            appended = rest
        return appended

    def _raw_events(self, decoded: Iterable[Decoded], now: datetime) -> Iterator[RawEvent]:
        """Return the events that have not expired; those of an imported old log have."""
        for one in decoded:
            site = self._sites.get(one.batch.site_id, now=now)
            kept = (site.retention if site else USUAL).raw_events * DAY
            expires_at = one.batch.received_at // SECOND_MS + int(kept.total_seconds())
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

    def _by_item(self, decoded: Iterable[Decoded], now: datetime) -> dict[RollupKey, list[Decoded]]:
        """Return the records by the item of the ledger, of the site-local day of their arrival.

        A record that cannot be counted (a site that is not set up, an impossible time) is missing
        from it: the stats consumer makes a dead letter of it.
        """
        items: dict[RollupKey, list[Decoded]] = {}
        for one in decoded:
            site = self._sites.get(one.batch.site_id, now=now)
            if site is None:
                continue
            try:
                day = local_hour(one.batch.received_at, site.timezone).day
            except UNFOLDABLE:
                continue
            key = RollupKey(ARCHIVE_GENERATION, site.site_id, day, one.partition)
            items.setdefault(key, []).append(one)
        return items

    def _account_for(
        self, now: datetime, items: Mapping[RollupKey, Iterable[Decoded]]
    ) -> set[RollupKey]:
        """Add records to the ledger, and return the items that another writer changed."""
        additions = Additions(self._ledger, self._stores.seals)
        additions.load(items)
        for key, records in items.items():
            for one in records:
                rows = additions.to(key).rows_of(one.record)
                if rows is not None:
                    for row, counters in stated(one.batch).items():
                        add(rows, (row,), counters)
        return additions.save(now)


def _by_shard(records: Iterable[Record]) -> Iterable[list[Record]]:
    shards: dict[str, list[Record]] = {}
    for record in records:
        shards.setdefault(record.position.shard, []).append(record)
    return shards.values()


def _events_in(records: Iterable[Record], events: Mapping[Position, int]) -> int:
    return sum(events.get(record.position, 0) for record in records)


def _malformed(decoded: Iterable[Decoded]) -> Iterator[Poison]:
    """Return the records with hits that the collector kept for a later redrive."""
    for one in decoded:
        kept = [hit for hit in one.batch.rejected if hit.hit]
        if kept:
            reasons = sorted({f"{hit.code} {hit.field}".strip() for hit in kept})
            yield Poison(one.record, ", ".join(reasons))


def _archived(record: Record) -> ArchivedRecord:
    return ArchivedRecord(
        shard=record.position.shard,
        sequence_number=record.position.sequence_number,
        partition_key=record.partition_key,
        arrived_at=record.arrived_at,
        data=record.data,
    )
