"""Compares the answers from events with what an oracle counts."""

from datetime import date

from aggregates.rollup import BREAKDOWNS, ZERO, Counters, Dimension
from query.counted import CountedEvents
from tests import oracle


def check(found: CountedEvents, days: oracle.Days, first: date, last: date) -> None:
    """Compare all that can be asked with what the oracle counts."""
    sums: dict[Dimension, dict[str, Counters]] = {}
    within = {day: rows for day, rows in days.items() if first <= day <= last}
    for rows in within.values():
        for (dimension, value), counters in rows.items():
            of = sums.setdefault(dimension, {})
            of[value] = of.get(value, ZERO).plus(counters)
    for dimension in BREAKDOWNS:
        listing = found.listing(dimension, limit=None)
        assert dict(listing.rows) == sums.get(dimension, {}), dimension
        assert listing.values == len(listing.rows)
    total = Dimension.TOTAL, ""
    assert found.days() == {day: rows[total] for day, rows in within.items() if total in rows}
    assert found.total() == sums.get(Dimension.TOTAL, {}).get("", ZERO)
    assert found.hours() == {
        (day, int(value)): counters
        for day, rows in within.items()
        for (dimension, value), counters in rows.items()
        if dimension is Dimension.HOUR
    }
