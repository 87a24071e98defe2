"""The values of a dimension, ranked: found by one counter, and only what is listed is completed.

What is counted of a range is several tables of a dimension, each with many values, of which few are
asked for.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import nlargest, nsmallest
from typing import NamedTuple

from aggregates.rollup import ZERO, Counters
from aggregates.table import Table
from aggregates.value import label_of

VISITORS = Counters._fields.index("visitors")
PAGEVIEWS = Counters._fields.index("pageviews")
EVENTS = Counters._fields.index("events")
EVERY = range(len(ZERO))


class Listing(NamedTuple):
    """A part of a ranking."""

    rows: list[tuple[str, Counters]]
    values: int
    """How many there are in all."""


def listed(tables: Iterable[Table], limit: int, offset: int = 0, search: str = "") -> Listing:
    """Rank the values of a dimension by visitors, then page views, then events, then by value.

    Args:
        tables: what is counted, to be added up.
        limit: how many values are listed.
        offset: how many of the ranking are passed over.
        search: what is in the values that are ranked, in capitals or not.
    """
    opened = [(table.values(), table) for table in tables]
    visitors = _visitors(opened)
    if search:
        wanted = search.casefold()
        visitors = {
            value: count
            for value, count in visitors.items()
            if wanted in label_of(value).casefold()
        }
    if len(opened) > 1:  # else no row is ZERO
        for value in _zeros(opened, visitors):
            del visitors[value]
    end = offset + limit
    rows = _completed(opened, _best(opened, visitors, end), EVERY)
    ranking = sorted((_rank(row), value, Counters._make(row)) for value, row in rows.items())
    return Listing([(value, row) for _, value, row in ranking[offset:end]], len(visitors))


Opened = Sequence[tuple[Sequence[str], Table]]
"""Tables with their values."""


def _visitors(opened: Opened) -> dict[str, int]:
    """Add up the visitors of all values."""
    sums: dict[str, int] = {}
    for values, table in opened:
        column = table.column(VISITORS)
        if not column:
            sums = {**dict.fromkeys(values, 0), **sums}
        elif not sums:
            sums = dict(zip(values, column, strict=True))
        else:
            for value, count in zip(values, column, strict=True):
                sums[value] = sums.get(value, 0) + count
    return sums


def _zeros(opened: Opened, visitors: Mapping[str, int]) -> Iterator[str]:
    """Yield the values all of whose counters have come to nothing."""
    without = {value for value, count in visitors.items() if not count}
    rows = _completed(opened, without, EVERY)
    return (value for value, row in rows.items() if not any(row))


def _best(opened: Opened, visitors: Mapping[str, int], count: int) -> Collection[str]:
    """Return the values that come first."""
    if count >= len(visitors):
        return visitors
    least = nlargest(count, visitors.values())[-1]
    above = {value for value, found in visitors.items() if found > least}
    tied = {value for value, found in visitors.items() if found == least}
    if len(above) + len(tied) > count:
        rows = _completed(opened, tied, (PAGEVIEWS, EVENTS))
        tied = set(
            nsmallest(count - len(above), tied, key=lambda value: (_rank(rows[value]), value))
        )
    return above | tied


def _completed(
    opened: Opened, wanted: Collection[str], counters: Iterable[int]
) -> dict[str, list[int]]:
    """Add up some counters of some values; the others stay 0."""
    rows = {value: [0] * len(ZERO) for value in wanted}
    if not rows:
        return rows
    for values, table in opened:
        places = [(place, rows[value]) for place, value in enumerate(values) if value in rows]
        for counter in counters if places else ():
            column = table.column(counter)
            if column:
                for place, row in places:
                    row[counter] += column[place]
    return rows


def _rank(row: Sequence[int]) -> tuple[int, int, int]:
    return -row[VISITORS], -row[PAGEVIEWS], -row[EVENTS]
