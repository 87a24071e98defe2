"""Decoded rollup items, remembered: a day that no longer changes is decoded once."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from aggregates.stores.ports import RollupKey, StoredRollup

MAX_ITEMS = 512
"""Two months of a site with 8 partitions. An item of 300 rows takes about 60 KB in memory."""


class RollupCache:
    """The least recently used items are forgotten first. Safe to share between threads.

    A version of an item has one value for ever, because every write is conditional on the version
    before it; so what is remembered is never out of date.
    """

    def __init__(self, max_items: int = MAX_ITEMS) -> None:
        self._max_items = max_items
        self._items: OrderedDict[RollupKey, tuple[int, StoredRollup]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: RollupKey, version: int, decode: Callable[[], StoredRollup]) -> StoredRollup:
        """Return an item at a version; `decode` gives it where it is not remembered."""
        with self._lock:
            known = self._items.get(key)
            if known is not None and known[0] == version:
                self._items.move_to_end(key)
                return known[1]
        stored = decode()
        with self._lock:
            self._items[key] = (version, stored)
            self._items.move_to_end(key)
            while len(self._items) > self._max_items:
                self._items.popitem(last=False)
        return stored
