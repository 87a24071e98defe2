"""The commit protocol: fold a batch, write rollups first, then visitor states.

Whatever a crash leaves behind, the retry finds either an old state, recomputes the same deltas and
drops those that the rollup item's checkpoint covers, or a new state and skips the record. See
docs/architecture.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from aggregates.accumulator import Rows, rollup_of
from aggregates.fold import Folded, fold
from aggregates.stores.ports import (
    RollupKey,
    RollupStore,
    StoredVisitor,
    Versioned,
    VisitorKey,
    VisitorStore,
)
from processors.commit import commit
from processors.dead_letter import DeadLetterStore
from processors.record import UNFOLDABLE, Decoded, Poison, Record, decode
from processors.rollups import Delta, write_rollups
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site

STATE_LIFETIME = timedelta(hours=72)
"""How long a visitor state is kept after its last change. A visitor id lives for at most 36 h (a
day's salt and a token of 12 h) and its events may come 24 h late."""

NO_STATE = Versioned(StoredVisitor(), 0)

Partition = tuple[str, int]
"""Site id and partition number."""
Pending = tuple[Site, list[Decoded]]
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
class _PartitionWork:
    """What folding the records of one partition gave."""

    site: Site
    states: dict[VisitorKey, Versioned[StoredVisitor]] = field(default_factory=dict)
    deltas: dict[RollupKey, list[Delta]] = field(default_factory=dict)
    folded: list[Folded] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)


class StatsProcessor:
    """Counts batches of records into rollups, exactly once."""

    def __init__(
        self,
        sites: SiteCache,
        rollups: RollupStore,
        visitors: VisitorStore,
        dead_letters: DeadLetterStore,
    ) -> None:
        self._sites = sites
        self._rollups = rollups
        self._visitors = visitors
        self._dead_letters = dead_letters

    def run(self, records: Sequence[Record], *, now: datetime) -> StatsOutcome:
        """Count a batch. Any part of it may have been counted before.

        Raises:
            RetryableError: nothing, or some of it, is counted; running it again is safe.
        """
        decoded, poison = decode(records)
        pending, unknown = self._partitions(decoded, now)
        self._dead_letters.put(poison + unknown)
        outcome = StatsOutcome(records_poisoned=len(poison) + len(unknown))
        works: dict[Partition, _PartitionWork] = {}

        def fold_partition(partition: Partition, work: Pending, stored: States) -> States:
            works[partition] = _folded(*work, stored, now)
            return works[partition].states

        def write_rollups_first(partitions: Iterable[Partition]) -> None:
            attempted = [works[partition] for partition in partitions]
            outcome.write_conflicts += self._count(attempted, now)

        repeated = commit(
            self._visitors, pending, _visitor_keys, fold_partition, write_rollups_first
        )
        outcome.write_conflicts += repeated
        for work in works.values():
            outcome.add(work)
        return outcome

    def _partitions(
        self, decoded: Iterable[Decoded], now: datetime
    ) -> tuple[dict[Partition, Pending], list[Poison]]:
        partitions: dict[Partition, Pending] = {}
        unknown: list[Poison] = []
        for one in decoded:
            site = self._sites.get(one.batch.site_id, now=now)
            if site is None:
                unknown.append(Poison(one.record, f"unknown site {one.batch.site_id!r}"))
            else:
                key = (site.site_id, one.partition)
                partitions.setdefault(key, (site, []))[1].append(one)
        return partitions, unknown

    def _count(self, works: Sequence[_PartitionWork], now: datetime) -> int:
        """Keep the poison, and merge the deltas into their items."""
        self._dead_letters.put(poison for work in works for poison in work.poison)
        deltas = {key: group for work in works for key, group in work.deltas.items()}
        return write_rollups(self._rollups, deltas, now)


def _folded(
    site: Site, records: Iterable[Decoded], stored: States, now: datetime
) -> _PartitionWork:
    """Fold a partition's records, in order."""
    work = _PartitionWork(site)
    for one in records:
        _fold_one(work, one, stored, now)
    return work


def _fold_one(
    work: _PartitionWork,
    one: Decoded,
    stored: States,
    now: datetime,
) -> None:
    key = _visitor_key(work.site, one)
    known = work.states.get(key) or stored.get(key, NO_STATE)
    days: defaultdict[date, Rows] = defaultdict(dict)
    try:
        folded = fold(
            known.value.state,
            one.batch,
            one.record.position,
            work.site.timezone,
            days.__getitem__,
        )
    except UNFOLDABLE as error:
        work.poison.append(Poison(one.record, f"unfoldable: {type(error).__name__}: {error}"))
        return
    work.folded.append(folded)
    if folded.redelivered:
        return
    if one.batch.events:
        expires_at = int((now + STATE_LIFETIME).timestamp())
        work.states[key] = Versioned(StoredVisitor(folded.state, expires_at), known.version)
    for day, rows in days.items():
        item = RollupKey(work.site.generation, work.site.site_id, day, one.partition)
        work.deltas.setdefault(item, []).append(Delta(one.record, rollup_of(rows)))


def _visitor_key(site: Site, one: Decoded) -> VisitorKey:
    return VisitorKey(site.generation, site.site_id, one.batch.visitor_id)


def _visitor_keys(_: Partition, work: Pending) -> set[VisitorKey]:
    site, records = work
    return {_visitor_key(site, one) for one in records if one.batch.events}
