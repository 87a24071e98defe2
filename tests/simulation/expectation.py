"""What must be in the stores, computed from the records alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from operator import is_

from aggregates.ledger import ARCHIVE_GENERATION
from aggregates.progress import Checkpoints
from aggregates.rollup import UNLISTED, ZERO, Counters, Dimension, Rollup, RowKey, merge
from aggregates.seal import Period, Seal
from aggregates.stores.layers import OpenDay, open_days
from aggregates.stores.ports import (
    MinuteKey,
    RollupKey,
    RollupStore,
    SealKey,
    SealStore,
)
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
    MemorySealStore,
)
from tests.simulation.traffic import MINUTE, SITE, Sent

NO_ITEMS = OpenDay()

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
        self._sums: dict[tuple[RollupKey, int], Mapping[RowKey, Counters]] = {}
        self._exact: dict[RollupKey, OpenDay] = {}
        """Days of partitions as they were compared last: again only once an item has changed."""

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

    def wrong_day(self, day: "DayAsRead") -> str:
        """Say what is wrong with a day at any moment.

        Partitions are in order, so a day holds exactly its share of all records of each partition
        up to its checkpoint: not one event more, nor less.
        """
        if day.misses or day.seal.parts:
            return day.misses or self._wrong(day)
        changed = (one for one in day.open if self._is_changed(day, one))
        wrong = (self._wrong(replace(day, open={one: day.open[one]})) for one in changed)
        return next(filter(None, wrong), "")

    def _is_changed(self, day: "DayAsRead", partition: int) -> bool:
        """Say whether a partition of a day has not been compared as it is, and note that it was."""
        known, found = self._exact.get(day.item(partition)), day.open[partition]
        self._exact[day.item(partition)] = found
        return known is None or not all(map(is_, known, found))

    def _wrong(self, day: "DayAsRead") -> str:
        """Say what is wrong with the sum of a day's partitions."""
        records: dict[int, int] = {}
        for partition, checkpoints in day.checkpoints().items():
            ends = [self._places.get((day.generation, *place)) for place in checkpoints.items()]
            if None in ends:
                return f"{day.day} has a checkpoint where no record is: {checkpoints}"
            records[partition] = max((end for end in ends if end), default=0)
        expected = _sum(*(self._count(day.item(one), count) for one, count in records.items()))
        what = f"generation {day.generation}, {day.day} after {records} records of partitions"
        return _difference(what, *_comparable(day, expected))

    def at_rest(self) -> dict[int, oracle.Days]:
        """Count all records, by generation."""
        return {of: count(self.batches(of), self._timezone) for of, count in COUNTS.items()}

    def wrong_rollups(
        self,
        expected: Mapping[int, oracle.Days],
        rollups: MemoryRollupStore,
        seals: MemorySealStore,
    ) -> str:
        """Say what is wrong with the rollups and with the archive's ledger, once all is at rest."""
        found: list[str] = []
        stored = {key.day for key, _ in rollups.values()} | {k.first for k, _ in seals.values()}
        for generation, days in expected.items():
            for day in sorted(stored | days.keys()):
                read = read_day(rollups, seals, generation, day)
                rows = _comparable(read, days.get(day, {}))
                found.append(read.misses or _difference(f"day {day}", *rows))
        return "; ".join(filter(None, found))

    def wrong_periods(self, seals: MemorySealStore) -> str:
        """Say which week or month is not the sum of its days, once all is sealed."""
        stored = {key: one.seal for key, one in seals.values()}
        for longer, seal in stored.items():
            if longer.period is Period.DAY:
                continue
            days = [
                one
                for key, one in stored.items()
                if key.generation == longer.generation and key.period is Period.DAY
                if longer.period.first_day(key.first) == longer.first
            ]
            parts = {place: part for day in days for place, part in day.parts.items()}
            whole = merge(day.rollup() for day in days).rows
            rows = {key: row for key, row in whole.items() if key[0] is not Dimension.HOUR}
            if seal.parts != parts or seal.rollup().rows != rows:
                return f"{longer} is not the sum of its days"
        return ""

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
            (event.session_id, event.occurred_at, event.event_id): sent.is_old
            for _, sent in self._sent
            if sent.batch is not None and sent.poison != "partition key"
            for event in sent.batch.events
        }
        surplus = events.keys() - expected.keys()
        missing = {key for key, is_old in expected.items() if not is_old} - events.keys()
        return f"raw events: {surplus} too many, {missing} missing" if surplus or missing else ""

    def wrong_minutes(self, minutes: MemoryMinuteStore) -> str:
        """Say which minute does not show who arrived in it, and the pages they viewed."""
        stored = dict(minutes.values())
        expired = self._may_have_expired() - stored.keys()
        expected = {key: live for key, live in self._live().items() if key not in expired}
        for key in sorted(expected.keys() | stored.keys()):
            if key not in stored or key not in expected:
                return f"{key} is {'missing' if key in expected else 'of nothing'}"
            minute, live = stored[key].minute, expected[key]
            shown = (set(minute.visitors), dict(minute.pages), minute.pageviews, minute.events)
            pages = dict(live.pages)
            if shown != (live.visitors, pages, sum(pages.values()), live.events):
                return f"{key} shows {shown}, not {live}"
        return ""

    def _count(self, key: RollupKey, records: int) -> Mapping[RowKey, Counters]:
        """Count an item's day of so many records: visitors add up, so each is counted alone."""
        if (key, records) not in self._sums:
            visitors: dict[bytes, list[EventBatch]] = {}
            for batch in self._partitions.get((key.generation, key.partition), [])[:records]:
                visitors.setdefault(batch.visitor_id, []).append(batch)
            days = (self._days(key.generation, *one) for one in visitors.items())
            self._sums[key, records] = _sum(*(one.get(key.day, {}) for one in days))
        return self._sums[key, records]

    def _days(self, generation: int, visitor: bytes, batches: list[EventBatch]) -> oracle.Days:
        """Count the first records of a visitor, once."""
        place = generation, visitor, len(batches)
        if place not in self._counts:
            self._counts[place] = COUNTS[generation](batches, self._timezone)
        return self._counts[place]

    def _may_have_expired(self) -> set[MinuteKey]:
        """Return the minutes of old records, which are shown only if they came soon enough."""
        return {_minute_of(sent) for _, sent in self._sent if sent.is_old}

    def _live(self) -> dict[MinuteKey, Live]:
        minutes: dict[MinuteKey, Live] = {}
        for _, sent in self._sent:
            if sent.batch is None or not sent.batch.events or sent.poison == "partition key":
                continue
            key = _minute_of(sent)
            if key not in minutes:
                before = minutes.get(key._replace(minute=key.minute - MINUTE))
                minutes[key] = Live(set(before.known) if before else set())
            _show(minutes[key], sent.batch)
        return minutes


@dataclass(frozen=True)
class DayAsRead:
    """What a reader finds of a day."""

    generation: int
    day: date
    seal: Seal
    open: Mapping[int, OpenDay]
    """What lies beside the seal, by partition."""

    def item(self, partition: int) -> RollupKey:
        """Return the key of a partition's item."""
        return RollupKey(self.generation, SITE, self.day, partition)

    @property
    def misses(self) -> str:
        """Says what is missing between its items."""
        for partition, one in self.open.items():
            if not one.fits(self._epoch(partition)):
                return f"{self.day} of partition {partition} misses an epoch: {one}"
        return ""

    def checkpoints(self) -> dict[int, Checkpoints]:
        """Return how far each partition has come."""
        sealed = {
            partition: part.progress.checkpoints for (_, partition), part in self.seal.parts.items()
        }
        beside = {
            partition: one.progress.checkpoints
            for partition, one in self.open.items()
            if one.recent is not NO_ITEMS.recent
        }
        return sealed | beside

    def rows(self) -> Mapping[RowKey, Counters]:
        """Return all that it comes to."""
        intakes = (
            {(Dimension.INTAKE, name): Counters(events=n) for name, n in part.intake.items()}
            for part in self.seal.parts.values()
        )
        beside = (one.rollup(self._epoch(partition)).rows for partition, one in self.open.items())
        return _sum(self.seal.rollup().rows, *intakes, *beside)

    def _epoch(self, partition: int) -> int:
        return self.seal.epoch((self.day, partition))


def read_day(rollups: RollupStore, seals: SealStore, generation: int, day: date) -> DayAsRead:
    """Read a day: its open items, and then its seal."""
    days = open_days(rollups.items(generation, SITE, day, day))
    key = SealKey(generation, SITE, Period.DAY, day)
    seal = seals.load([key])[key].value.seal
    return DayAsRead(
        generation, day, seal, {partition: one for (_, partition), one in days.items()}
    )


def _sum(*parts: Mapping[RowKey, Counters]) -> Mapping[RowKey, Counters]:
    some = [part for part in parts if part]
    return some[0] if len(some) == 1 else merge(map(Rollup, some)).rows


def _show(live: Live, batch: EventBatch) -> None:
    for event in batch.events:
        if event.event_id not in live.known:
            live.known.add(event.event_id)
            live.visitors.add(batch.visitor_id)
            live.events += event.event_type is EventType.CUSTOM
            if event.event_type is EventType.PAGE_VIEW:
                live.pages[event.page] += 1


def _minute_of(sent: Sent) -> MinuteKey:
    site, _, partition = sent.partition_key.rpartition("/")
    return MinuteKey(site, sent.received_at // MINUTE * MINUTE, int(partition))


def _place(record: Record) -> Place:
    return record.position.shard, int(record.position.sequence_number)


def _comparable(
    read: DayAsRead, expected: Mapping[RowKey, Counters]
) -> tuple[Mapping[RowKey, Counters], Mapping[RowKey, Counters]]:
    """Return what can be compared.

    A value may be listed in one partition and not in another, or beside a seal and not in it.
    """
    rows, parts = read.rows(), len(read.checkpoints()) + len(read.seal.parts)
    if parts > 1 and any(value == OTHER for _, value in rows):
        return _sums(rows), _sums(expected)
    return rows, expected


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
