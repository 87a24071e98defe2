"""Negative controls: each lacks one part of what makes counts exact, and must be caught."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from aggregates.stores.ports import MinuteKey, StoredMinute, Versioned
from processors import rollups
from processors.realtime import processor as realtime
from processors.record import Decoded, Poison
from processors.stats.processor import StatsProcessor
from schemas.event import Event
from tests.simulation.memory_stores import (
    MemoryArchiveStore,
    MemoryDeadLetterStore,
    MemoryMinuteStore,
    MemoryRollupStore,
    MemoryVisitorStore,
)
from tests.simulation.schedule import REAL, Stores, Variant


class StatesFirst(StatsProcessor):
    """A crash between the two writes loses the deltas."""

    def _write_rollups(self, works: Collection[Any], now: datetime) -> int:  # type: ignore[override]
        self._kept = (list(works), now)
        return 0

    def _write_states(self, works: Any) -> set[Any]:
        lost = super()._write_states(works)
        super()._write_rollups(*self._kept)
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


def states_first(_: pytest.MonkeyPatch) -> Variant:
    return replace(REAL, stats=StatesFirst)


def items_without_checkpoint(patch: pytest.MonkeyPatch) -> Variant:
    patch.setattr(rollups, "is_ahead", lambda *_: True)
    return REAL


def no_window_of_event_ids(patch: pytest.MonkeyPatch) -> Variant:
    def all_of_them(
        events: Sequence[Event], known: tuple[bytes, ...]
    ) -> tuple[list[Event], tuple[bytes, ...]]:
        return list(events), known

    patch.setattr("aggregates.fold._without_duplicates", all_of_them)
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

    def apart(
        pending: dict[MinuteKey, list[Decoded]],
        stored: dict[MinuteKey, Versioned[StoredMinute]],
        now: datetime,
    ) -> dict[MinuteKey, Versioned[StoredMinute]]:
        folded = ((key, realtime._folded(key, pending[key], stored, now)) for key in pending)
        return {key: change for key, change in folded if change is not None}

    patch.setattr(realtime, "_folded_in_order", apart)
    return REAL


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
}
"""The share of schedules in which each must be caught."""
