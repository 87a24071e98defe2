"""Visitor state: what must be remembered of one visitor to count the next event exactly.

A visitor id lives for a day and a half at most (salt of the day, token of 12 h), so the state keeps
every visit that an accepted event can still change. Visits are values: an event is a visit of one
event, and visits that belong together are joined, in whatever order their events arrive. What a
visit adds to the rollups is a function of the visit, so that any change is the difference between
what it adds now and what it added before (`aggregates/fold.py`).

States and visits are named tuples: one is made for each event, which takes a frozen dataclass
three times as long.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

from aggregates.rollup import TOTAL, Dimension, RowKey
from aggregates.value import DIRECT, NOT_SET, value_of
from aggregates.window import VISIT_GAP_MS, LocalHour, local_hour
from schemas.event import Context, Event, EventType

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


NO_COUNTS = VisitDay()


class Moment(NamedTuple):
    """When an event happened (epoch milliseconds), and its id, which decides at equal times."""

    at: int
    event_id: bytes


class PageAt(NamedTuple):
    """A page and when it was viewed."""

    moment: Moment
    page: str


class Visit(NamedTuple):
    """Events of one visitor with no gap over VISIT_GAP_MS, whatever tab or app they come from."""

    first: Moment
    ended_at: int
    traits: Traits
    days: Mapping[date, VisitDay]
    entry: PageAt | None = None
    exit: PageAt | None = None
    counts_visitor: bool = True
    """Whether it makes its visitor count in its rows."""

    def opening(self) -> tuple[int, int]:
        """Return what the visit adds to the day it began, beside itself: bounces, milliseconds.

        A bounce is one pageview and no custom event.
        """
        pageviews = 0
        for viewed, custom, _ in self.days.values():
            pageviews += viewed + 2 * custom
        return (1, 0) if pageviews == 1 else (0, self.ended_at - self.first.at)

    def ends(self) -> tuple[RowKey, RowKey]:
        """Return the rows of the entry and the exit page."""
        return (
            (Dimension.ENTRY_PAGE, self.entry.page if self.entry else NOT_SET),
            (Dimension.EXIT_PAGE, self.exit.page if self.exit else NOT_SET),
        )


def with_event(
    visits: tuple[Visit, ...],
    event: Event,
    context: Context,
    day: date,
    *,
    counts_visitor: bool,
) -> tuple[Visit, ...]:
    """Return a visitor's visits once one more event is known.

    The event begins a visit, belongs to one, or closes the gap between several. In which order
    events come does not matter.

    Args:
        visits: known so far; no two of them are parts of one visit.
        event: not among those of the visits.
        context: what its request says.
        day: of the event, site-local.
        counts_visitor: whether a visit that it begins makes its visitor count.
    """
    at = event.occurred_at
    touched = [
        visit
        for visit in visits
        if visit.first.at - at <= VISIT_GAP_MS and at - visit.ended_at <= VISIT_GAP_MS
    ]
    if not touched:
        return (*visits, _begun(event, context, day, counts_visitor=counts_visitor))
    whole = touched[0]
    for visit in touched[1:]:
        whole = _joined(whole, visit)
    whole = _extended(whole, event, context, day, counts_visitor=counts_visitor)
    if len(touched) == len(visits):
        return (whole,)
    place = visits.index(touched[0])
    others = [visit for visit in visits if not any(visit is part for part in touched)]
    return (*others[:place], whole, *others[place:])


def _begun(event: Event, context: Context, day: date, *, counts_visitor: bool) -> Visit:
    moment = Moment(event.occurred_at, event.event_id)
    viewed = event.event_type is EventType.PAGE_VIEW
    page = PageAt(moment, value_of(event.page, NOT_SET)) if viewed else None
    counts = VisitDay(int(viewed), int(event.event_type is EventType.CUSTOM), event.engaged_ms)
    traits = traits_of(event, context)
    return Visit(moment, event.occurred_at, traits, {day: counts}, page, page, counts_visitor)


def _extended(
    visit: Visit, event: Event, context: Context, day: date, *, counts_visitor: bool
) -> Visit:
    first, ended_at, traits, days, entry, exit_, counts_already = visit
    at, kind = event.occurred_at, event.event_type
    if at <= first.at and not first < (at, event.event_id):
        first, traits = Moment(at, event.event_id), traits_of(event, context)
    if kind is EventType.PAGE_VIEW:
        page = PageAt(Moment(at, event.event_id), value_of(event.page, NOT_SET))
        entry = page if entry is None or page < entry else entry
        exit_ = page if exit_ is None or page > exit_ else exit_
    pageviews, events, engaged_ms = days.get(day, NO_COUNTS)
    counts = VisitDay(
        pageviews + (kind is EventType.PAGE_VIEW),
        events + (kind is EventType.CUSTOM),
        engaged_ms + event.engaged_ms,
    )
    return Visit(
        first,
        max(at, ended_at),
        traits,
        {**days, day: counts},
        entry,
        exit_,
        counts_already or counts_visitor,
    )


def _joined(one: Visit, other: Visit) -> Visit:
    days = dict(one.days)
    for day, counts in other.days.items():
        days[day] = days.get(day, NO_COUNTS).plus(counts)
    earlier = one if one.first < other.first else other
    return Visit(
        earlier.first,
        max(one.ended_at, other.ended_at),
        earlier.traits,
        days,
        _of_both(min, one.entry, other.entry),
        _of_both(max, one.exit, other.exit),
        one.counts_visitor or other.counts_visitor,
    )


def traits_of(event: Event, context: Context) -> Traits:
    """Return the visit-scoped dimension values of an event.

    Some dimensions have a value for every visit, so that their rows add up to the totals; the
    others (UTM, region, city, referrer) are listed for the visits that have one.
    """
    always = (
        trait_of(Dimension.SOURCE, event.source, DIRECT),
        trait_of(Dimension.CHANNEL, event.channel, NOT_SET),
        trait_of(Dimension.COUNTRY, context.country, NOT_SET),
        trait_of(Dimension.BROWSER, context.browser, NOT_SET),
        trait_of(Dimension.OS, context.os, NOT_SET),
        trait_of(Dimension.DEVICE, context.device, NOT_SET),
        trait_of(Dimension.LANGUAGE, context.language, NOT_SET),
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
    return always + tuple([trait_of(name, text, "") for name, text in sometimes if text])


@lru_cache(maxsize=4096)
def trait_of(dimension: Dimension, text: str, empty: str) -> RowKey:
    """Return the row of a visit-scoped dimension. Visits share them: most are made before."""
    return dimension, value_of(text, empty)


class VisitorState(NamedTuple):
    """What is remembered of one visitor. Digests are eight bytes each."""

    checkpoints: Mapping[str, int] = MappingProxyType({})
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


@lru_cache(maxsize=8192)
def row_of(day: date, dimension: Dimension, text: str) -> tuple[RowKey, bytes]:
    """Return the row that a text is counted in, and its digest.

    Visitors meet in the same rows: most are made before.
    """
    key = (dimension, value_of(text, NOT_SET))
    return key, row_digest(day, key)


@lru_cache(maxsize=128)
def hour_row(day: date, hour: int) -> tuple[RowKey, bytes]:
    """Return the row of an hour of a site-local day, and its digest."""
    return row_of(day, Dimension.HOUR, f"{hour:02d}")


def start_of(visit: Visit, timezone: str) -> LocalHour:
    """Return the site-local hour that a visit is credited to."""
    return local_hour(visit.first.at, timezone)


def present(visits: Iterable[Visit], day: date, timezone: str) -> set[RowKey]:
    """Return the rows of a day for which some visits make their visitor count."""
    rows: set[RowKey] = set()
    for visit in visits:
        if not visit.counts_visitor:
            continue
        if day in visit.days:
            rows.add(TOTAL)
            rows.update(visit.traits)
        if start_of(visit, timezone).day == day:
            rows.update(visit.ends())
    return rows


def days_of(visits: Iterable[Visit], timezone: str) -> set[date]:
    """Return the site-local days on which some visits have rows."""
    days: set[date] = set()
    for visit in visits:
        days.update(visit.days)
        days.add(start_of(visit, timezone).day)
    return days


def _of_both(
    choose: Callable[[PageAt, PageAt], PageAt], one: PageAt | None, other: PageAt | None
) -> PageAt | None:
    return choose(one, other) if one and other else one or other


def size_of(visit: Visit) -> int:
    """Return an upper bound of the bytes that a visit takes in its state."""
    values = [value for _, value in visit.traits]
    values += [end.page for end in (visit.entry, visit.exit) if end]
    return (
        VISIT_OVERHEAD
        + len(visit.traits) * TRAIT_OVERHEAD
        + len(visit.days) * DAY_OVERHEAD
        + sum([len(text) if text.isascii() else len(text.encode()) for text in values])
    )
