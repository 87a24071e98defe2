"""Negative controls: each lacks one part of what makes counts exact, and must be caught."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Generic, TypeVar

import pytest

from aggregates.filter import Filter
from aggregates.stores import encoding
from aggregates.stores.ports import StoredRollup, Versioned, VersionedStore
from ingest.hits.visitor import partition_of
from processors.commit import commit
from processors.record import Poison
from runtime.sites.partitions import PartitionSchedule
from tests.simulation.memory_stores import (
    MemoryArchiveStore,
    MemoryDeadLetterStore,
    MemoryMinuteStore,
    MemoryRollupStore,
    MemoryVisitorStore,
)
from tests.simulation.schedule import REAL, Stores, Variant
from tests.simulation.traffic import KEPT, Token, Traffic

U = TypeVar("U")
W = TypeVar("W")
K = TypeVar("K")
V = TypeVar("V")

CHANGED_AFTER = 5
"""Records."""

LITTLE_ROOM = 400
"""Bytes of an item's tables and checkpoints."""


class StatesFirstStore(Generic[K, V]):
    """Does after a save what was to be done before it."""

    def __init__(self, store: VersionedStore[K, V], later: Callable[[], None]) -> None:
        self.load = store.load
        self._store, self._later = store, later

    def save(self, changes: Mapping[K, Versioned[V]]) -> set[K]:
        lost = self._store.save(changes)
        self._later()
        return lost


class Unpadded(int):
    """A sequence number that compares as a string of digits."""

    def __lt__(self, other: int) -> bool:
        return str(int(self)) < str(int(other))

    def __le__(self, other: int) -> bool:
        return str(int(self)) <= str(int(other))

    def __gt__(self, other: int) -> bool:
        return str(int(self)) > str(int(other))

    def __ge__(self, other: int) -> bool:
        return str(int(self)) >= str(int(other))


class NoDeadLetters(MemoryDeadLetterStore):
    """Poison is passed and forgotten."""

    def put(self, poison: Iterable[Poison]) -> None:
        for _ in poison:
            pass


class OverwritingStores(Stores):
    """The archive writes objects without asking whether one stands there."""

    def archive(self) -> MemoryArchiveStore:
        return MemoryArchiveStore(self.archive_objects, conditional=False)


def states_first(patch: pytest.MonkeyPatch) -> Variant:
    """A crash between the two writes loses the deltas."""

    def commit_states_first(
        store: VersionedStore[K, V],
        pending: Mapping[U, W],
        keys: Any,
        merge: Any,
        first: Callable[[Iterable[U]], None],
    ) -> int:
        held: list[U] = []

        def later() -> None:
            first(held)
            held.clear()

        repeated = commit(StatesFirstStore(store, later), pending, keys, merge, held.extend)
        if held:  # there was no state to save
            later()
        return repeated

    patch.setattr("processors.stats.processor.commit", commit_states_first)
    return REAL


def items_without_checkpoint(patch: pytest.MonkeyPatch) -> Variant:
    patch.setattr("processors.rollups.covered", lambda *_: False)
    return REAL


def no_window_of_event_ids(patch: pytest.MonkeyPatch) -> Variant:
    patch.setattr("aggregates.fold.RECENT_EVENT_IDS", 0)
    return REAL


def unconditional_states(_: pytest.MonkeyPatch) -> Variant:
    visitors = partial(MemoryVisitorStore, conditional=False)
    return replace(REAL, stores=lambda: Stores(visitors=visitors()))


def unconditional_rollups(_: pytest.MonkeyPatch) -> Variant:
    rollups = partial(MemoryRollupStore, conditional=False)
    return replace(REAL, stores=lambda: Stores(rollups=rollups()))


def unpadded_numbers(_: pytest.MonkeyPatch) -> Variant:
    return replace(REAL, number=Unpadded)


def poison_is_lost(_: pytest.MonkeyPatch) -> Variant:
    return replace(REAL, stores=lambda: Stores(dead_letters=NoDeadLetters()))


def archive_overwrites(_: pytest.MonkeyPatch) -> Variant:
    return replace(REAL, stores=OverwritingStores)


def unconditional_minutes(_: pytest.MonkeyPatch) -> Variant:
    minutes = partial(MemoryMinuteStore, conditional=False)
    return replace(REAL, stores=lambda: Stores(minutes=minutes()))


def minutes_folded_apart(patch: pytest.MonkeyPatch) -> Variant:
    """A minute does not see what the same batch adds to the one before it."""

    def commit_latest_first(
        store: VersionedStore[K, V], pending: Mapping[U, W], keys: Any, merge: Any
    ) -> int:
        return commit(store, dict(reversed(list(pending.items()))), keys, merge)

    patch.setattr("processors.realtime.processor.commit", commit_latest_first)
    return REAL


def little_room(patch: pytest.MonkeyPatch) -> Counter[bool]:
    """Let rollup items hold about half of what a schedule fills; count how often values move."""
    encode, moved = encoding.encode_rollup, Counter[bool]()

    def with_little_room(stored: StoredRollup) -> encoding.Attributes:
        with pytest.MonkeyPatch.context() as within:
            within.setattr(encoding, "MAX_ITEM_BYTES", LITTLE_ROOM)
            attributes = encode(stored)
        moved[encoding.decode_rollup(attributes).crowded_out != stored.crowded_out] += 1
        return attributes

    patch.setattr(encoding, "encode_rollup", with_little_room)
    return moved


def forgets_what_was_moved(patch: pytest.MonkeyPatch) -> Variant:
    """A value that had to leave comes back with what is counted from then on."""
    little_room(patch)
    patch.setattr(Filter, "with_all", lambda known, *_: known)
    return REAL


class ChangedInMidDay(Traffic):
    """There are eight times as many partitions at once, for visitors who are there already.

    Some of their tabs have tokens of before the change, others of after.
    """

    _asked = 0

    def _partition(self, token: Token) -> int:
        self._asked += 1
        number = self._site.partitions.number_on(token.day)
        if self._asked > CHANGED_AFTER and self._rng.random() < KEPT:
            number *= 8
        changed = replace(self._site, partitions=PartitionSchedule.always(number))
        return partition_of(changed, token.day, token.visitor)


def partitions_changed_in_mid_day(_: pytest.MonkeyPatch) -> Variant:
    """A visitor has two writers, whose deltas are made against one state."""
    return replace(REAL, traffic=ChangedInMidDay, visitors_lie_apart=False)


OFTEN = 0.5

CONTROLS: dict[Callable[[pytest.MonkeyPatch], Variant], float] = {
    states_first: OFTEN,
    items_without_checkpoint: OFTEN,
    no_window_of_event_ids: OFTEN,
    unconditional_states: OFTEN,
    unconditional_rollups: OFTEN,
    unpadded_numbers: OFTEN,
    poison_is_lost: OFTEN,
    archive_overwrites: OFTEN,
    unconditional_minutes: OFTEN,
    minutes_folded_apart: OFTEN,
    forgets_what_was_moved: OFTEN,
    partitions_changed_in_mid_day: OFTEN,
}
"""The share of schedules in which each must be caught."""
