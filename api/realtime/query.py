"""Answers from the last minutes, by arrival."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from aggregates.minute import PLACES, Minute, merge, top, with_sources
from aggregates.rollup import Dimension
from aggregates.stores.ports import MinuteStore
from aggregates.window import MINUTE_MS, tumbling
from api.document import freshness, named
from api.endpoint import Answer, encoded
from runtime.sites.site import Site

MINUTES = 30
CURRENT = timedelta(minutes=5)
"""A visitor with an event that arrived within this time is current."""

TOP_LIMIT = 10
MAX_AGE = 3


class RealtimeQuery:
    """Reads the live view."""

    parameters: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, minutes: MinuteStore) -> None:
        self._minutes = minutes

    def __call__(self, site: Site, parameters: Mapping[str, str], now: datetime) -> Answer:
        """Answer a request."""
        del parameters
        return Answer(encoded(self.document(site, now)), MAX_AGE)

    def document(self, site: Site, now: datetime) -> dict[str, Any]:
        """Return the answer as of now."""
        moment = int(now.timestamp() * 1000)
        current_minute = tumbling(moment, MINUTE_MS)
        first = current_minute - (MINUTES - 1) * MINUTE_MS
        items = self._minutes.minutes(site.site_id, first, current_minute)
        since = moment - int(CURRENT.total_seconds() * 1000)
        recent = merge(stored.minute for key, stored in items if key.minute + MINUTE_MS > since)
        live = with_sources(recent, (stored.minute for _, stored in items))
        pageviews = [0] * MINUTES
        for key, stored in items:
            pageviews[(key.minute - first) // MINUTE_MS] += stored.minute.pageviews
        return {
            "site_id": site.site_id,
            **freshness(stored.progress for _, stored in items),
            "current_visitors": sum(v.seen_at >= since for v in live.visitors.values()),
            "complete": not live.unlisted,
            "pageviews_per_minute": pageviews,
            "top": {dimension.value: _top(live, dimension, since) for dimension in PLACES},
        }


def _top(live: Minute, dimension: Dimension, since: int) -> list[dict[str, Any]]:
    rows = top(live, dimension, since=since, limit=TOP_LIMIT)
    views = live.pages if dimension is Dimension.PAGE else {}
    return [
        {
            **named(row.value),
            "visitors": row.visitors,
            **({"pageviews": views.get(row.value, 0)} if dimension is Dimension.PAGE else {}),
        }
        for row in rows
    ]
