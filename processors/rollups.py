"""Adds what records give to rollup items, each record once, however often it comes.

How the two items of an open day work together, `aggregates.stores.layers` says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import sqrt
from typing import NamedTuple

from aggregates.accumulator import Rows, rollup_of
from aggregates.filter import NO_VALUES
from aggregates.progress import advance, covered
from aggregates.rollup import EMPTY, admit, merge, size_of
from aggregates.seal import Period
from aggregates.stores.encoding import bounded, first_version
from aggregates.stores.ports import (
    Layer,
    RollupKey,
    SealKey,
    SealStore,
    StoredRollup,
    Versioned,
    VersionedStore,
)
from aggregates.stores.remembering import RememberingStore
from processors.commit import commit
from processors.record import Record

RECENT_BYTES = 16 * 1024
"""Of the rows of a RECENT item (`size_of`): when it has more, they may be handed to the base."""

MOST_RECENT_BYTES = 96 * 1024
ROWS_BY_BODY = 4
"""How many bytes rows take (`size_of`) for each that they take as they are stored, about."""

BATCH_BYTES = 128 * 1024
"""Of the rows that one write adds; what gives more is written in several."""

NEARLY_TOO_LARGE = 200 * 1024
"""Bytes of rows that may be more than an item holds, as they are stored."""

ROW_MEMORY = 400
"""Bytes of memory that a row takes, about: measured with tracemalloc."""

RollupItems = VersionedStore[RollupKey, StoredRollup]

NO_BASE = StoredRollup()


class Sizes(NamedTuple):
    """How many bytes rows take (`size_of`): those of a RECENT item, and what a batch adds to it."""

    rows: int
    added: int


@dataclass(slots=True)
class Addition:
    """What records add to one item."""

    item: Versioned[StoredRollup]
    rows: Rows = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    _counted: int = 0

    def rows_of(self, record: Record) -> Rows | None:
        """Return where the record's share is to be added; None where the item holds it.

        It is asked for once for each record.
        """
        if covered(record.position, self.item.value.progress.checkpoints):
            return None
        self.records.append(record)
        return self.rows

    def is_full(self) -> bool:
        """Say whether the rows are as many as one write should add."""
        if len(self.rows) < 2 * self._counted:  # so that all countings together stay linear
            return False
        self._counted = max(100, len(self.rows))
        return size_of(self.rows) > BATCH_BYTES

    def grown(self, now: datetime) -> StoredRollup:
        """Return the item with what is added."""
        known = self.item.value
        return StoredRollup(
            rollup=merge((known.rollup, rollup_of(self.rows))),
            progress=advance(known.progress, (record.arrival for record in self.records), now),
            epoch=known.epoch,
            handed=known.handed,
        )


class Additions:
    """What a batch adds to the items of a store.

    Args:
        store: holds the items.
        seals: holds the seals, of which each day's is looked at before an item is begun.
        recent_bytes: of rows that a RECENT item may have, whatever the size of its base.
    """

    def __init__(
        self, store: RollupItems, seals: SealStore, recent_bytes: int = RECENT_BYTES
    ) -> None:
        self._store, self._seals, self._recent_bytes = store, seals, recent_bytes
        self._additions: dict[RollupKey, Addition] = {}

    def load(self, keys: Iterable[RollupKey]) -> None:
        """Read all at once the items that will be added to."""
        unknown = set(keys) - self._additions.keys()
        loaded = self._store.load(unknown)
        begun = self._begun([key for key, item in loaded.items() if not item.version])
        for key, item in loaded.items():
            self._additions[key] = Addition(begun.get(key, item))

    def to(self, key: RollupKey) -> Addition:
        """Return what is added to an item."""
        if key not in self._additions:
            self.load([key])
        return self._additions[key]

    def _begun(self, keys: Iterable[RollupKey]) -> dict[RollupKey, Versioned[StoredRollup]]:
        """Return items that are not there: they go on where the seals of their days end."""
        seals = self._seals.load({seal_of(key) for key in keys})
        parts = {
            key: seals[seal_of(key)].value.seal.parts.get((key.day, key.partition)) for key in keys
        }
        return {
            key: Versioned(StoredRollup(progress=part.progress, epoch=part.epoch), 0)
            for key, part in parts.items()
            if part
        }

    def save(self, now: datetime) -> set[RollupKey]:
        """Write what is added; return the keys of the items that another writer changed.

        Raises:
            RetryableError: some may be written and some not; the same again is safe.
        """
        changed = {key: one for key, one in self._additions.items() if one.records}
        grown = {key: one.grown(now) for key, one in changed.items()}
        sizes = {
            key: Sizes(size_of(one.rollup.rows), size_of(changed[key].rows))
            for key, one in grown.items()
        }
        bases = self._settled(
            {
                key: one
                for key, one in grown.items()
                if one.handed.rows or sizes[key].rows > self._recent_bytes
            }
        )
        changes = {
            key: Versioned(
                self._laid_out(one, sizes[key], bases.get(key, NO_BASE)),
                changed[key].item.version,
            )
            for key, one in grown.items()
        }
        lost = self._store.save(changes) if changes else set()
        self._settled(
            {
                key: one.value
                for key, one in changes.items()
                if key not in lost and one.value.handed.rows
            }
        )
        return lost

    def _laid_out(self, grown: StoredRollup, sizes: Sizes, base: StoredRollup) -> StoredRollup:
        """Hand the rows to the base, where they have become many and it has the last ones."""
        is_settled = not grown.handed.rows or base.epoch >= grown.epoch
        room = max(self._recent_bytes, room_of(len(base.body) * ROWS_BY_BODY, sizes.added))
        if is_settled and sizes.rows > room and not base.frozen:
            return handing_over(grown)
        kept = replace(grown, handed=EMPTY) if is_settled else grown
        if sizes.rows < NEARLY_TOO_LARGE:
            return kept
        # One request of a visitor with nothing but long values, or a base that takes nothing.
        return replace(bounded(kept), crowded_out=NO_VALUES, body=b"")

    def _settled(self, recents: Mapping[RollupKey, StoredRollup]) -> dict[RollupKey, StoredRollup]:
        """Merge what was handed over into the bases; return these."""
        bases: dict[RollupKey, StoredRollup] = {}

        def merged(
            key: RollupKey,
            recent: StoredRollup,
            stored: Mapping[RollupKey, Versioned[StoredRollup]],
        ) -> dict[RollupKey, Versioned[StoredRollup]]:
            base = stored[base_of(key)]
            known = base.value
            if not base.version and recent.handed.rows:
                # It may have been sealed and dropped since this RECENT was read.
                known = self._begun([key]).get(key, base).value
            bases[key] = settled = with_handed(known, recent)
            return {} if settled is known else {base_of(key): Versioned(settled, base.version)}

        commit(self._store, recents, lambda key, _: [base_of(key)], merged)
        return bases


def room_of(base: int, added: int) -> float:
    """Return how many bytes of rows a RECENT may have before it is worth to hand them over.

    A RECENT that may have r bytes has r/2 on average, and is written for each batch; half of what a
    batch has is new to it, so the base is written once in 2r/added batches. Both together,
    r/2 + base * added/2r, are least where r is the root of the product.

    Args:
        base: bytes of the rows of the base.
        added: bytes of the rows that the batch has.
    """
    return min(MOST_RECENT_BYTES, sqrt(base * added))


def remembered(store: RollupItems, max_bytes: int) -> RollupItems:
    """Return a store of rollup items before another one, whose writer remembers them."""
    return RememberingStore(store, bytes_of, max_bytes, first_version)


def bytes_of(stored: StoredRollup) -> int:
    """Return how many bytes of memory an item takes, about."""
    rows = len(stored.rollup.rows) + len(stored.handed.rows)
    return ROW_MEMORY * (1 + rows) + len(stored.body) + len(stored.crowded_out.bits)


def seal_of(key: RollupKey) -> SealKey:
    """Return the key of the seal of an item's day."""
    return SealKey(key.generation, key.site_id, Period.DAY, key.day)


def base_of(key: RollupKey) -> RollupKey:
    """Return the key of the base."""
    return key._replace(layer=Layer.BASE)


def handing_over(recent: StoredRollup) -> StoredRollup:
    """Return a RECENT item that begins an epoch, and hands over its rows."""
    return StoredRollup(progress=recent.progress, epoch=recent.epoch + 1, handed=recent.rollup)


def with_handed(base: StoredRollup, recent: StoredRollup) -> StoredRollup:
    """Return a base with what was handed to it, once."""
    if base.frozen or base.epoch >= recent.epoch or not recent.handed.rows:
        return base
    rollup = admit(base.rollup, recent.handed, base.crowded_out)
    return bounded(StoredRollup(rollup, crowded_out=base.crowded_out, epoch=recent.epoch))
