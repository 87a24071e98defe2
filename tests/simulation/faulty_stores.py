"""Stores that make things go wrong: before, within and after every call."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Generic, TypeVar

from aggregates.seal import Period
from aggregates.stores.ports import (
    EventStore,
    RawEvent,
    RollupKey,
    RollupStore,
    SealKey,
    SealStore,
    StoredRollup,
    StoredSeal,
    Versioned,
    VersionedStore,
)
from processors.archive.store import ArchivedRecord, ArchiveStore
from processors.record import Poison
from runtime.sites.site import Site
from tests.simulation.faults import Fault, Gate
from tests.simulation.memory_stores import MemoryDeadLetterStore, MemorySiteStore

K = TypeVar("K")
V = TypeVar("V")


class FaultyVersionedStore(Generic[K, V]):
    """A VersionedStore behind a gate. As on DynamoDB no call is atomic over its keys."""

    def __init__(
        self,
        name: str,
        store: VersionedStore[K, V],
        gate: Gate,
        written: Callable[[K, V], None] = lambda _key, _value: None,
    ) -> None:
        self._name, self._store, self._gate, self._written = name, store, gate, written

    def load(self, keys: Iterable[K]) -> dict[K, Versioned[V]]:
        call = f"load {self._name}"
        self._gate.before(call)
        loaded: dict[K, Versioned[V]] = {}
        for number, key in enumerate(_in_order(keys)):
            if number:
                self._gate.within_load()
            loaded.update(self._store.load([key]))
        self._gate.after(call)
        return loaded

    def save(self, changes: Mapping[K, Versioned[V]]) -> set[K]:
        call = f"save {self._name}"
        self._gate.before(call, writes=True)
        lost: set[K] = set()
        for number, key in enumerate(_in_order(changes)):
            if number:
                self._gate.within(call)
            if self._save(call, key, changes[key]):
                lost.add(key)
        self._gate.after(call)
        return lost

    def _save(self, call: str, key: K, change: Versioned[V]) -> bool:
        """Save one key; say whether it is lost."""
        if self._store.save({key: change}):
            self._gate.count(Fault.CONFLICT)
            self._gate.note(f"{call}: conflict on {key}")
            return True
        self._written(key, change.value)
        return self._gate.repeats(f"{call}: conflict with itself on {key}")


class FaultyRollupStore(FaultyVersionedStore[RollupKey, StoredRollup]):
    """A RollupStore behind a gate."""

    def __init__(
        self,
        name: str,
        store: RollupStore,
        gate: Gate,
        written: Callable[[RollupKey, StoredRollup], None],
    ) -> None:
        super().__init__(name, store, gate, written)
        self._rollups = store

    def items(
        self, generation: int, site_id: str, first: date, last: date
    ) -> dict[RollupKey, Versioned[StoredRollup]]:
        self._gate.before("read rollups")
        return self._rollups.items(generation, site_id, first, last)

    def drop(self, versions: Mapping[RollupKey, int]) -> set[RollupKey]:
        return {key for key, version in versions.items() if self._drop(key, version)}

    def _drop(self, key: RollupKey, version: int) -> bool:
        """Drop one key; say whether it is lost."""
        self._gate.before("drop rollup", writes=True)
        is_lost = bool(self._rollups.drop({key: version}))
        if not is_lost:
            self._gate.count(Fault.DROPPED)
            self._written(key, StoredRollup())
        self._gate.after("drop rollup")
        return is_lost


class FaultySealStore(FaultyVersionedStore[SealKey, StoredSeal]):
    """A SealStore behind a gate."""

    def __init__(
        self,
        store: SealStore,
        gate: Gate,
        written: Callable[[SealKey, StoredSeal], None],
    ) -> None:
        super().__init__("seals", store, gate, written)
        self._seals = store

    def seals(
        self, generation: int, site_id: str, period: Period, first: date, last: date
    ) -> dict[SealKey, StoredSeal]:
        self._gate.before("read seals")
        return self._seals.seals(generation, site_id, period, first, last)

    def versions(
        self, generation: int, site_id: str, period: Period, first: date, last: date
    ) -> dict[SealKey, int]:
        return self._seals.versions(generation, site_id, period, first, last)

    def delete(self, keys: Iterable[SealKey]) -> None:
        self._seals.delete(keys)


def _in_order(keys: Iterable[K]) -> list[K]:
    """Sets of strings have another order in each process; a seed must not."""
    found = list(keys)
    return sorted(found, key=repr) if len(found) > 1 else found


class FaultyArchiveStore:
    """The writing end of an ArchiveStore behind a gate."""

    def __init__(self, store: ArchiveStore, gate: Gate) -> None:
        self._store, self._gate = store, gate
        self.shards, self.records = store.shards, store.records

    def tail(self, shard: str) -> int:
        self._gate.before("read archive")
        tail = self._store.tail(shard)
        self._gate.after("read archive")
        return tail

    def append(
        self, shard: str, after: int, records: Sequence[ArchivedRecord], events: int = 0
    ) -> int:
        self._gate.before("append archive", writes=True)
        tail = self._store.append(shard, after, records, events)
        if tail != records[-1].sequence_number:
            self._gate.count(Fault.CONFLICT)
        self._gate.after("append archive")
        return tail


class FaultyDeadLetterStore:
    """A DeadLetterStore behind a gate. To put nothing is no call."""

    def __init__(self, store: MemoryDeadLetterStore, gate: Gate) -> None:
        self._store, self._gate = store, gate
        self.names, self.get, self.mark_redriven = store.names, store.get, store.mark_redriven

    def put(self, poison: Iterable[Poison]) -> None:
        for one in poison:
            self._gate.before("put dead letter", writes=True)
            self._store.put([one])
            self._gate.after("put dead letter")


class FaultyEventStore:
    """The writing end of an EventStore behind a gate."""

    def __init__(self, store: EventStore, gate: Gate) -> None:
        self._store, self._gate = store, gate
        self.session, self.every, self.delete = store.session, store.every, store.delete

    def put(self, events: Sequence[RawEvent]) -> None:
        call = "put events"
        self._gate.before(call, writes=True)
        half = len(events) // 2
        self._store.put(events[:half])
        if half:
            self._gate.within(call)
        self._store.put(events[half:])
        self._gate.after(call)


class FaultySiteStore(MemorySiteStore):
    """A SiteStore behind a gate."""

    def __init__(self, site: Site, gate: Gate) -> None:
        super().__init__()
        self.add(site)
        self._gate = gate

    def get(self, site_id: str) -> Site | None:
        self._gate.before("read site")
        site = super().get(site_id)
        self._gate.after("read site")
        return site
