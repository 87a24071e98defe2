"""Rollups: stored counters by dimension and value, and the algebra that merges them.

`merge` is associative and commutative, its identity is EMPTY. Rows that add up to nothing are
dropped, so that equal counts are equal values however they came about.
"""

import math
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from aggregates.filter import NO_VALUES, Filter
from aggregates.value import OTHER, kind_of

ROW_OVERHEAD = 12
"""Bytes that a row takes beside its value, about."""


class Dimension(StrEnum):
    """What a count is split by."""

    TOTAL = "total"
    HOUR = "hour"
    PAGE = "page"
    HOSTNAME = "hostname"
    EVENT = "event"
    ENTRY_PAGE = "entry_page"
    EXIT_PAGE = "exit_page"
    SOURCE = "source"
    CHANNEL = "channel"
    REFERRER = "referrer"
    UTM_SOURCE = "utm_source"
    UTM_MEDIUM = "utm_medium"
    UTM_CAMPAIGN = "utm_campaign"
    UTM_TERM = "utm_term"
    UTM_CONTENT = "utm_content"
    COUNTRY = "country"
    REGION = "region"
    CITY = "city"
    BROWSER = "browser"
    OS = "os"
    DEVICE = "device"
    LANGUAGE = "language"
    INTAKE = "intake"
    """Not of visits or events: what became of the hits of the day of arrival (ledger.py)."""


UNLISTED = {Dimension.TOTAL, Dimension.HOUR, Dimension.INTAKE}
BREAKDOWNS = tuple(dimension for dimension in Dimension if dimension not in UNLISTED)
"""The dimensions that readers list by value."""


class Counters(NamedTuple):
    """What is counted for one dimension value. Each may be negative in a delta."""

    visitors: int = 0
    visits: int = 0
    pageviews: int = 0
    events: int = 0
    bounces: int = 0
    duration_ms: int = 0
    engaged_ms: int = 0

    @property
    def hits(self) -> int:
        """Page views and custom events."""
        return self.pageviews + self.events

    def plus(self, other: "Counters") -> "Counters":
        """Return the sum, counter by counter."""
        a, b, c, d, e, f, g = self
        h, i, j, k, m, n, o = other
        # By its constructor it takes twice as long, and a batch adds hundreds of rows.
        return tuple.__new__(Counters, (a + h, b + i, c + j, d + k, e + m, f + n, g + o))

    def minus(self, other: "Counters") -> "Counters":
        """Return the difference, counter by counter."""
        a, b, c, d, e, f, g = self
        h, i, j, k, m, n, o = other
        return Counters(a - h, b - i, c - j, d - k, e - m, f - n, g - o)


ZERO = Counters()
RowKey = tuple[Dimension, str]
TOTAL: RowKey = (Dimension.TOTAL, "")


@dataclass(frozen=True, slots=True)
class Rollup:
    """Counters by dimension and value. No row is ZERO."""

    rows: Mapping[RowKey, Counters]

    @property
    def total(self) -> Counters:
        """The counters of everything."""
        return self.rows.get(TOTAL, ZERO)

    def table(self, dimension: Dimension) -> Iterator[tuple[str, Counters]]:
        """Return the values of one dimension with their counters, in no order."""
        return ((value, row) for (of, value), row in self.rows.items() if of is dimension)


EMPTY = Rollup({})


def size_of(rows: Collection[RowKey]) -> int:
    """Return how many bytes rows take, before they are compressed, about."""
    # All values at once: to encode them one by one takes ten times as long.
    text = "".join([value for _, value in rows])
    return len(text.encode()) + ROW_OVERHEAD * len(rows)


def merge(rollups: Iterable[Rollup]) -> Rollup:
    """Add rollups up.

    What it takes grows with the rows of all but the first, which are copied: that is the largest,
    where something is added to what is stored.
    """
    first, *others = [rollup for rollup in rollups if rollup.rows] or [EMPTY]
    if not others:
        return first
    sums: dict[RowKey, Counters] = dict(first.rows.items())
    for rollup in others:
        for key, row in rollup.rows.items():
            known = sums.get(key)
            total = row if known is None else known.plus(row)
            if total == ZERO:
                sums.pop(key, None)
            else:
                sums[key] = total
    return Rollup(sums)


def admit(stored: Rollup, delta: Rollup, crowded_out: Filter = NO_VALUES) -> Rollup:
    """Merge a delta into a stored rollup, some values of which have no row of their own any more.

    Whatever is counted or taken back under such a value goes to the row OTHER of its dimension. So
    a row that is listed holds everything of its value, and sums stay equal to the totals.

    Args:
        stored: the item's rows.
        delta: what is added.
        crowded_out: the values that have been moved to OTHER (`crowd_out`).
    """
    return merge((stored, admitted(stored, delta, crowded_out)))


def admitted(stored: Rollup, delta: Rollup, crowded_out: Filter = NO_VALUES) -> Rollup:
    """Return what `admit` merges: a delta, with what has no row of its own under OTHER."""
    if crowded_out == NO_VALUES:
        return delta
    rows: dict[RowKey, Counters] = {}
    for key, row in delta.rows.items():
        moves = _may_move(key) and name_of(key) in crowded_out and key not in stored.rows
        admitted = (key[0], OTHER) if moves else key
        rows[admitted] = rows.get(admitted, ZERO).plus(row)
    return Rollup({key: row for key, row in rows.items() if row != ZERO})


def crowd_out(rollup: Rollup, share: float) -> tuple[Rollup, list[str]]:
    """Move values to the rows OTHER of their dimensions: from the largest ones the smallest counts.

    Dimensions that take less than an equal part of the room that is left lose nothing.

    Args:
        rollup: the rows.
        share: which part of the bytes of all values is to be moved, more than 0.

    Returns:
        The rows that are left, and the names of the values that were moved (`name_of`).
    """
    tables: dict[Dimension, list[RowKey]] = {}
    for key in filter(_may_move, rollup.rows):
        tables.setdefault(key[0], []).append(key)
    # In the bytes that a table takes as it is stored: some values pack far better than others.
    packed = {dimension: _packing(keys) for dimension, keys in tables.items()}
    sizes = {
        dimension: packed[dimension] * sum(map(_size, keys)) for dimension, keys in tables.items()
    }
    level = _level(sizes.values(), (1 - share) * sum(sizes.values()))
    moved: list[RowKey] = []
    for dimension, keys in tables.items():
        keys.sort(key=lambda key: _rank(key, rollup.rows[key]))
        left = sizes[dimension]
        for key in keys:
            if left <= level:
                break
            moved.append(key)
            left -= packed[dimension] * _size(key)
    return _with_other(rollup, set(moved)), [name_of(key) for key in moved]


def name_of(key: RowKey) -> str:
    """Return a row's dimension and value as one text."""
    return f"{key[0]}|{key[1]}"


def _with_other(rollup: Rollup, moved: Collection[RowKey]) -> Rollup:
    """Merge the rows of these values into those of OTHER."""
    rows: dict[RowKey, Counters] = {}
    for key, row in rollup.rows.items():
        stays = (key[0], OTHER) if key in moved else key
        rows[stays] = rows.get(stays, ZERO).plus(row)
    return Rollup({key: row for key, row in rows.items() if row != ZERO})


def _packing(keys: Iterable[RowKey]) -> float:
    """Return which part of their bytes values take when they are compressed."""
    text = "".join(sorted(value for _, value in keys)).encode()
    return len(zlib.compress(text, 1)) / max(1, len(text))


def _level(sizes: Iterable[float], room: float) -> float:
    """Return the size to which the largest must be cut so that all together take this room."""
    ascending = sorted(sizes)
    for smaller, size in enumerate(ascending):
        equal = room / (len(ascending) - smaller)
        if size > equal:
            return equal
        room -= size
    return math.inf


def _may_move(key: RowKey) -> bool:
    dimension, value = key
    return dimension not in UNLISTED and kind_of(value) is None


def _size(key: RowKey) -> int:
    return len(key[1].encode()) + ROW_OVERHEAD


def _rank(key: RowKey, row: Counters) -> tuple[int, int, int, RowKey]:
    return row.visitors, row.visits + row.pageviews + row.events, -len(key[1]), key
