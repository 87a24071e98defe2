"""Answers `GET /api/live/events`: the events that arrived last, without who caused them."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from heapq import nlargest
from typing import Any, ClassVar

from aggregates.minute import LiveEvent
from aggregates.stores.ports import MinuteKey, MinuteStore, StoredMinute
from aggregates.window import MINUTE_MS, tumbling
from api.document import freshness, moment_of, named, timestamp
from api.endpoint import Answer, encoded
from api.parameters import Parameters
from api.problem import ReadProblem
from api.question import number_in
from api.realtime.reference import reference_of
from runtime.problem import ProblemError
from runtime.sites.site import Site

MINUTES = 30
"""That are looked at: the one that is asked for, and those before."""

KEPT = timedelta(hours=48)
"""How far back the live view goes."""

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_AGE = 3
REWOUND_MAX_AGE = 60

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)


class FeedQuery:
    """Reads the live view."""

    parameters: ClassVar[frozenset[str]] = frozenset({"limit", "at"})

    def __init__(self, minutes: MinuteStore) -> None:
        self._minutes = minutes

    def __call__(self, site: Site, parameters: Parameters, now: datetime) -> Answer:
        """Answer a request.

        Raises:
            ProblemError: a parameter cannot be used.
        """
        limit = number_in(parameters, "limit", DEFAULT_LIMIT, (1, MAX_LIMIT), ReadProblem.BAD_LIMIT)
        rewound = moment_in(parameters.get("at"), now)
        document = self.document(site, rewound or now, limit)
        return Answer(encoded(document), MAX_AGE if rewound is None else REWOUND_MAX_AGE)

    def document(self, site: Site, at: datetime, limit: int) -> dict[str, Any]:
        """Return the events that had arrived at a moment, the newest first.

        Args:
            site: whose events; with `public_visits`, single visits may be seen.
            at: the moment.
            limit: how many events.
        """
        moment = int(at.timestamp() * 1000)
        last = tumbling(moment, MINUTE_MS)
        items = self._minutes.minutes(site.site_id, last - (MINUTES - 1) * MINUTE_MS, last)
        events = [
            event
            for _, stored in items
            for event in stored.minute.newest
            if event.arrived_at <= moment
        ]
        sources = _sources(items)
        return {
            "site_id": site.site_id,
            "at": timestamp(at),
            **freshness(stored.progress for _, stored in items),
            "shows_visits": site.public_visits,
            "events": [_row(site, event, sources) for event in nlargest(limit, events)],
        }


def moment_in(text: str | None, now: datetime) -> datetime | None:
    """Read the moment that is asked for; None: the present one.

    Raises:
        ProblemError: it is none, lies ahead, or is longer ago than anything is kept.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text) if MOMENT.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None or not now - KEPT <= moment <= now:
        raise ProblemError(
            422,
            ReadProblem.BAD_TIME,
            "at must be a moment of the last 48 hours, such as 2026-11-27T08:30:00Z.",
        )
    return moment


def _sources(items: Iterable[tuple[MinuteKey, StoredMinute]]) -> dict[bytes, str]:
    """Return where visitors came from: only a first view says it."""
    named: dict[bytes, tuple[int, str]] = {}
    for _, stored in items:
        for visitor_id, visitor in stored.minute.visitors.items():
            came = visitor.source_at, visitor.source
            named[visitor_id] = max(named.get(visitor_id, came), came)
    return {visitor_id: source for visitor_id, (_, source) in named.items()}


def _row(site: Site, event: LiveEvent, sources: dict[bytes, str]) -> dict[str, Any]:
    row = {
        "at": moment_of(event.arrived_at),
        "kind": "event" if event.name else "page_view",
        "page": named(event.page)["value"],
        "name": event.name or None,
        "source": event.source or sources.get(event.visitor_id) or None,
        "country": event.country or None,
        "device": event.device or None,
    }
    if not site.public_visits:
        return {**row, "city": None, "visit": None}
    return {
        **row,
        "city": event.city or None,
        "visit": reference_of(site, event.session_id),
    }
