"""Decoded items, remembered: what no longer changes is decoded once."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class _Entry(NamedTuple, Generic[V]):
    version: int
    size: int
    value: V


class VersionCache(Generic[K, V]):
    """The least recently used items are forgotten first. Safe to share between threads.

    A version of an item has one value for ever, because every write is conditional on the version
    before it; so what is remembered is never out of date.

    Args:
        max_bytes: of memory that all values may take.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self._bytes = max_bytes, 0
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K, version: int, size: int, decode: Callable[[], V]) -> V:
        """Return an item at a version.

        Args:
            key: of the item.
            version: of the item.
            size: bytes of memory that it takes decoded, about.
            decode: gives it where it is not remembered.
        """
        with self._lock:
            known = self._entries.get(key)
            if known is not None and known.version == version:
                self._entries.move_to_end(key)
                return known.value
        value = decode()
        with self._lock:
            self._forget(key)
            self._entries[key] = _Entry(version, size, value)
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._forget(next(iter(self._entries)))
        return value

    def _forget(self, key: K) -> None:
        known = self._entries.pop(key, None)
        if known is not None:
            self._bytes -= known.size
