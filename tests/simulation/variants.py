"""Negative controls: each lacks one part of what makes counts exact, and must be caught."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any

import pytest

from aggregates.filter import Filter
from aggregates.rollup import Rollup, merge
from aggregates.stores import encoding
from aggregates.stores.layers import OpenDay
from aggregates.stores.ports import (
    RollupKey,
    SealKey,
    StoredRollup,
    StoredSeal,
    Versioned,
    VersionedStore,
)
from ingest.hits.visitor import partition_of
from processors.commit import commit
from processors.record import Poison
from processors.rollups import Additions, Sizes, with_handed
from processors.seal.processor import SealProcessor
from processors.stats.processor import StatsProcessor
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

CHANGED_AFTER = 5
"""Records."""

SEALING = replace(REAL, seals=True)

MANY_SEAL_RUNS = 150
"""For what happens only once all that is open has been dropped."""

LITTLE_ROOM = 400
"""Bytes of an item's tables and checkpoints."""


class LateAdditions(Additions):
    """Writes later what was to be written now."""

    def save(self, now: datetime) -> set[RollupKey]:  # noqa: ARG002 - the signature of the original
        return set()


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

    attempt = StatsProcessor._attempt

    def states_before_rollups(
        processor: StatsProcessor, works: dict[Any, Any], now: datetime, pending: Mapping[Any, Any]
    ) -> set[Any]:
        lost = attempt(processor, works, now, pending)
        for additions in {
            id(works[key].additions): works[key].additions for key in pending
        }.values():
            Additions.save(additions, now)
        return lost

    patch.setattr("processors.stats.processor.Additions", LateAdditions)
    patch.setattr(StatsProcessor, "_attempt", states_before_rollups)
    return REAL


def handed_over_twice(patch: pytest.MonkeyPatch) -> Variant:
    """A base takes an epoch whether or not it has it."""

    def without_looking(base: StoredRollup, recent: StoredRollup) -> StoredRollup:
        return with_handed(replace(base, epoch=0), recent)

    patch.setattr("processors.rollups.with_handed", without_looking)
    return REAL


def handed_over_unkept(patch: pytest.MonkeyPatch) -> Variant:
    """The next write drops what was handed over, whether or not the base has it."""
    laid_out, settled = Additions._laid_out, Additions._settled

    def forgetful(
        self: Additions, grown: StoredRollup, sizes: Sizes, base: StoredRollup
    ) -> StoredRollup:
        return laid_out(self, grown, sizes, replace(base, epoch=grown.epoch))

    def at_once_or_never(
        self: Additions, recents: Mapping[RollupKey, StoredRollup]
    ) -> dict[RollupKey, StoredRollup]:
        return settled(self, {key: one for key, one in recents.items() if not one.rollup.rows})

    patch.setattr(Additions, "_laid_out", forgetful)
    patch.setattr(Additions, "_settled", at_once_or_never)
    return REAL


def sealed_while_open(patch: pytest.MonkeyPatch) -> Variant:
    """The sealer freezes no base: what is handed to it later is in the seal and in the base."""
    written = SealProcessor._written

    def never_frozen(
        self: SealProcessor,
        key: RollupKey,
        known: Versioned[StoredRollup],
        change: StoredRollup,
    ) -> Versioned[StoredRollup]:
        return written(self, key, known, replace(change, frozen=False))

    patch.setattr(SealProcessor, "_written", never_frozen)
    return SEALING


def seals_not_looked_at(patch: pytest.MonkeyPatch) -> Variant:
    """A writer begins a day anew that has been sealed and dropped."""
    patch.setattr(Additions, "_begun", lambda *_: {})
    return SEALING


def bases_begun_unseen(patch: pytest.MonkeyPatch) -> Variant:
    """A writer that remembers rows hands them to a base that has been sealed and dropped since."""
    settled, begun, handing = Additions._settled, Additions._begun, list[bool]()

    def blindly(self: Additions, recents: Mapping[RollupKey, StoredRollup]) -> Any:
        handing.append(True)
        try:
            return settled(self, recents)
        finally:
            handing.pop()

    patch.setattr(Additions, "_settled", blindly)
    patch.setattr(Additions, "_begun", lambda self, keys: {} if handing else begun(self, keys))
    patch.setattr("processors.rollups.room_of", lambda *_: 0.0)  # else it hands over seldom
    return replace(SEALING, recent_bytes=(1,), seal_runs=MANY_SEAL_RUNS)


def dropped_unseen(patch: pytest.MonkeyPatch) -> Variant:
    """The sealer drops the items of a day that has a seal, and does not look what is in them."""
    seal_day = SealProcessor._seal_day

    def sealed_once(
        self: SealProcessor, key: SealKey, partitions: Iterable[int], *rest: Any
    ) -> StoredSeal:
        standing = self._seals.load([key])[key]
        return standing.value if standing.version else seal_day(self, key, partitions, *rest)

    patch.setattr(SealProcessor, "_seal_day", sealed_once)
    patch.setattr("processors.seal.processor.is_open", lambda *_: False)
    return SEALING


def seals_ignored(patch: pytest.MonkeyPatch) -> Variant:
    """A reader adds up a seal and all that is open beside it."""
    read = OpenDay.rollup
    patch.setattr(OpenDay, "rollup", lambda self, _sealed=0: read(self))
    return SEALING


def read_without_epochs(patch: pytest.MonkeyPatch) -> Variant:
    """A reader adds up whatever the two items of a day hold."""

    def added_up(self: OpenDay, sealed: int = 0) -> Rollup:
        del sealed
        return merge((self.base.rollup, self.recent.handed, self.recent.rollup))

    patch.setattr(OpenDay, "rollup", added_up)
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
        store: VersionedStore[Any, Any], pending: Mapping[Any, Any], keys: Any, merge: Any
    ) -> int:
        return commit(store, dict(reversed(list(pending.items()))), keys, merge)

    patch.setattr("processors.realtime.processor.commit", commit_latest_first)
    return REAL


def little_room(patch: pytest.MonkeyPatch) -> Counter[bool]:
    """Let bases hold about half of what a schedule fills; count how often values move."""
    bounded, moved = encoding.bounded, Counter[bool]()

    def with_little_room(stored: StoredRollup) -> StoredRollup:
        with pytest.MonkeyPatch.context() as within:
            within.setattr(encoding, "MAX_ITEM_BYTES", LITTLE_ROOM)
            kept = bounded(stored)
        moved[kept.crowded_out != stored.crowded_out] += 1
        return kept

    patch.setattr("processors.rollups.bounded", with_little_room)
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


class ImportedByAnyNumber(Traffic):
    """Lines go where the number of partitions sends them that the site has when they are sent."""

    def _partition_of_line(self, day: date, visitor: bytes) -> int:
        number = self._site.partitions.number_on(day) * self._rng.choice([1, 8])
        changed = replace(self._site, partitions=PartitionSchedule.always(number))
        return partition_of(changed, day, visitor)


def imported_by_todays_number(_: pytest.MonkeyPatch) -> Variant:
    """The number changes while a log is imported: a visitor of it has two writers."""
    return replace(
        SEALING, traffic=ImportedByAnyNumber, visitors_lie_apart=False, seal_runs=MANY_SEAL_RUNS
    )


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
    handed_over_twice: OFTEN,
    handed_over_unkept: OFTEN,
    read_without_epochs: OFTEN,
    sealed_while_open: OFTEN,
    seals_not_looked_at: OFTEN,
    bases_begun_unseen: OFTEN,
    dropped_unseen: OFTEN,
    seals_ignored: OFTEN,
    partitions_changed_in_mid_day: OFTEN,
    imported_by_todays_number: OFTEN,
}
"""The share of schedules in which each must be caught."""
