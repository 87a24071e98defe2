"""What counters come to: the metrics by which values are ranked (docs/metrics.md)."""

from collections.abc import Callable, Mapping

from aggregates.rollup import Counters

Measure = Callable[[Counters], float | None]
"""Returns a metric; None: a rate of nothing."""

MEASURES: Mapping[str, Measure] = {
    "visitors": lambda row: row.visitors,
    "visits": lambda row: row.visits,
    "pageviews": lambda row: row.pageviews,
    "events": lambda row: row.events,
    "bounce_rate": lambda row: row.bounces / row.visits if row.visits > 0 else None,
    "visit_duration_seconds": lambda row: (
        row.duration_ms / 1000 / row.visits if row.visits > 0 else None
    ),
    "views_per_visit": lambda row: row.pageviews / row.visits if row.visits > 0 else None,
    "engaged_seconds": lambda row: row.engaged_ms / 1000,
}

OF_VISITS = frozenset({"visits", "bounce_rate", "visit_duration_seconds", "views_per_visit"})
"""What no row has that counts no visits."""
