"""What must be in the stores, computed from the records alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from aggregates.ledger import ARCHIVE_GENERATION
from aggregates.rollup import UNLISTED, ZERO, Counters, RowKey, merge
from aggregates.stores.layers import OpenDay
from aggregates.stores.ports import MinuteKey, RollupKey
from aggregates.value import OTHER
from processors.record import Record
from schemas.event import EventBatch, EventType
from tests import oracle
from tests.simulation.memory_stores import (
    MemoryArchiveStore,
    MemoryDeadLetterStore,
    MemoryEventStore,
    MemoryMinuteStore,
    MemoryRollupStore,
)
from tests.simulation.traffic import MINUTE, SITE, Sent
from tests.whole_days import whole_days

Place = tuple[str, int]
"""Shard and sequence number."""

COUNTS = {1: oracle.count, ARCHIVE_GENERATION: oracle.archived}
"""What a generation of rollup items holds."""


@dataclass
class Live:
    """What one minute of one partition shows."""

    known: set[bytes]
    """Event ids: its own, and those that the minute before handed on."""
    visitors: set[bytes] = field(default_factory=set)
    pages: Counter[str] = field(default_factory=Counter)
    events: int = 0


class Expectation:
    """Remembers what was put on the stream, and compares it with what the stores hold."""

    def __init__(self, timezone: str) -> None:
        self._timezone = timezone
        self._sent: list[tuple[Record, Sent]] = []
        self._partitions: dict[tuple[int, int], list[EventBatch]] = {}
        self._places: dict[tuple[int, str, int], int] = {}
        self._counts: dict[tuple[int, bytes, int], oracle.Days] = {}

    def add(self, record: Record, sent: Sent) -> None:
        """Take note of a record that is on the stream."""
        self._sent.append((record, sent))
        for generation, batch in ((1, sent.counted), (ARCHIVE_GENERATION, sent.accounted)):
            if batch is not None:
                partition = int(sent.partition_key.rpartition("/")[2])
                batches = self._partitions.setdefault((generation, partition), [])
                batches.append(batch)
                self._places[generation, *_place(record)] = len(batches)

    def batches(self, generation: int = 1) -> list[EventBatch]:
        """Return what counts, by partition."""
        return [
            batch
            for (of, _), batches in self._partitions.items()
            if of == generation
            for batch in batches
        ]

    def wrong_day(self, key: RollupKey, day: OpenDay) -> str:
        """Say what is wrong with a day of a partition at any moment.

        Partitions are in order, so its items hold exactly their day of all records of the partition
        up to their checkpoint: not one event more, nor less.
        """
        if not day.fits():
            return f"{key} misses an epoch: {day}"
        ends = [
            self._places.get((key.generation, *place)) for place in day.progress.checkpoints.items()
        ]
        if None in ends:
            return f"{key} has a checkpoint where no record is: {day.progress.checkpoints}"
        count = max((end for end in ends if end), default=0)
        expected = self._count(key, count)
        return _difference(f"{key} after {count} records", day.rollup().rows, expected)

    def wrong_rollups(self, rollups: MemoryRollupStore) -> str:
        """Say what is wrong with the rollups and with the archive's ledger, once all is at rest."""
        found: list[str] = []
        for generation, count in COUNTS.items():
            items = whole_days(rollups, generation, SITE, date.min, date.max)
            counted = {
                day: merge(stored.rollup for key, stored in items if key.day == day).rows
                for day in {key.day for key, _ in items}
            }
            expected = count(self.batches(generation), self._timezone)
            for day in sorted(counted.keys() | expected.keys()):
                rows, right = counted.get(day, {}), expected.get(day, {})
                if any(value == OTHER for _, value in rows):
                    # A value may be listed in one partition's item and not in another's.
                    rows, right = _sums(rows), _sums(right)
                found.append(_difference(f"day {day}", rows, right))
        return "; ".join(filter(None, found))

    def wrong_dead_letters(self, dead_letters: MemoryDeadLetterStore) -> str:
        """Say which poison is not kept, or kept without being poison."""
        expected = {_place(record): (record, sent) for record, sent in self._sent if sent.poison}
        letters = {_place(letter.record): letter for letter in dead_letters.letters()}
        if letters.keys() != expected.keys():
            return f"dead letters {sorted(letters)}, not {sorted(expected)}"
        for place, letter in letters.items():
            record, sent = expected[place]
            if letter.record != record or not letter.reason.startswith(sent.poison):
                return f"dead letter at {place} is {letter}, not {record}: {sent.poison}"
        return ""

    def wrong_malformed(self, malformed: MemoryDeadLetterStore) -> str:
        """Say whether the malformed hits that are kept are not those that the collector kept."""
        expected = {
            _place(record)
            for record, sent in self._sent
            if sent.batch is not None and sent.poison != "partition key"
            if any(hit.hit for hit in sent.batch.rejected)
        }
        found = {_place(letter.record) for letter in malformed.letters()}
        return f"malformed {sorted(found)}, not {sorted(expected)}" if found != expected else ""

    def wrong_archive(self, archive: MemoryArchiveStore) -> str:
        """Say which shard's archive is not its records, in order, each once."""
        expected: dict[str, list[tuple[int, str, int, bytes]]] = {}
        for one, _ in self._sent:
            shard, number = _place(one)
            row = (number, one.partition_key, one.arrived_at, one.data)
            expected.setdefault(shard, []).append(row)
        for shard in sorted(expected.keys() | set(archive.shards())):
            held = [
                (one.sequence_number, one.partition_key, one.arrived_at, one.data)
                for one in archive.records(shard)
            ]
            if held != expected.get(shard):
                numbers = [row[0] for row in held]
                return f"archive of {shard}: {numbers}, not {expected.get(shard)}"
        return ""

    def wrong_raw_events(self, events: MemoryEventStore) -> str:
        """Say whether the raw events are not those of all records that can be decoded."""
        expected = {
            (event.session_id, event.occurred_at, event.event_id)
            for _, sent in self._sent
            if sent.batch is not None and sent.poison != "partition key"
            for event in sent.batch.events
        }
        surplus, missing = events.keys() - expected, expected - events.keys()
        return f"raw events: {surplus} too many, {missing} missing" if surplus or missing else ""

    def wrong_minutes(self, minutes: MemoryMinuteStore) -> str:
        """Say which minute does not show who arrived in it, and the pages they viewed."""
        expected = self._live()
        stored = dict(minutes.values())
        for key in sorted(expected.keys() | stored.keys()):
            if key not in stored or key not in expected:
                return f"{key} is {'missing' if key in expected else 'of nothing'}"
            minute, live = stored[key].minute, expected[key]
            shown = (set(minute.visitors), dict(minute.pages), minute.pageviews, minute.events)
            pages = dict(live.pages)
            if shown != (live.visitors, pages, sum(pages.values()), live.events):
                return f"{key} shows {shown}, not {live}"
        return ""

    def _count(self, key: RollupKey, count: int) -> dict[RowKey, Counters]:
        """Count an item's day of so many records: visitors add up, so each is counted alone."""
        visitors: dict[bytes, list[EventBatch]] = {}
        for batch in self._partitions.get((key.generation, key.partition), [])[:count]:
            visitors.setdefault(batch.visitor_id, []).append(batch)
        rows: dict[RowKey, Counters] = {}
        for visitor, batches in visitors.items():
            place = (key.generation, visitor, len(batches))
            if place not in self._counts:
                self._counts[place] = COUNTS[key.generation](batches, self._timezone)
            for row, counters in self._counts[place].get(key.day, {}).items():
                known = rows.get(row)
                rows[row] = counters if known is None else known.plus(counters)
        return rows

    def _live(self) -> dict[MinuteKey, Live]:
        minutes: dict[MinuteKey, Live] = {}
        for _, sent in self._sent:
            if sent.batch is None or not sent.batch.events or sent.poison == "partition key":
                continue
            site, _, partition = sent.partition_key.rpartition("/")
            key = MinuteKey(site, sent.received_at // MINUTE * MINUTE, int(partition))
            if key not in minutes:
                before = minutes.get(key._replace(minute=key.minute - MINUTE))
                minutes[key] = Live(set(before.known) if before else set())
            _show(minutes[key], sent.batch)
        return minutes


def _show(live: Live, batch: EventBatch) -> None:
    for event in batch.events:
        if event.event_id not in live.known:
            live.known.add(event.event_id)
            live.visitors.add(batch.visitor_id)
            live.events += event.event_type is EventType.CUSTOM
            if event.event_type is EventType.PAGE_VIEW:
                live.pages[event.page] += 1


def _place(record: Record) -> Place:
    return record.position.shard, int(record.position.sequence_number)


def _sums(rows: Mapping[RowKey, Counters]) -> dict[RowKey, Counters]:
    """Add the values of each dimension up, but for those that always have their rows."""
    sums: dict[RowKey, Counters] = {}
    for (dimension, value), counters in rows.items():
        place = (dimension, value if dimension in UNLISTED else "all")
        sums[place] = sums.get(place, ZERO).plus(counters)
    return {key: counters for key, counters in sums.items() if counters != ZERO}


def _crowded(
    expected: Mapping[RowKey, Counters], found: Mapping[RowKey, Counters]
) -> dict[RowKey, Counters]:
    """Move the rows that are not found to OTHER."""
    rows: dict[RowKey, Counters] = {}
    for key, counters in expected.items():
        dimension, _ = key
        place = key if key in found or dimension in UNLISTED else (dimension, OTHER)
        rows[place] = rows.get(place, ZERO).plus(counters)
    return {key: counters for key, counters in rows.items() if counters != ZERO}


def _difference(
    what: str, found: Mapping[RowKey, Counters], expected: Mapping[RowKey, Counters]
) -> str:
    """Return the first rows that differ, or nothing.

    What an item had no room for is in the rows OTHER of its dimensions.
    """
    if found == expected:
        return ""
    if any(value == OTHER for _, value in found):
        expected = _crowded(expected, found)
        if found == expected:
            return ""
    rows = [
        f"{key} is {found.get(key)}, not {expected.get(key)}"
        for key in sorted(found.keys() | expected.keys())
        if found.get(key) != expected.get(key)
    ]
    return f"{what}: {len(rows)} rows differ: " + "; ".join(rows[:3])
