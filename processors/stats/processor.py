"""The commit protocol: fold a batch, write rollups first, then visitor states.

Whatever a crash leaves behind, the retry finds either an old state, recomputes the same deltas and
drops those that the rollup item's checkpoint covers, or a new state and skips the record. See
docs/architecture.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from aggregates.accumulator import Rows
from aggregates.fold import Folded, fold
from aggregates.stores.ports import (
    RollupKey,
    RollupStore,
    SealStore,
    StoredVisitor,
    Versioned,
    VisitorKey,
    VisitorStore,
)
from aggregates.window import local_hour
from processors.commit import repeat
from processors.dead_letter import DeadLetterStore
from processors.record import UNFOLDABLE, Decoded, Poison, Record, decode
from processors.rollups import RECENT_BYTES, Addition, Additions, remembered
from runtime.sites.cache import SiteCache
from runtime.sites.retention import USUAL
from runtime.sites.site import DAY, Site

STATE_LIFETIME = USUAL.states * DAY
"""How long a visitor state is kept after its last change, at least. A visitor id lives for at most
36 h (a day's salt and a token of 12 h) and its events may come 24 h late."""

REMEMBERED_ITEMS_BYTES = 48 * 1024 * 1024
"""Of rollup items, not of states: what is folded from an item that is out of date is a conflict,
and is folded again; from a state that is older than its items it would be wrong."""

NO_STATE = Versioned(StoredVisitor(), 0)

Partition = tuple[str, int]
"""Site id and partition number."""
Pending = tuple[Site, Sequence[Decoded]]
"""The records of a partition, in order."""
States = Mapping[VisitorKey, Versioned[StoredVisitor]]


@dataclass(slots=True)
class StatsOutcome:
    """What a batch came to."""

    events_counted: int = 0
    events_duplicate: int = 0
    records_redelivered: int = 0
    records_poisoned: int = 0
    write_conflicts: int = 0

    def add(self, work: "_PartitionWork") -> None:
        """Count what was folded and written."""
        self.records_poisoned += len(work.poison)
        for one in work.folded:
            self.events_counted += one.events_counted
            self.events_duplicate += one.events_duplicate
            self.records_redelivered += one.redelivered


@dataclass(slots=True)
class Added:
    """What was not counted before, whatever the states of visitors say."""

    records: int = 0
    """Of which some item did not hold its share yet."""
    events: int = 0
    """Of these records."""


@dataclass(slots=True)
class _PartitionWork:
    """What folding the records of one partition gave."""

    site: Site
    partition: int
    additions: Additions
    days: dict[date, Addition] = field(default_factory=dict)
    states: dict[VisitorKey, Versioned[StoredVisitor]] = field(default_factory=dict)
    folded: list[Folded] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)
    rest: Sequence[Decoded] = ()
    """Records that are left for the next write."""
    added: Added = field(default_factory=Added)

    def rows_of(self, record: Record, day: date) -> Rows | None:
        """Return where a record's share of a day is to be added; None where it is in.

        It is asked for once for each record and day.
        """
        addition = self.days.get(day)
        if addition is None:
            key = _item(self.site, day, self.partition)
            addition = self.days[day] = self.additions.to(key)
        return addition.rows_of(record)

    def is_full(self) -> bool:
        """Say whether an item gets as much as one write should add."""
        return any(addition.is_full() for addition in self.days.values())

    def items(self) -> set[RollupKey]:
        """Return the items that are added to."""
        return {_item(self.site, day, self.partition) for day in self.days}


class _Shares(dict[date, Rows | None]):
    """Where a record's share of each day is to be added. The fold asks six times for an event."""

    __slots__ = ("_record", "_work")

    def __init__(self, work: _PartitionWork, record: Record) -> None:
        self._work, self._record = work, record

    def __missing__(self, day: date) -> Rows | None:
        rows = self[day] = self._work.rows_of(self._record, day)
        return rows


@dataclass(frozen=True, slots=True)
class StatsStores:
    """Where the stats consumer writes; of the seals it only reads."""

    rollups: RollupStore
    seals: SealStore
    visitors: VisitorStore
    dead_letters: DeadLetterStore


class StatsProcessor:
    """Counts batches of records into rollups, exactly once.

    Args:
        sites: knows the sites.
        stores: hold what is counted.
        recent_bytes: of rows that a RECENT item may have, whatever the size of its base.
    """

    def __init__(
        self, sites: SiteCache, stores: StatsStores, *, recent_bytes: int = RECENT_BYTES
    ) -> None:
        self.added = Added()
        self._sites, self._stores = sites, stores
        self._rollups = remembered(stores.rollups, REMEMBERED_ITEMS_BYTES)
        self._recent_bytes = recent_bytes

    def run(self, records: Sequence[Record], *, now: datetime) -> StatsOutcome:
        """Count a batch. Any part of it may have been counted before.

        Raises:
            RetryableError: nothing, or some of it, is counted; running it again is safe.
        """
        decoded, poison = decode(records)
        pending, unknown = self._partitions(decoded, now)
        self._stores.dead_letters.put(poison + unknown)
        outcome = StatsOutcome(records_poisoned=len(poison) + len(unknown))
        while pending:
            works: dict[Partition, _PartitionWork] = {}
            outcome.write_conflicts += repeat(pending, partial(self._attempt, works, now))
            for work in works.values():
                outcome.add(work)
                self.added.records += work.added.records
                self.added.events += work.added.events
            pending = {key: (work.site, work.rest) for key, work in works.items() if work.rest}
        return outcome

    def _partitions(
        self, decoded: Iterable[Decoded], now: datetime
    ) -> tuple[dict[Partition, Pending], list[Poison]]:
        partitions: dict[Partition, tuple[Site, list[Decoded]]] = {}
        unknown: list[Poison] = []
        for one in decoded:
            site = self._sites.get(one.batch.site_id, now=now)
            if site is None:
                unknown.append(Poison(one.record, f"unknown site {one.batch.site_id!r}"))
            else:
                key = (site.site_id, one.partition)
                partitions.setdefault(key, (site, []))[1].append(one)
        return dict(partitions), unknown

    def _attempt(
        self,
        works: dict[Partition, _PartitionWork],
        now: datetime,
        pending: Mapping[Partition, Pending],
    ) -> set[Partition]:
        """Fold partitions and write what that gives; return those of which a write was lost."""
        stored = self._stores.visitors.load(
            {
                _visitor_key(site, one)
                for site, of in pending.values()
                for one in of
                if one.batch.events
            }
        )
        additions = Additions(self._rollups, self._stores.seals, self._recent_bytes)
        additions.load(
            key
            for (_, partition), (site, of) in pending.items()
            for key in _items_of(site, partition, of)
        )
        for (site_id, partition), (site, of) in pending.items():
            work = _PartitionWork(site, partition, additions)
            works[site_id, partition] = work
            expires_at = int((now + site.retention.states * DAY).timestamp())
            _fold(work, of, stored, expires_at)
        attempted = {key: works[key] for key in pending}
        self._stores.dead_letters.put(
            poison for work in attempted.values() for poison in work.poison
        )
        lost_items = additions.save(now)
        lost = {key for key, one in attempted.items() if not lost_items.isdisjoint(one.items())}
        states = {
            key: state
            for partition, work in attempted.items()
            if partition not in lost
            for key, state in work.states.items()
        }
        lost_states = self._stores.visitors.save(states) if states else set()
        return lost | {
            key for key, one in attempted.items() if not lost_states.isdisjoint(one.states)
        }


def _fold(
    work: _PartitionWork, records: Sequence[Decoded], stored: States, expires_at: int
) -> None:
    """Fold a partition's records, in order, as many as one write should add."""
    for number, one in enumerate(records):
        if number and work.is_full():
            work.rest = records[number:]
            return
        _fold_one(work, one, stored, expires_at)


def _fold_one(
    work: _PartitionWork,
    one: Decoded,
    stored: States,
    expires_at: int,
) -> None:
    key = _visitor_key(work.site, one)
    known = work.states.get(key) or stored.get(key, NO_STATE)
    shares = _Shares(work, one.record)
    days, timezone = shares.__getitem__, work.site.timezone
    try:
        folded = fold(known.value.state, one.batch, one.record.position, timezone, days)
    except UNFOLDABLE as error:
        work.poison.append(Poison(one.record, f"unfoldable: {type(error).__name__}: {error}"))
        return
    work.folded.append(folded)
    if any(rows is not None for rows in shares.values()):
        work.added.records += 1
        work.added.events += folded.events_counted
    if one.batch.events and not folded.redelivered:
        work.states[key] = Versioned(StoredVisitor(folded.state, expires_at), known.version)


def _items_of(site: Site, partition: int, records: Iterable[Decoded]) -> set[RollupKey]:
    """Return the items that records are sure to be added to; a visit may touch others."""
    moments = {one.batch.received_at for one in records}
    moments.update(event.occurred_at for one in records for event in one.batch.events)
    days: set[date] = set()
    for moment in moments:
        with suppress(*UNFOLDABLE):
            days.add(local_hour(moment, site.timezone).day)
    return {_item(site, day, partition) for day in days}


def _item(site: Site, day: date, partition: int) -> RollupKey:
    return RollupKey(site.generation, site.site_id, day, partition)


def _visitor_key(site: Site, one: Decoded) -> VisitorKey:
    return VisitorKey(site.generation, site.site_id, one.batch.visitor_id)
