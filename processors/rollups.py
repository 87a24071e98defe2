"""Adds what records give to rollup items, each record once, however often it comes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from aggregates.progress import advance, covered
from aggregates.rollup import Rollup, admit, merge
from aggregates.stores.ports import RollupKey, RollupStore, StoredRollup, Versioned
from processors.commit import commit
from processors.record import Record

Items = Mapping[RollupKey, Versioned[StoredRollup]]


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
    return commit(store, deltas, lambda key, _: [key], partial(_merged, now))


def _merged(now: datetime, key: RollupKey, deltas: Iterable[Delta], stored: Items) -> Items:
    """Merge the deltas that the item does not hold yet."""
    item, progress = stored[key], stored[key].value.progress
    fresh = [one for one in deltas if not covered(one.record.position, progress.checkpoints)]
    if not fresh:
        return {}
    crowded_out = item.value.crowded_out
    rollup = admit(item.value.rollup, merge(one.rollup for one in fresh), crowded_out)
    advanced = advance(progress, (one.record.arrival for one in fresh), now)
    return {key: Versioned(StoredRollup(rollup, advanced, crowded_out), item.version)}
