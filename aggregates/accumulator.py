"""Accumulators: the rows of one rollup item while records are being added to it."""

from collections.abc import Callable, Iterable
from datetime import date

from aggregates.rollup import Counters, Rollup, RowKey

Rows = dict[RowKey, list[int]]
"""By row what is added to it: seven numbers in the order of Counters. Changed in place."""

Change = tuple[int, int, int, int, int, int, int]
"""What is added to a row, in the order of Counters."""

Days = Callable[[date], Rows | None]
"""Gives the accumulator of a site-local day; None where its item holds the record already."""


def add(rows: Rows, keys: Iterable[RowKey], change: Change) -> None:  # noqa: C901 - see there
    """Add one change to several rows."""
    visitors, visits, pageviews, events, bounces, duration_ms, engaged_ms = change
    for key in keys:
        row = rows.get(key)
        if row is None:
            rows[key] = list(change)
            continue
        # Written out, because a loop takes half as long again; and most are 0, so that it takes
        # less to ask than to add.
        if visitors:
            row[0] += visitors
        if visits:
            row[1] += visits
        if pageviews:
            row[2] += pageviews
        if events:
            row[3] += events
        if bounces:
            row[4] += bounces
        if duration_ms:
            row[5] += duration_ms
        if engaged_ms:
            row[6] += engaged_ms


def rollup_of(rows: Rows) -> Rollup:
    """Return what has been added up. Rows that came to nothing are dropped."""
    return Rollup({key: Counters._make(row) for key, row in rows.items() if any(row)})
