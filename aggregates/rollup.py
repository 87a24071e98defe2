"""Rollups: stored counters by dimension and value, and the algebra that merges them.

`merge` is associative and commutative, its identity is EMPTY. Rows that add up to nothing are
dropped, so that equal counts are equal values however they came about.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

NOT_SET = "(not set)"
OTHER = "(other)"
DIRECT = "Direct"

MAX_VALUES = 5000
"""Values of one dimension in one rollup item; later ones are counted under OTHER. An item of
DynamoDB holds 400 KB; 5,000 pages with paths of 60 characters take about 120 KB compressed."""


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

    def plus(self, other: "Counters") -> "Counters":
        """Return the sum, counter by counter."""
        a, b, c, d, e, f, g = self
        h, i, j, k, m, n, o = other
        return Counters(a + h, b + i, c + j, d + k, e + m, f + n, g + o)

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


def merge(rollups: Iterable[Rollup]) -> Rollup:
    """Add rollups up."""
    sums: dict[RowKey, Counters] = {}
    for rollup in rollups:
        for key, row in rollup.rows.items():
            known = sums.get(key)
            sums[key] = row if known is None else known.plus(row)
    return Rollup({key: row for key, row in sums.items() if row != ZERO})


def admit(stored: Rollup, delta: Rollup, *, max_values: int = MAX_VALUES) -> Rollup:
    """Merge a delta into a stored rollup that holds a bounded number of values a dimension.

    Once a dimension is full its set of values is fixed: what it does not list goes to OTHER, and
    so does whatever is taken back later. Sums stay equal to the totals.
    """
    sizes = Counter(dimension for dimension, _ in stored.rows)
    rows: dict[RowKey, Counters] = {}
    for key, row in delta.rows.items():
        dimension = key[0]
        admitted = key
        if key not in stored.rows:
            if sizes[dimension] >= max_values or (dimension, OTHER) in stored.rows:
                admitted = (dimension, OTHER)
            else:
                sizes[dimension] += 1
        rows[admitted] = rows.get(admitted, ZERO).plus(row)
    return merge((stored, Rollup(rows)))
