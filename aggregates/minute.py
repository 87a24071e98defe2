"""The live view: what arrived in one minute, mergeable like every rollup."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from aggregates.progress import event_digest
from aggregates.rollup import Dimension
from aggregates.value import NOT_SET, OTHER, value_of
from schemas.event import Event, EventBatch, EventType

MAX_LIVE_VALUES = 1000
"""Values of one dimension in one minute item; the pageviews of later ones are not listed."""


PLACES = (Dimension.PAGE, Dimension.SOURCE, Dimension.COUNTRY)
"""Where a visitor is."""

NEWEST = 20
"""Events that one minute of a partition shows one by one: about 2 KB of the item."""

LIVE_EVENT_DIGEST = 4
"""Bytes."""

SHOWN = frozenset({EventType.PAGE_VIEW, EventType.CUSTOM})

FEW_VALUES = 32
"""So many values of a dimension take next to nothing beside the visitors."""


class LiveEvent(NamedTuple):
    """A page view or custom event. Times are epoch milliseconds; ordered by arrival."""

    arrived_at: int
    occurred_at: int
    digest: bytes
    """Of the event id: two events that say the same are two."""
    visitor_id: bytes
    session_id: str
    page: str
    name: str
    """Of a custom event; empty: a page view."""
    source: str
    """Empty: the event names none."""
    country: str
    city: str
    device: str


class LiveVisitor(NamedTuple):
    """Where a visitor is: the page viewed last, by arrival. Times are epoch milliseconds."""

    seen_at: int
    page: str
    source_at: int
    source: str
    country: str

    def joined(self, other: "LiveVisitor") -> "LiveVisitor":
        """Return the later of both places; the source is the one named last."""
        last = max(self, other, key=lambda place: (place.seen_at, place.page, place.country))
        source_at, source = max((self.source_at, self.source), (other.source_at, other.source))
        return last._replace(source_at=source_at, source=source)


@dataclass(frozen=True, slots=True)
class Minute:
    """What arrived in some minutes. `merge` is associative and commutative."""

    pageviews: int = 0
    events: int = 0
    visitors: Mapping[bytes, LiveVisitor] = field(default_factory=dict)
    pages: Mapping[str, int] = field(default_factory=dict)
    """Pageviews by page."""
    unlisted: int = 0
    """How often a visitor had to be left out, because there are too many for one item."""
    newest: tuple[LiveEvent, ...] = ()
    """The events that arrived last, newest first, NEWEST at most."""


NOTHING = Minute()


def minute_of(batch: EventBatch) -> Minute:
    """Return the live view of one record."""
    pages: dict[str, int] = {}
    for event in batch.events:
        if event.event_type is EventType.PAGE_VIEW:
            page = value_of(event.page, NOT_SET)
            pages[page] = pages.get(page, 0) + 1
    if not batch.events:
        return NOTHING
    last = batch.events[-1]
    sources = [event.source for event in batch.events if event.source]
    visitor = LiveVisitor(
        seen_at=batch.received_at,
        page=value_of(last.page, NOT_SET),
        source_at=batch.received_at if sources else 0,
        source=value_of(sources[-1]) if sources else "",
        country=value_of(batch.context.country, NOT_SET),
    )
    custom = sum(event.event_type is EventType.CUSTOM for event in batch.events)
    newest = _newest(_live(batch, event) for event in batch.events if event.event_type in SHOWN)
    return Minute(sum(pages.values()), custom, {batch.visitor_id: visitor}, pages, newest=newest)


def _live(batch: EventBatch, event: Event) -> LiveEvent:
    context = batch.context
    return LiveEvent(
        arrived_at=batch.received_at,
        occurred_at=event.occurred_at,
        digest=event_digest(event.event_id)[:LIVE_EVENT_DIGEST],
        visitor_id=batch.visitor_id,
        session_id=event.session_id,
        page=value_of(event.page, NOT_SET),
        name=value_of(event.name) if event.event_type is EventType.CUSTOM else "",
        source=value_of(event.source),
        country=value_of(context.country),
        city=value_of(context.city),
        device=value_of(context.device),
    )


def _newest(events: Iterable[LiveEvent]) -> tuple[LiveEvent, ...]:
    return tuple(sorted(set(events), reverse=True)[:NEWEST])


def merge(minutes: Iterable[Minute]) -> Minute:
    """Add live views up."""
    pageviews = events = unlisted = 0
    visitors: dict[bytes, LiveVisitor] = {}
    pages: dict[str, int] = {}
    newest: list[LiveEvent] = []
    for minute in minutes:
        newest += minute.newest
        pageviews += minute.pageviews
        events += minute.events
        unlisted += minute.unlisted
        for visitor_id, visitor in minute.visitors.items():
            known = visitors.get(visitor_id)
            visitors[visitor_id] = visitor if known is None else known.joined(visitor)
        for page, count in minute.pages.items():
            pages[page] = pages.get(page, 0) + count
    return Minute(pageviews, events, visitors, pages, unlisted, _newest(newest))


def with_sources(minute: Minute, earlier: Iterable[Minute]) -> Minute:
    """Name the source of visitors who came in earlier minutes: only a first view has one."""
    unnamed = {one for one, visitor in minute.visitors.items() if not visitor.source}
    visitors = dict(minute.visitors)
    for before in earlier:
        for one in unnamed & before.visitors.keys():
            known, came = visitors[one], before.visitors[one]
            source_at, source = max((known.source_at, known.source), (came.source_at, came.source))
            visitors[one] = known._replace(source_at=source_at, source=source)
    return replace(minute, visitors=visitors)


def bounded(minute: Minute, max_values: int = MAX_LIVE_VALUES) -> Minute:
    """Keep the pages with most views where there are too many for one item."""
    if len(minute.pages) <= max_values:
        return minute
    return replace(minute, pages=_most(minute.pages, max_values))


def shrunk(minute: Minute) -> Minute:
    """Return about half of what takes room. Pageviews, events and sums of visitors stay.

    First the values that few visitors have become OTHER; when there are few values left, visitors
    are left out, first those seen longest ago, and counted in `unlisted`.
    """
    places = minute.visitors.values()
    listed = [Counter(getattr(place, dimension) for place in places) for dimension in PLACES]
    distinct = max(len(minute.pages), *map(len, listed))
    if minute.visitors and distinct <= FEW_VALUES:
        return _with_fewer_visitors(minute)
    keep = distinct // 2
    page, source, country = (_most(counts, keep) for counts in listed)
    visitors = {
        visitor_id: place._replace(
            page=place.page if place.page in page else OTHER,
            source=place.source if place.source in {"", *source} else OTHER,
            country=place.country if place.country in country else OTHER,
        )
        for visitor_id, place in minute.visitors.items()
    }
    return replace(minute, visitors=visitors, pages=_most(minute.pages, keep))


def _with_fewer_visitors(minute: Minute) -> Minute:
    latest = sorted(minute.visitors, key=lambda one: (-minute.visitors[one].seen_at, one))
    kept = latest[: len(latest) // 2]
    return replace(
        minute,
        visitors={visitor_id: minute.visitors[visitor_id] for visitor_id in kept},
        unlisted=minute.unlisted + len(latest) - len(kept),
    )


def _most(counts: Mapping[str, int], keep: int) -> dict[str, int]:
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return dict(ranked[:keep])


class Top(NamedTuple):
    """One value of a dimension of the live view."""

    value: str
    visitors: int


def top(minute: Minute, dimension: Dimension, *, since: int, limit: int) -> list[Top]:
    """Rank the values by the visitors seen since a moment, pages then by their pageviews."""
    counts: dict[str, int] = {}
    for visitor in minute.visitors.values():
        value = str(getattr(visitor, dimension))
        if visitor.seen_at >= since and value:
            counts[value] = counts.get(value, 0) + 1
    views = minute.pages if dimension is Dimension.PAGE else {}
    ranked = [Top(value, visitors) for value, visitors in counts.items()]
    ranked.sort(key=lambda row: (-row.visitors, -views.get(row.value, 0), row.value))
    return ranked[:limit]
