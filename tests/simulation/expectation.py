"""What must be in the stores, computed from the records alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from aggregates.ledger import ARCHIVE_GENERATION
from aggregates.progress import Checkpoints
from aggregates.rollup import UNLISTED, ZERO, Counters, Dimension, Rollup, RowKey, merge
from aggregates.seal import Period, Seal
from aggregates.stores.layers import open_days
from aggregates.stores.ports import (
    MinuteKey,
    RollupKey,
    RollupStore,
    SealKey,
    SealStore,
    StoredRollup,
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

    def wrong_day(self, generation: int, day: date, read: "DayAsRead") -> str:
        """Say what is wrong with a day at any moment.

        Partitions are in order, so a day holds exactly its share of all records of each partition
        up to its checkpoint: not one event more, nor less.
        """
        expected: dict[int, dict[RowKey, Counters]] = {}
        counts: dict[int, int] = {}
        for partition, checkpoints in read.checkpoints.items():
            ends = [self._places.get((generation, *place)) for place in checkpoints.items()]
            if None in ends:
                return f"{day} has a checkpoint where no record is: {checkpoints}"
            counts[partition] = max((end for end in ends if end), default=0)
            key = RollupKey(generation, SITE, day, partition)
            expected[partition] = self._count(key, counts[partition])
        what = f"generation {generation}, {day} after {counts} records of partitions"
        if read.misses or read.seal.parts:
            whole = _sum(*expected.values())
            return read.misses or _difference(what, *_comparable(read, whole))
        each = (_difference(what, read.open[one], expected[one]) for one in expected)
        return next(filter(None, each), "")

    def wrong_rollups(self, rollups: MemoryRollupStore, seals: MemorySealStore) -> str:
        """Say what is wrong with the rollups and with the archive's ledger, once all is at rest."""
        found: list[str] = []
        for generation, count in COUNTS.items():
            expected = count(self.batches(generation), self._timezone)
            stored = {key.day for key, _ in rollups.values()} | {k.first for k, _ in seals.values()}
            for day in sorted(stored | expected.keys()):
                read = read_day(rollups, seals, generation, day)
                rows = _comparable(read, expected.get(day, {}))
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


@dataclass
class DayAsRead:
    """What a reader finds of a day."""

    seal: Seal
    rows: dict[RowKey, Counters]
    open: dict[int, Mapping[RowKey, Counters]]
    """What lies beside the seal, by partition."""
    checkpoints: dict[int, Checkpoints]
    """By partition."""
    misses: str
    """Says what is missing between its items."""


def read_day(rollups: RollupStore, seals: SealStore, generation: int, day: date) -> DayAsRead:
    """Read a day: its open items, and then its seal."""
    days = open_days(rollups.items(generation, SITE, day, day))
    key = SealKey(generation, SITE, Period.DAY, day)
    seal = seals.load([key])[key].value.seal
    checkpoints = {
        partition: part.progress.checkpoints for (_, partition), part in seal.parts.items()
    }
    rows, misses = dict(seal.rollup().rows), ""
    beside: dict[int, Mapping[RowKey, Counters]] = {}
    for part in seal.parts.values():
        intake = {(Dimension.INTAKE, name): Counters(events=n) for name, n in part.intake.items()}
        rows = _sum(rows, intake)
    for place, one in days.items():
        sealed = seal.epoch(place)
        if not one.fits(sealed):
            misses = f"{day} of partition {place[1]} misses an epoch: {one}"
        if one.recent != StoredRollup():
            checkpoints[place[1]] = one.progress.checkpoints
        beside[place[1]] = one.rollup(sealed).rows
    return DayAsRead(seal, _sum(rows, *beside.values()), beside, checkpoints, misses)


def _sum(*parts: Mapping[RowKey, Counters]) -> dict[RowKey, Counters]:
    return dict(merge(map(Rollup, parts)).rows)


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


def _comparable(
    read: DayAsRead, expected: Mapping[RowKey, Counters]
) -> tuple[Mapping[RowKey, Counters], Mapping[RowKey, Counters]]:
    """Return what can be compared.

    A value may be listed in one partition and not in another, or beside a seal and not in it.
    """
    parts = len(read.checkpoints) + len(read.seal.parts)
    if parts > 1 and any(value == OTHER for _, value in read.rows):
        return _sums(read.rows), _sums(expected)
    return read.rows, expected


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
