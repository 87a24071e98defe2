"""Answers `GET /api/live/visit`: what one visitor did in a tab, from the raw events of a day."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from aggregates.stores.ports import EventStore, RawEvent
from aggregates.window import VISIT_GAP_MS
from api.document import moment_of
from api.endpoint import Answer, encoded
from api.parameters import Parameters
from api.problem import ReadProblem
from api.realtime.reference import session_of
from runtime.problem import ProblemError
from runtime.sites.site import Site
from schemas.event import EventType

MAX_EVENTS = 500
"""Of a visit that are told; the last ones."""

MAX_AGE = 3


class VisitQuery:
    """Reads the raw events of a session."""

    parameters: ClassVar[frozenset[str]] = frozenset({"visit"})

    def __init__(self, events: EventStore) -> None:
        self._events = events

    def __call__(self, site: Site, parameters: Parameters, now: datetime) -> Answer:
        """Answer a request.

        Raises:
            ProblemError: there is no such visit, or who asks may not see it.
        """
        if not site.public_visits:
            raise ProblemError(
                401,
                ReadProblem.READ_KEY_REQUIRED,
                "Single visits of this site are shown to holders of a read key: send it in the"
                " header X-API-Key.",
                {"WWW-Authenticate": 'ApiKey realm="LiveInsight"'},
            )
        reference = parameters.get("visit", "")
        session_id = session_of(site, reference)
        events = [] if session_id is None else self._read(site, session_id, now)
        if not events:
            raise ProblemError(
                404,
                ReadProblem.UNKNOWN_VISIT,
                "There is no such visit, or its events are gone: they are kept for a day. Ask"
                " GET /api/live/events for visits.",
            )
        return Answer(encoded({"visit": reference, **document(site, events)}), MAX_AGE)

    def _read(self, site: Site, session_id: str, now: datetime) -> list[RawEvent]:
        return [
            raw
            for raw in self._events.session(session_id)
            if raw.site_id == site.site_id and raw.expires_at > now.timestamp()
        ]


def document(site: Site, events: Sequence[RawEvent]) -> dict[str, Any]:
    """Return what a visitor did.

    Args:
        site: where.
        events: of the session by time; at least one.
    """
    first, last = events[0], events[-1]
    context = first.context
    timeline = _timeline(events)
    return {
        "site_id": site.site_id,
        "started_at": moment_of(first.event.occurred_at),
        "ended_at": moment_of(last.event.occurred_at),
        "duration_seconds": (last.event.occurred_at - first.event.occurred_at) / 1000,
        "source": next((raw.event.source for raw in events if raw.event.source), None),
        "country": context.country or None,
        "region": context.region or None,
        "city": context.city or None,
        "device": context.device or None,
        "browser": context.browser or None,
        "os": context.os or None,
        "language": context.language or None,
        "pageviews": sum(raw.event.event_type is EventType.PAGE_VIEW for raw in events),
        "events": sum(raw.event.event_type is EventType.CUSTOM for raw in events),
        "left_out": max(0, len(timeline) - MAX_EVENTS),
        "timeline": timeline[-MAX_EVENTS:],
    }


def _timeline(events: Sequence[RawEvent]) -> list[dict[str, Any]]:
    """Return page views and custom events; what was read of a page stands with its view."""
    steps: list[dict[str, Any]] = []
    views: dict[str, dict[str, Any]] = {}
    open_view: tuple[dict[str, Any], int] | None = None
    visit, before = 1, events[0].event.occurred_at
    for raw in events:
        event = raw.event
        visit += event.occurred_at - before > VISIT_GAP_MS
        before = event.occurred_at
        if event.event_type is EventType.PAGE_VIEW:
            if open_view is not None:
                open_view[0]["seconds"] = (event.occurred_at - open_view[1]) / 1000
            step = _step(raw, visit)
            steps.append(step)
            views[event.page] = step
            open_view = step, event.occurred_at
        elif event.event_type is EventType.CUSTOM:
            steps.append({**_step(raw, visit), "name": event.name, "kind": "event"})
        view = views.get(event.page)
        if view is not None:
            view["engaged_seconds"] += event.engaged_ms / 1000
            view["scroll_depth"] = max(view["scroll_depth"], event.scroll_depth)
    return steps


def _step(raw: RawEvent, visit: int) -> dict[str, Any]:
    return {
        "at": moment_of(raw.event.occurred_at),
        "visit": visit,
        "kind": "page_view",
        "page": raw.event.page,
        "title": raw.event.title or None,
        "name": None,
        "seconds": None,
        "engaged_seconds": 0.0,
        "scroll_depth": 0,
    }
