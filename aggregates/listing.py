"""The values of a dimension, ranked: found by one counter, and only what is listed is completed.

What is counted of a range is several tables of a dimension, each with many values, of which few are
asked for.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import NamedTuple

from aggregates.measure import MEASURES
from aggregates.rollup import ZERO, Counters
from aggregates.table import VISITORS, Sum, Table, visitors_by_value
from aggregates.value import label_of

PAGEVIEWS = Counters._fields.index("pageviews")
EVENTS = Counters._fields.index("events")


class Listing(NamedTuple):
    """A part of a ranking."""

    rows: list[tuple[str, Counters]]
    values: int
    """How many there are in all."""


class Order(NamedTuple):
    """By what values are ranked; those that are equal so, as in the usual order."""

    sort: str = "visitors"
    """One of MEASURES."""
    descending: bool = True
    """The largest first. Where there is no measure, the value comes last, whatever the order."""


USUAL = Order()
"""By visitors, then page views, then events, the largest first; then by value."""


def listed(
    tables: Iterable[Table | Sum],
    limit: int | None,
    offset: int = 0,
    search: str = "",
    order: Order = USUAL,
) -> Listing:
    """Rank the values of a dimension.

    In the usual order only what is listed is completed; in another one, every value is.

    Args:
        tables: what is counted, to be added up.
        limit: how many values are listed; None: all.
        offset: how many of the ranking are passed over.
        search: what is in the values that are ranked, in capitals or not.
        order: by what they are ranked.
    """
    tables = list(tables)
    visitors = visitors_by_value(tables)
    if search:
        wanted = search.casefold()
        visitors = {
            value: count
            for value, count in visitors.items()
            if wanted in label_of(value).casefold()
        }
    for value in _zeros(tables, visitors):
        del visitors[value]
    end = len(visitors) if limit is None else offset + limit
    if order != USUAL:
        found = (
            (value, Counters._make(row)) for value, row in _completed(tables, visitors).items()
        )
        return Listing(ranked(found, order)[offset:end], len(visitors))
    rows = _completed(tables, _best(tables, visitors, end))
    ranking = sorted((_rank(row), value, Counters._make(row)) for value, row in rows.items())
    return Listing([(value, row) for _, value, row in ranking[offset:end]], len(visitors))


def ranked(rows: Iterable[tuple[str, Counters]], order: Order) -> list[tuple[str, Counters]]:
    """Return values with their counters in an order."""
    measure, sign = MEASURES[order.sort], -1 if order.descending else 1

    def place(row: tuple[str, Counters]) -> tuple[bool, float, tuple[int, int, int], str]:
        measured = measure(row[1])
        return measured is None, sign * (measured or 0), _rank(row[1]), row[0]

    return sorted(rows, key=place)


def _zeros(tables: Sequence[Table | Sum], visitors: Mapping[str, int]) -> Iterator[str]:
    """Yield the values all of whose counters have come to nothing."""
    if 0 not in visitors.values():  # found out in a tenth of the time that the set takes
        return iter(())
    without = {value for value, count in visitors.items() if not count}
    return (value for value, row in _completed(tables, without).items() if not any(row))


def _best(
    tables: Sequence[Table | Sum], visitors: Mapping[str, int], count: int
) -> Collection[str]:
    """Return the values that come first."""
    if count >= len(visitors):
        return visitors
    # For as many as are listed, sorting all counts is faster than a heap of them.
    least = sorted(visitors.values(), reverse=True)[count - 1]
    best = [item for item in visitors.items() if item[1] >= least]
    above = {value for value, found in best if found > least}
    tied = {value for value, found in best if found == least}
    if len(above) + len(tied) > count:
        rows = _completed(tables, tied)
        tied = set(
            nsmallest(count - len(above), tied, key=lambda value: (_rank(rows[value]), value))
        )
    return above | tied


def rows_of(tables: Iterable[Table | Sum], values: Collection[str]) -> dict[str, Counters]:
    """Return the counters of some values, ZERO where there are none."""
    rows = _completed(list(tables), values)
    return {value: Counters._make(row) for value, row in rows.items()}


def _completed(tables: Sequence[Table | Sum], wanted: Collection[str]) -> dict[str, list[int]]:
    """Add up the counters of some values."""
    rows = {value: [0] * len(ZERO) for value in wanted}
    for table in tables if rows else ():
        table.add_to(rows)
    return rows


def _rank(row: Sequence[int]) -> tuple[int, int, int]:
    return -row[VISITORS], -row[PAGEVIEWS], -row[EVENTS]
