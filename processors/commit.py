"""The loop that writes what several writers change: load, merge, save, and repeat what was lost."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from aggregates.stores.ports import Versioned, VersionedStore
from runtime.errors import ConflictError

U = TypeVar("U")
W = TypeVar("W")
K = TypeVar("K")
V = TypeVar("V")

MAX_ATTEMPTS = 20
"""How many conflicts in a row a batch takes before Lambda is asked to send it again."""


def repeat(pending: Mapping[U, W], attempt: Callable[[Mapping[U, W]], Collection[U]]) -> int:
    """Attempt to write work, and again what of it was lost to another writer.

    Args:
        pending: what is to be written, by unit: what is repeated as a whole.
        attempt: writes units, and returns those of which a write was lost.

    Returns:
        How often a unit was repeated.

    Raises:
        RetryableError: some may be written and some not; the same again is safe.
    """
    conflicts = 0
    for _ in range(MAX_ATTEMPTS):
        lost = attempt(pending)
        if not lost:
            return conflicts
        pending = {unit: work for unit, work in pending.items() if unit in lost}
        conflicts += len(pending)
    raise ConflictError(f"{len(pending)} writes lost {MAX_ATTEMPTS} conflicts in a row")


def commit(
    store: VersionedStore[K, V],
    pending: Mapping[U, W],
    keys: Callable[[U, W], Iterable[K]],
    merge: Callable[[U, W, Mapping[K, Versioned[V]]], Mapping[K, Versioned[V]]],
) -> int:
    """Merge work into the values of one store.

    Exact if `merge` leaves out what the stored value covers: a unit is merged again after a write
    of it that was lost, or whose acknowledgement was.

    Args:
        store: holds the values.
        pending: what is to be merged, by unit: what is repeated as a whole.
        keys: gives the values that a unit is merged from.
        merge: gives a unit's changes; it sees those of the units before it as if they were stored.

    Returns:
        How often a unit was repeated.

    Raises:
        RetryableError: some may be written and some not; the same again is safe.
    """

    def attempt(units: Mapping[U, W]) -> set[U]:
        seen = store.load({key for unit, work in units.items() for key in keys(unit, work)})
        changed: dict[U, Mapping[K, Versioned[V]]] = {}
        for unit, work in units.items():
            changed[unit] = merge(unit, work, seen)
            seen |= changed[unit]
        changes = {key: change for unit in changed.values() for key, change in unit.items()}
        lost = store.save(changes) if changes else set()
        return {unit for unit, own in changed.items() if not lost.isdisjoint(own)}

    return repeat(pending, attempt)
