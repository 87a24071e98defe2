"""How counters and times look in an answer."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from aggregates.progress import Progress
from aggregates.rollup import Counters
from aggregates.value import kind_of


def named(value: str) -> dict[str, str]:
    """Return a dimension value as people read it, and its kind where it is a reserved one."""
    kind = kind_of(value)
    return {"value": value} if kind is None else {"value": kind.value, "kind": kind.name.lower()}


def metrics(counters: Counters) -> dict[str, Any]:
    """Return counters as the metrics of docs/metrics.md; a rate of nothing is null."""
    visitors, visits, pageviews, events, bounces, duration_ms, engaged_ms = counters
    has_visits = visits > 0  # an answer has a thousand rows, many of them of events
    return {
        "visitors": visitors,
        "visits": visits,
        "pageviews": pageviews,
        "events": events,
        "bounce_rate": round(bounces / visits, 4) if has_visits else None,
        "visit_duration_seconds": round(duration_ms / 1000 / visits, 4) if has_visits else None,
        "views_per_visit": round(pageviews / visits, 4) if has_visits else None,
        "engaged_seconds": engaged_ms / 1000,
    }


def ratio(part: float, whole: int) -> float | None:
    """Return a quotient rounded to four digits, or None where there is nothing to divide by."""
    return round(part / whole, 4) if whole > 0 else None


def freshness(progresses: Iterable[Progress]) -> dict[str, Any]:
    """Return `as_of` and `lag_ms` of an answer made from items with this progress.

    `as_of` is when the newest event in the answer was accepted, `lag_ms` how long after that it
    could be read. Both are null where there is no event.
    """
    newest = max(progresses, key=lambda progress: progress.arrived_at, default=Progress())
    if not newest.arrived_at:
        return {"as_of": None, "lag_ms": None}
    lag = max(0, newest.processed_at - newest.arrived_at)
    return {"as_of": moment_of(newest.arrived_at), "lag_ms": lag}


def timestamp(moment: datetime) -> str:
    """Return an instant as RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(milliseconds: int) -> str:
    """Return an instant in epoch milliseconds as RFC 3339."""
    return timestamp(datetime.fromtimestamp(milliseconds / 1000, UTC))
