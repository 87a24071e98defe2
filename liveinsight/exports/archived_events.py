"""Reads from the archive the accepted events of one site, each once, in order of arrival."""

import heapq
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from aggregates.progress import Position, event_digest
from aggregates.window import local_hour
from liveinsight.exports.event_row import ExportedEvent
from processors.archive.store import ArchivedRecord, ArchiveStore
from processors.record import UNFOLDABLE, Decoded, Record, decode
from runtime.errors import RetryableError
from runtime.sites.site import Site

SEEN_CACHE_KB = 65536
"""Of memory, for the ids that were seen; the others lie in a file."""


@dataclass(slots=True)
class EventTally:
    """What reading the archive came to."""

    records: int = 0
    """Of the site, whatever their events' days."""
    events: int = 0
    """Exported."""
    duplicates: int = 0
    """Events that the visitor had sent before under the same id."""
    poison: int = 0
    """Records of the site that can never be counted: dead letters."""
    first_day: date | None = None
    last_day: date | None = None


class ArchivedEvents:
    """The accepted events of a site. What is held in memory does not grow with them.

    Args:
        site: whose events.
        archive: holds them.
        scratch: a folder on a disk that has 40 bytes of room for each event.
        first: site-local day; events of days before are passed over.
        last: site-local day, included.
    """

    def __init__(
        self,
        site: Site,
        archive: ArchiveStore,
        scratch: Path,
        first: date = date.min,
        last: date = date.max,
    ) -> None:
        self._site, self._archive, self._scratch = site, archive, scratch
        self._first, self._last = first, last
        self.tally = EventTally()

    def __iter__(self) -> Iterator[ExportedEvent]:
        """Give the events in order of arrival.

        Raises:
            BrokenArchiveError: objects are missing or changed.
            RetryableError: the archive did not answer.
        """
        site_keys = f"{self._site.site_id}/"
        with closing(_SeenIds(self._scratch / "seen.sqlite")) as seen:
            for record in by_arrival(self._archive):
                if record.partition_key.startswith(site_keys):
                    self.tally.records += 1
                    yield from self._events(record, seen)

    def _events(self, archived: ArchivedRecord, seen: "_SeenIds") -> Iterator[ExportedEvent]:
        position = Position(archived.shard, archived.sequence_number)
        record = Record(position, archived.partition_key, archived.arrived_at, archived.data)
        decoded, poison = decode([record])
        try:
            events = [one for found in decoded for one in self._exported(found)]
        except UNFOLDABLE:  # a time beyond the calendar: the stats consumer makes a dead letter
            self.tally.poison += 1
            return
        self.tally.poison += len(poison)
        for one in events:
            if not seen.admit(one.visitor_id, one.event.event_id):
                self.tally.duplicates += 1
            elif self._first <= one.day <= self._last:
                self._count(one.day)
                yield one

    def _exported(self, one: Decoded) -> list[ExportedEvent]:
        batch, record, timezone = one.batch, one.record, self._site.timezone
        local_hour(batch.received_at, timezone)
        return [
            ExportedEvent(
                day=local_hour(event.occurred_at, timezone).day,
                site_id=batch.site_id,
                visitor_id=batch.visitor_id,
                received_at=batch.received_at,
                context=batch.context,
                event=event,
                arrived_at=record.arrived_at,
                partition=one.partition,
                shard=record.position.shard,
                sequence_number=record.position.sequence_number,
            )
            for event in batch.events
        ]

    def _count(self, day: date) -> None:
        tally = self.tally
        tally.events += 1
        tally.first_day = min(tally.first_day or day, day)
        tally.last_day = max(tally.last_day or day, day)


def by_arrival(archive: ArchiveStore) -> Iterator[ArchivedRecord]:
    """Give the records of all shards in order of arrival, those of one shard in theirs.

    A shard is opened when its first record is due: those that followed each other are never open
    at the same time.
    """
    due = [(_first_arrival(archive, shard), shard) for shard in archive.shards()]
    heapq.heapify(due)
    ahead: list[tuple[int, str, ArchivedRecord, Iterator[ArchivedRecord]]] = []
    while due or ahead:
        while due and (not ahead or due[0] <= ahead[0][:2]):
            _, shard = heapq.heappop(due)
            records = archive.records(shard)
            for first in records:
                heapq.heappush(ahead, (first.arrived_at, shard, first, records))
                break
        if not ahead:
            return
        _, shard, record, records = ahead[0]
        yield record
        following = next(records, None)
        if following is None:
            heapq.heappop(ahead)
        else:
            heapq.heapreplace(ahead, (following.arrived_at, shard, following, records))


def _first_arrival(archive: ArchiveStore, shard: str) -> int:
    for record in archive.records(shard):
        return record.arrived_at
    return 0


class _SeenIds:
    """The event ids of each visitor, in a file that lasts as long as the export."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        self._connection.execute(f"PRAGMA cache_size = -{SEEN_CACHE_KB}")
        self._connection.execute("CREATE TABLE seen (id BLOB PRIMARY KEY) WITHOUT ROWID")
        self._connection.execute("BEGIN")

    def admit(self, visitor_id: bytes, event_id: bytes) -> bool:
        """Remember an id; return whether it was not known."""
        key = visitor_id + event_digest(event_id)
        try:
            added = self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,))
        except sqlite3.DatabaseError as error:
            raise RetryableError(f"the ids that were seen cannot be kept: {error}") from error
        return added.rowcount == 1

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
