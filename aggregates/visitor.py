"""Visitor state: what must be remembered of one visitor to count the next event exactly.

A visitor id lives for a day and a half at most (salt of the day, token of 12 h), so the state keeps
every visit that an accepted event can still change. Visits are values: an event is a visit of one
event, and visits that belong together are joined, in whatever order their events arrive. What a
visit adds to the rollups is a function of the visit (`credits`, `presence`), so that any change is
the difference between what it adds now and what it added before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import blake2b
from typing import NamedTuple

from aggregates.rollup import TOTAL, Counters, Dimension, RowKey
from aggregates.value import DIRECT, NOT_SET, value_of
from aggregates.window import LocalHour, local_hour
from schemas.event import Context, Event, EventType

VISIT_GAP_MS = int(timedelta(minutes=30).total_seconds() * 1000)
"""Events of one visitor that lie further apart than this are different visits."""

RECENT_EVENT_IDS = 64
"""How many event ids a state remembers: more than one request holds (50), so that a request that
is sent twice is counted once. Eight bytes each keep a typical state within one write unit."""

MAX_VISITS = 50
"""Visits in a state; the one that ended first leaves when there are more."""

MAX_VISIT_BYTES = 64 * 1024
"""Of all visits in a state, encoded; beyond that, too, the one that ended first leaves."""

MAX_FROZEN = 4096
"""Rows that a state remembers of visits that have left. Visits that begin later make the visitor
count in no row: an honest visitor has 120 of them at most (60 h, half an hour each)."""

MAX_SEEN = 4096
"""Dimension values that a state remembers; a visitor is not counted for later ones (pages of a
crawler, in practice). The state of such a visitor takes 32 KB."""

VISIT_OVERHEAD = 120
TRAIT_OVERHEAD = 16
DAY_OVERHEAD = 40
"""Bytes around the values of a visit, of a trait (its name) and of a day, encoded, at most."""

Traits = tuple[tuple[Dimension, str], ...]
"""Visit-scoped dimensions with their values, from the first event of the visit."""


class VisitDay(NamedTuple):
    """What a visit holds of one site-local day."""

    pageviews: int = 0
    events: int = 0
    engaged_ms: int = 0

    def plus(self, other: "VisitDay") -> "VisitDay":
        """Return the sum."""
        return VisitDay(
            self.pageviews + other.pageviews,
            self.events + other.events,
            self.engaged_ms + other.engaged_ms,
        )


class Moment(NamedTuple):
    """When an event happened (epoch milliseconds), and its id, which decides at equal times."""

    at: int
    event_id: bytes


class PageAt(NamedTuple):
    """A page and when it was viewed."""

    moment: Moment
    page: str


@dataclass(frozen=True, slots=True)
class Visit:
    """Events of one visitor with no gap over VISIT_GAP_MS, whatever tab or app they come from."""

    first: Moment
    ended_at: int
    traits: Traits
    days: Mapping[date, VisitDay]
    entry: PageAt | None = None
    exit: PageAt | None = None
    counts_visitor: bool = True
    """Whether it makes its visitor count in its rows."""

    @property
    def started_at(self) -> int:
        """When its first event happened."""
        return self.first.at

    def touches(self, other: "Visit") -> bool:
        """Say whether both are parts of one visit."""
        return (
            self.started_at - other.ended_at <= VISIT_GAP_MS
            and other.started_at - self.ended_at <= VISIT_GAP_MS
        )

    def joined(self, other: "Visit") -> "Visit":
        """Return both as one visit. Which of them came first does not matter."""
        days = dict(self.days)
        for day, counts in other.days.items():
            days[day] = days.get(day, VisitDay()).plus(counts)
        earlier = self if self.first < other.first else other
        return Visit(
            first=earlier.first,
            ended_at=max(self.ended_at, other.ended_at),
            traits=earlier.traits,
            days=days,
            entry=_of_both(min, self.entry, other.entry),
            exit=_of_both(max, self.exit, other.exit),
            counts_visitor=self.counts_visitor or other.counts_visitor,
        )

    def bounced(self) -> bool:
        """Say whether the visit is one pageview and no custom event."""
        pageviews = sum(counts.pageviews for counts in self.days.values())
        return pageviews == 1 and not any(counts.events for counts in self.days.values())

    def opening(self) -> Counters:
        """Return what is credited to the start of the visit."""
        bounced = self.bounced()
        duration = 0 if bounced else self.ended_at - self.started_at
        return Counters(visits=1, bounces=int(bounced), duration_ms=duration)

    def ends(self) -> tuple[RowKey, RowKey]:
        """Return the rows of the entry and the exit page."""
        entry = self.entry.page if self.entry else NOT_SET
        exit_ = self.exit.page if self.exit else NOT_SET
        return (Dimension.ENTRY_PAGE, entry), (Dimension.EXIT_PAGE, exit_)


def visit_of(event: Event, traits: Traits, day: date, *, counts_visitor: bool = True) -> Visit:
    """Return the visit that consists of one event."""
    viewed = event.event_type is EventType.PAGE_VIEW
    moment = Moment(event.occurred_at, event.event_id)
    page = PageAt(moment, value_of(event.page, NOT_SET)) if viewed else None
    counts = VisitDay(int(viewed), int(event.event_type is EventType.CUSTOM), event.engaged_ms)
    return Visit(
        first=moment,
        ended_at=event.occurred_at,
        traits=traits,
        days={day: counts},
        entry=page,
        exit=page,
        counts_visitor=counts_visitor,
    )


def traits_of(event: Event, context: Context) -> Traits:
    """Return the visit-scoped dimension values of an event.

    Some dimensions have a value for every visit, so that their rows add up to the totals; the
    others (UTM, region, city, referrer) are listed for the visits that have one.
    """
    always = (
        (Dimension.SOURCE, value_of(event.source, DIRECT)),
        (Dimension.CHANNEL, value_of(event.channel, NOT_SET)),
        (Dimension.COUNTRY, value_of(context.country, NOT_SET)),
        (Dimension.BROWSER, value_of(context.browser, NOT_SET)),
        (Dimension.OS, value_of(context.os, NOT_SET)),
        (Dimension.DEVICE, value_of(context.device, NOT_SET)),
        (Dimension.LANGUAGE, value_of(context.language, NOT_SET)),
    )
    sometimes = (
        (Dimension.REFERRER, event.referrer),
        (Dimension.UTM_SOURCE, event.utm_source),
        (Dimension.UTM_MEDIUM, event.utm_medium),
        (Dimension.UTM_CAMPAIGN, event.utm_campaign),
        (Dimension.UTM_TERM, event.utm_term),
        (Dimension.UTM_CONTENT, event.utm_content),
        (Dimension.REGION, context.region),
        (Dimension.CITY, context.city),
    )
    return always + tuple((name, value_of(text)) for name, text in sometimes if text)


def presence(visit: Visit, start: LocalHour) -> set[tuple[date, RowKey]]:
    """Return the rows, by day, for which the visit makes its visitor count."""
    if not visit.counts_visitor:
        return set()
    rows = {(day, key) for day in visit.days for key in (TOTAL, *visit.traits)}
    rows.update((start.day, key) for key in visit.ends())
    return rows


def credit_of(visit: Visit, start: LocalHour) -> dict[tuple[date, RowKey], Counters]:
    """Return what the visit adds to the rows of each day, visitors left out."""
    opening = visit.opening()
    rows: dict[tuple[date, RowKey], Counters] = {}
    for day, counts in visit.days.items():
        credited = Counters(
            pageviews=counts.pageviews, events=counts.events, engaged_ms=counts.engaged_ms
        )
        if day == start.day:
            credited = credited.plus(opening)
        for key in (TOTAL, *visit.traits):
            rows[day, key] = credited
    for key in (*visit.ends(), (Dimension.HOUR, f"{start.hour:02d}")):
        rows[start.day, key] = opening
    return rows


@dataclass(frozen=True, slots=True)
class VisitorState:
    """What is remembered of one visitor. Digests are eight bytes each."""

    checkpoints: Mapping[str, int] = field(default_factory=dict)
    """The highest sequence number folded in, per shard."""
    recent_event_ids: tuple[bytes, ...] = ()
    """Digests of the last event ids, newest last."""
    seen: frozenset[bytes] = frozenset()
    """Digests of the rows that single events made the visitor count in: pages, hours, names."""
    frozen: frozenset[bytes] = frozenset()
    """The same for visits that have left the list."""
    visits: tuple[Visit, ...] = ()
    """In order of arrival."""


NEW = VisitorState()
"""A visitor of whom nothing is known."""


def row_digest(day: date, key: RowKey) -> bytes:
    """Return what is remembered of a row in which the visitor was counted."""
    dimension, value = key
    text = f"{day.isoformat()}|{dimension}|{value}"
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()


def start_of(visit: Visit, timezone: str) -> LocalHour:
    """Return the site-local hour that a visit is credited to."""
    return local_hour(visit.started_at, timezone)


def _of_both(
    choose: Callable[[PageAt, PageAt], PageAt], one: PageAt | None, other: PageAt | None
) -> PageAt | None:
    return choose(one, other) if one and other else one or other


def size_of(visit: Visit) -> int:
    """Return an upper bound of the bytes that a visit takes in its state."""
    pages = [end.page for end in (visit.entry, visit.exit) if end]
    values = [value for _, value in visit.traits] + pages
    return (
        VISIT_OVERHEAD
        + len(visit.traits) * TRAIT_OVERHEAD
        + len(visit.days) * DAY_OVERHEAD
        + sum(map(len, (value.encode() for value in values)))
    )
