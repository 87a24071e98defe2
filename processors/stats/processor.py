"""The commit protocol: fold a batch, write rollups first, then visitor states.

Whatever a crash leaves behind, the retry finds either an old state, recomputes the same deltas and
drops those that the rollup item's checkpoint covers, or a new state and skips the record. See
docs/architecture.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aggregates.fold import Folded, fold
from aggregates.stores.ports import (
    RollupKey,
    RollupStore,
    StoredVisitor,
    Versioned,
    VisitorKey,
    VisitorStore,
)
from processors.dead_letter import DeadLetterStore
from processors.record import UNFOLDABLE, Decoded, Poison, Record, decode
from processors.rollups import MAX_ATTEMPTS, Delta, write_rollups
from runtime.errors import ConflictError
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site

STATE_LIFETIME = timedelta(hours=72)
"""How long a visitor state is kept after its last change. A visitor id lives for at most 36 h (a
day's salt and a token of 12 h) and its events may come 24 h late."""

NO_STATE = Versioned(StoredVisitor(), 0)

Partition = tuple[str, int]
"""Site id and partition number."""


@dataclass(slots=True)
class StatsOutcome:
    """What a batch came to."""

    events_counted: int = 0
    events_duplicate: int = 0
    records_redelivered: int = 0
    records_poisoned: int = 0
    write_conflicts: int = 0

    def add(self, folded: Iterable[Folded]) -> None:
        """Count what was folded and written."""
        for one in folded:
            self.events_counted += one.events_counted
            self.events_duplicate += one.events_duplicate
            self.records_redelivered += one.redelivered


@dataclass(slots=True)
class _PartitionWork:
    """The records of one partition, and what folding them gave."""

    site: Site
    records: list[Decoded] = field(default_factory=list)
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
        for _ in range(MAX_ATTEMPTS):
            works = self._fold(pending, now)
            outcome.write_conflicts += self._write_rollups(works.values(), now)
            lost = self._write_states(works)
            for partition, work in works.items():
                if partition not in lost:
                    outcome.add(work.folded)
                    outcome.records_poisoned += len(work.poison)
            pending = {partition: pending[partition] for partition in lost}
            if not pending:
                return outcome
            outcome.write_conflicts += len(lost)
        raise ConflictError(f"{len(pending)} partitions lost {MAX_ATTEMPTS} conflicts in a row")

    def _partitions(
        self, decoded: Iterable[Decoded], now: datetime
    ) -> tuple[dict[Partition, tuple[Site, list[Decoded]]], list[Poison]]:
        partitions: dict[Partition, tuple[Site, list[Decoded]]] = {}
        unknown: list[Poison] = []
        for one in decoded:
            site = self._sites.get(one.batch.site_id, now=now)
            if site is None:
                unknown.append(Poison(one.record, f"unknown site {one.batch.site_id!r}"))
            else:
                key = (site.site_id, one.partition)
                partitions.setdefault(key, (site, []))[1].append(one)
        return partitions, unknown

    def _fold(
        self, pending: Mapping[Partition, tuple[Site, list[Decoded]]], now: datetime
    ) -> dict[Partition, _PartitionWork]:
        """Load the states and fold every partition's records, in order."""
        keys = {
            _visitor_key(site, one)
            for site, group in pending.values()
            for one in group
            if one.batch.events
        }
        states = self._visitors.load(keys)
        works: dict[Partition, _PartitionWork] = {}
        for partition, (site, group) in pending.items():
            work = _PartitionWork(site, group)
            for one in group:
                _fold_one(work, one, states, now)
            works[partition] = work
        self._dead_letters.put(poison for work in works.values() for poison in work.poison)
        return works

    def _write_rollups(self, works: Iterable[_PartitionWork], now: datetime) -> int:
        """Merge the deltas into their items; return how many conflicts it took."""
        deltas = {key: group for work in works for key, group in work.deltas.items()}
        return write_rollups(self._rollups, deltas, now)

    def _write_states(self, works: Mapping[Partition, _PartitionWork]) -> set[Partition]:
        """Write the states; return the partitions in which another writer was first."""
        changes = {key: state for work in works.values() for key, state in work.states.items()}
        lost = self._visitors.save(changes) if changes else set()
        return {partition for partition, work in works.items() if not lost.isdisjoint(work.states)}


def _fold_one(
    work: _PartitionWork,
    one: Decoded,
    states: Mapping[VisitorKey, Versioned[StoredVisitor]],
    now: datetime,
) -> None:
    key = _visitor_key(work.site, one)
    stored = work.states.get(key) or states.get(key, NO_STATE)
    try:
        folded = fold(stored.value.state, one.batch, one.record.position, work.site.timezone)
    except UNFOLDABLE as error:
        work.poison.append(Poison(one.record, f"unfoldable: {type(error).__name__}: {error}"))
        return
    work.folded.append(folded)
    if folded.redelivered:
        return
    if one.batch.events:
        expires_at = int((now + STATE_LIFETIME).timestamp())
        work.states[key] = Versioned(StoredVisitor(folded.state, expires_at), stored.version)
    for day, rollup in folded.deltas.items():
        item = RollupKey(work.site.generation, work.site.site_id, day, one.partition)
        work.deltas.setdefault(item, []).append(Delta(one.record, rollup))


def _visitor_key(site: Site, one: Decoded) -> VisitorKey:
    return VisitorKey(site.generation, site.site_id, one.batch.visitor_id)
