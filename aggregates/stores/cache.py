"""Decoded items, remembered: what no longer changes is decoded once."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

V = TypeVar("V")


class _Entry(NamedTuple):
    version: object
    size: int
    value: Any


class VersionCache:
    """The least recently used items are forgotten first. Safe to share between threads.

    A version of an item has one value for ever, because every write is conditional on the version
    before it; so what is remembered is never out of date. One cache may hold items of several
    kinds, whose keys differ.

    Args:
        max_bytes: of memory that all values may take.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self._bytes = max_bytes, 0
        self._entries: OrderedDict[object, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self, key: object, version: object, decode: Callable[[], V], size: Callable[[V], int]
    ) -> V:
        """Return an item at a version.

        Args:
            key: of the item.
            version: of the item; equal only where the item is the same.
            decode: gives it where it is not remembered.
            size: says how many bytes of memory it takes, about.
        """
        known: V | None = self.known(key, version)
        if known is not None:
            return known
        value = decode()
        self.keep(key, version, value, size(value))
        return value

    def known(self, key: object, version: object) -> Any:
        """Return an item at a version, or None where that is not remembered."""
        with self._lock:
            known = self._entries.get(key)
            if known is None or known.version != version:
                return None
            self._entries.move_to_end(key)
            return known.value

    def keep(self, key: object, version: object, value: object, size: int) -> None:
        """Remember an item at a version."""
        with self._lock:
            self._forget(key)
            self._entries[key] = _Entry(version, size, value)
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._forget(next(iter(self._entries)))

    def _forget(self, key: object) -> None:
        known = self._entries.pop(key, None)
        if known is not None:
            self._bytes -= known.size
