"""Adds what records give to rollup items, each record once, however often it comes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregates.rollup import Rollup, admit, merge
from aggregates.stores.ports import RollupKey, RollupStore, StoredRollup, Versioned
from processors.progress import advance, is_ahead
from processors.record import Record
from runtime.errors import ConflictError

MAX_ATTEMPTS = 20
"""How many conflicts in a row a batch takes before Lambda is asked to send it again."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What one record adds to one rollup item."""

    record: Record
    rollup: Rollup


def write_rollups(
    store: RollupStore, deltas: Mapping[RollupKey, Sequence[Delta]], now: datetime
) -> int:
    """Merge deltas into their items, but those of records that an item's checkpoint covers.

    Args:
        store: holds the items.
        deltas: in the order of the records, which is the order of their partition.
        now: when this happens.

    Returns:
        How many writes another writer won, and that were repeated.

    Raises:
        RetryableError: some may be written and some not; writing again is safe.
    """
    pending = dict(deltas)
    conflicts = 0
    for _ in range(MAX_ATTEMPTS):
        stored = store.load(pending)
        changes = {
            key: change
            for key, group in pending.items()
            if (change := _merged(stored[key], group, now)) is not None
        }
        lost = store.save(changes) if changes else set()
        if not lost:
            return conflicts
        conflicts += len(lost)
        pending = {key: pending[key] for key in lost}
    raise ConflictError(f"{len(pending)} rollup items lost {MAX_ATTEMPTS} conflicts in a row")


def _merged(
    stored: Versioned[StoredRollup], deltas: Iterable[Delta], now: datetime
) -> Versioned[StoredRollup] | None:
    """Merge the deltas that the item does not hold yet; None where it holds them all."""
    progress = stored.value.progress
    fresh = [delta for delta in deltas if is_ahead(delta.record, progress)]
    if not fresh:
        return None
    rollup = admit(stored.value.rollup, merge(delta.rollup for delta in fresh))
    advanced = advance(progress, (delta.record for delta in fresh), now)
    return Versioned(StoredRollup(rollup, advanced), stored.version)
