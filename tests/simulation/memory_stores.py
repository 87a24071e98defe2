"""Twins of the stores in memory: fast, and exact in what they keep.

Values are kept encoded, as the adapters keep them, so that every load reads what encoding wrote;
they are decoded once a version. Encoding takes a third of a simulated schedule, so most of those
keep the values themselves.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Generic, TypeVar

from aggregates.seal import Period
from aggregates.stores import encoding
from aggregates.stores.ports import (
    MinuteKey,
    RawEvent,
    RollupKey,
    SealKey,
    StoredMinute,
    StoredRollup,
    StoredSeal,
    StoredVisitor,
    Versioned,
    VisitorKey,
)
from processors.archive.store import (
    BEGINNING,
    ArchivedRecord,
    decode_object,
    encode_object,
    last_sequence,
)
from processors.dead_letter import DeadLetter, content, letter, name_of
from processors.record import Poison
from runtime.sites.encoding import decode_site, encode_site
from runtime.sites.site import Site

K = TypeVar("K")
V = TypeVar("V")
Encoded = tuple[int, encoding.Attributes]


class MemoryVersionedStore(Generic[K, V]):
    """A VersionedStore in a dictionary.

    Args:
        empty: what is not stored.
        encode: gives a value's attributes.
        decode: reads them back.
        conditional: whether a write needs the version it names. A broken variant sets it to False.
    """

    def __init__(
        self,
        empty: V,
        encode: Callable[[V], encoding.Attributes],
        decode: Callable[[Mapping[str, Any]], V],
        *,
        first_version: Callable[[V], int] = lambda _: 1,
        conditional: bool = True,
    ) -> None:
        self.encodes = True
        """Whether values are kept encoded. To be set before anything is saved."""
        self._first_version = first_version
        self._rows: dict[K, Encoded] = {}
        self._decoded: dict[K, Versioned[V]] = {}
        self._nothing = Versioned(empty, 0)
        self._encode, self._decode = encode, decode
        self._conditional = conditional

    def load(self, keys: Iterable[K]) -> dict[K, Versioned[V]]:
        return {key: self._load(key) for key in keys}

    def save(self, changes: Mapping[K, Versioned[V]]) -> set[K]:
        return {key for key, change in changes.items() if not self._save(key, change)}

    def values(self) -> Iterator[tuple[K, V]]:
        """Return all that is stored, by key."""
        keys: list[Any] = sorted(self._rows)
        return ((key, self._load(key).value) for key in keys)

    def _load(self, key: K) -> Versioned[V]:
        known = self._decoded.get(key)
        if known is None:
            if key not in self._rows:
                return self._nothing
            version, attributes = self._rows[key]
            known = self._decoded[key] = Versioned(self._decode(attributes), version)
        return known

    def _save(self, key: K, change: Versioned[V]) -> bool:
        stored = self._rows[key][0] if key in self._rows else 0
        if self._conditional and stored != change.version:
            return False
        self._decoded.pop(key, None)
        last = max(stored, change.version)
        version = last + 1 if last else self._first_version(change.value)
        if self.encodes:
            self._rows[key] = (version, self._encode(change.value))
        else:
            self._rows[key] = (version, {})
            self._decoded[key] = Versioned(change.value, version)
        return True


class MemoryRollupStore(MemoryVersionedStore[RollupKey, StoredRollup]):
    """A RollupStore in memory."""

    def __init__(self, *, conditional: bool = True) -> None:
        super().__init__(
            StoredRollup(),
            encoding.encode_rollup,
            encoding.decode_rollup,
            first_version=encoding.first_version,
            conditional=conditional,
        )

    def items(
        self, generation: int, site_id: str, first: date, last: date
    ) -> dict[RollupKey, Versioned[StoredRollup]]:
        found = sorted(
            key
            for key in self._rows
            if first <= key.day <= last and (key.generation, key.site_id) == (generation, site_id)
        )
        return {key: self._load(key) for key in found}

    def drop(self, versions: Mapping[RollupKey, int]) -> set[RollupKey]:
        return {key for key, version in versions.items() if not self._drop(key, version)}

    def _drop(self, key: RollupKey, version: int) -> bool:
        stored = self._rows[key][0] if key in self._rows else 0
        if not stored or (self._conditional and stored != version):
            return False
        del self._rows[key]
        self._decoded.pop(key, None)
        return True


class MemorySealStore(MemoryVersionedStore[SealKey, StoredSeal]):
    """A SealStore in memory."""

    def __init__(self, *, conditional: bool = True) -> None:
        super().__init__(
            StoredSeal(), encoding.encode_seal, encoding.decode_seal, conditional=conditional
        )

    def seals(
        self, generation: int, site_id: str, period: Period, first: date, last: date
    ) -> dict[SealKey, StoredSeal]:
        found = self.versions(generation, site_id, period, first, last)
        return {key: self._load(key).value for key in found}

    def versions(
        self, generation: int, site_id: str, period: Period, first: date, last: date
    ) -> dict[SealKey, int]:
        found = sorted(
            key
            for key in self._rows
            if first <= key.first <= last
            if (key.generation, key.site_id, key.period) == (generation, site_id, period)
        )
        return {key: self._rows[key][0] for key in found}

    def delete(self, keys: Iterable[SealKey]) -> None:
        for key in keys:
            self._rows.pop(key, None)
            self._decoded.pop(key, None)


class MemoryVisitorStore(MemoryVersionedStore[VisitorKey, StoredVisitor]):
    """A VisitorStore in memory."""

    def __init__(self, *, conditional: bool = True) -> None:
        super().__init__(
            StoredVisitor(),
            encoding.encode_visitor,
            encoding.decode_visitor,
            conditional=conditional,
        )


class MemoryMinuteStore(MemoryVersionedStore[MinuteKey, StoredMinute]):
    """A MinuteStore in memory."""

    def __init__(self, *, conditional: bool = True) -> None:
        super().__init__(
            StoredMinute(),
            encoding.encode_minute,
            encoding.decode_minute,
            conditional=conditional,
        )

    def minutes(self, site_id: str, first: int, last: int) -> list[tuple[MinuteKey, StoredMinute]]:
        return [
            (key, stored)
            for key, stored in self.values()
            if key.site_id == site_id and first <= key.minute <= last
        ]


last_of = lru_cache(maxsize=1024)(last_sequence)

ArchiveObjects = dict[tuple[str, int], bytes]
"""The bytes of objects by shard and predecessor."""


class MemoryArchiveStore:
    """An ArchiveStore in memory. As every adapter it remembers tails, so each container has one.

    Args:
        objects: what all containers share.
        conditional: whether an object is written only where none stands.
    """

    def __init__(self, objects: ArchiveObjects, *, conditional: bool = True) -> None:
        self._objects = objects
        self._conditional = conditional
        self._tails: dict[str, int] = {}

    def tail(self, shard: str) -> int:
        if shard not in self._tails:
            afters = [after for name, after in self._objects if name == shard]
            newest = self._objects[shard, max(afters)] if afters else b""
            self._tails[shard] = last_of(newest) if newest else BEGINNING
        return self._tails[shard]

    def append(
        self,
        shard: str,
        after: int,
        records: Sequence[ArchivedRecord],
        events: int = 0,  # noqa: ARG002 - nobody takes objects away here
    ) -> int:
        written = encode_object(shard, after, records)
        if self._conditional:
            written = self._objects.setdefault((shard, after), written)
        else:
            self._objects[shard, after] = written
        self._tails[shard] = last_of(written)
        return self._tails[shard]

    def shards(self) -> list[str]:
        return sorted({shard for shard, _ in self._objects})

    def records(self, shard: str, after: int = BEGINNING) -> Iterator[ArchivedRecord]:
        end = BEGINNING
        while standing := self._objects.get((shard, end)):
            yield from (one for one in decode_object(standing) if one.sequence_number > after)
            end = last_of(standing)


class MemoryDeadLetterStore:
    """A DeadLetterStore in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._redriven: set[str] = set()

    def put(self, poison: Iterable[Poison]) -> None:
        for one in poison:
            self._kept.setdefault(name_of(one), content(one))

    def names(self) -> Iterator[str]:
        return iter(sorted(self._kept))

    def get(self, name: str) -> DeadLetter | None:
        if name not in self._kept:
            return None
        return letter(name, self._kept[name], redriven=name in self._redriven)

    def mark_redriven(self, name: str) -> None:
        self._redriven.add(name)

    def letters(self) -> list[DeadLetter]:
        """Return all that is kept, by shard and place."""
        return [letter(name, self._kept[name], redriven=False) for name in self.names()]


class MemoryEventStore:
    """An EventStore in memory. Encoded where it is read: few tests read, and many write."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int, bytes], RawEvent] = {}

    def put(self, events: Sequence[RawEvent]) -> None:
        for raw in events:
            key = (raw.event.session_id, raw.event.occurred_at, raw.event.event_id)
            self._rows.setdefault(key, raw)

    def session(self, session_id: str) -> list[RawEvent]:
        keys = sorted(key for key in self._rows if key[0] == session_id)
        written = [encoding.encode_raw_event(self._rows[key]) for key in keys]
        return [encoding.decode_raw_event(attributes) for attributes in written]

    def every(self) -> Iterator[RawEvent]:
        return iter(list(self._rows.values()))

    def delete(self, events: Collection[RawEvent]) -> None:
        for raw in events:
            key = (raw.event.session_id, raw.event.occurred_at, raw.event.event_id)
            self._rows.pop(key, None)

    def keys(self) -> set[tuple[str, int, bytes]]:
        """Return what identifies each stored event: session, time, event id."""
        return set(self._rows)


decoded_site = lru_cache(maxsize=64)(decode_site)


class MemorySiteStore:
    """A SiteStore in memory."""

    def __init__(self) -> None:
        self._sites: dict[str, str] = {}

    def get(self, site_id: str) -> Site | None:
        settings = self._sites.get(site_id)
        return None if settings is None else decoded_site(settings)

    def add(self, site: Site) -> bool:
        if site.site_id in self._sites:
            return False
        self._sites[site.site_id] = encode_site(site)
        return True

    def update(self, site_id: str, change: Callable[[Site], Site]) -> Site | None:
        before = self.get(site_id)
        if before is None:
            return None
        self._sites[site_id] = encode_site(change(before))
        return self.get(site_id)

    def list(self) -> Iterable[Site]:
        return [decoded_site(settings) for _, settings in sorted(self._sites.items())]

    def remove(self, site_id: str) -> bool:
        return self._sites.pop(site_id, None) is not None
