"""A store whose values are remembered by their only writer, so that it need not read them again."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from aggregates.stores.ports import Versioned, VersionedStore

K = TypeVar("K")
V = TypeVar("V")


class RememberingStore(Generic[K, V]):
    """A VersionedStore before another one. For one thread.

    What it gives may be out of date; what is based on that is a conflict when it is saved, is
    forgotten, and is read when it is loaded the next time. What is not stored is not remembered:
    it may come to be, and be gone again, and then no conflict would tell. The values that were used
    least recently are forgotten first.

    Args:
        store: holds the values.
        size: how many bytes of memory a value takes, about.
        max_bytes: of memory, that all values may take.
        first_version: gives the version that a value begins with in the store.
    """

    def __init__(
        self,
        store: VersionedStore[K, V],
        size: Callable[[V], int],
        max_bytes: int,
        first_version: Callable[[V], int] = lambda _: 1,
    ) -> None:
        self._store, self._first_version = store, first_version
        self._size, self._max_bytes = size, max_bytes
        self._known: OrderedDict[K, tuple[Versioned[V], int]] = OrderedDict()
        self._bytes = 0

    def load(self, keys: Iterable[K]) -> dict[K, Versioned[V]]:
        """Return a value for every key; one that is not stored is empty, at version 0."""
        known: dict[K, Versioned[V]] = {}
        unknown: list[K] = []
        for key in keys:
            if key in self._known:
                self._known.move_to_end(key)
                known[key] = self._known[key][0]
            else:
                unknown.append(key)
        if unknown:
            read = self._store.load(unknown)
            known |= read
            for key, versioned in read.items():
                self._remember(key, versioned)
        return known

    def save(self, changes: Mapping[K, Versioned[V]]) -> set[K]:
        """Write each value if the stored version is still the one it carries."""
        for key in changes:
            self._forget(key)  # until its fate is known
        lost = self._store.save(changes)
        for key, change in changes.items():
            if key not in lost:
                value, last = change.value, change.version
                version = last + 1 if last else self._first_version(value)
                self._remember(key, Versioned(value, version))
        return lost

    def _remember(self, key: K, versioned: Versioned[V]) -> None:
        self._forget(key)
        if not versioned.version:
            return
        size = self._size(versioned.value)
        self._known[key] = (versioned, size)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._known)))

    def _forget(self, key: K) -> None:
        known = self._known.pop(key, None)
        if known is not None:
            self._bytes -= known[1]
