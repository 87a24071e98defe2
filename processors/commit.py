"""The loop that writes what several writers change: load, merge, save, and repeat what was lost."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from aggregates.stores.ports import Versioned, VersionedStore
from runtime.errors import ConflictError

U = TypeVar("U")
W = TypeVar("W")
K = TypeVar("K")
V = TypeVar("V")

MAX_ATTEMPTS = 20
"""How many conflicts in a row a batch takes before Lambda is asked to send it again."""


def nothing(_: Any) -> None:
    """Write nothing first."""


def commit(
    store: VersionedStore[K, V],
    pending: Mapping[U, W],
    keys: Callable[[U, W], Iterable[K]],
    merge: Callable[[U, W, Mapping[K, Versioned[V]]], Mapping[K, Versioned[V]]],
    first: Callable[[Iterable[U]], None] = nothing,
) -> int:
    """Merge work into stored values, and repeat the units of which a write was lost to another.

    Exact if `merge` leaves out what the stored value covers: a unit is merged again after a write
    of it that was lost, or whose acknowledgement was.

    Args:
        store: holds the values.
        pending: what is to be merged, by unit: what is repeated as a whole.
        keys: gives the values that a unit is merged from.
        merge: gives a unit's changes; it sees those of the units before it as if they were stored.
        first: does what must be done for these units before their changes are saved.

    Returns:
        How often a unit was repeated.

    Raises:
        RetryableError: some may be written and some not; the same again is safe.
    """
    conflicts = 0
    for _ in range(MAX_ATTEMPTS):
        seen = store.load({key for unit, work in pending.items() for key in keys(unit, work)})
        changed: dict[U, Mapping[K, Versioned[V]]] = {}
        for unit, work in pending.items():
            changed[unit] = merge(unit, work, seen)
            seen |= changed[unit]
        first(pending)
        changes = {key: change for unit in changed.values() for key, change in unit.items()}
        lost = store.save(changes) if changes else set()
        if not lost:
            return conflicts
        pending = {unit: pending[unit] for unit, own in changed.items() if not lost.isdisjoint(own)}
        conflicts += len(pending)
    raise ConflictError(f"{len(pending)} writes lost {MAX_ATTEMPTS} conflicts in a row")
