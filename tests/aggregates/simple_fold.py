"""The fold as it was first written: what a visit added is taken back, what it adds now is added.

Slow, and plain to see through. The fold of the product must give the same states and rows, for
every record, in any order. It shares the types of states with it, and nothing that counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate, chain

from aggregates.ledger import counted, stated
from aggregates.progress import Position, RecentEvents, covered, moved
from aggregates.rollup import TOTAL, ZERO, Counters, Dimension, Rollup, RowKey
from aggregates.value import DIRECT, NOT_SET, value_of
from aggregates.visitor import (
    MAX_FROZEN,
    MAX_SEEN,
    MAX_VISIT_BYTES,
    MAX_VISITS,
    RECENT_EVENT_IDS,
    Moment,
    PageAt,
    Traits,
    Visit,
    VisitDay,
    VisitorState,
    row_digest,
    size_of,
    start_of,
)
from aggregates.window import VISIT_GAP_MS, LocalHour, local_hour
from schemas.event import Context, Event, EventBatch, EventType

DayRow = tuple[date, RowKey]
ONE_VISITOR = Counters(visitors=1)
ONE_VISITOR_LESS = Counters(visitors=-1)


@dataclass(frozen=True, slots=True)
class Folded:
    """What folding one record gives: the new state, and a delta for each site-local day."""

    state: VisitorState
    deltas: Mapping[date, Rollup] = field(default_factory=dict)
    events_counted: int = 0
    events_duplicate: int = 0
    redelivered: bool = False


def fold(state: VisitorState, batch: EventBatch, position: Position, timezone: str) -> Folded:
    """Fold one record into its visitor's state.

    A record at or below the state's checkpoint, and an event whose id the state remembers, change
    no count. A record without events leaves the state as it is: that it is counted once is left to
    the checkpoint of the rollup item.
    """
    if covered(position, state.checkpoints):
        return Folded(state, redelivered=True)
    recent = RecentEvents(state.recent_event_ids, RECENT_EVENT_IDS)
    fresh = recent.admit(batch.events)
    rows = _Rows()
    _count_hits(rows, batch, len(fresh), timezone)
    if not batch.events:
        return Folded(state, rows.by_day())
    seen = _count_events(rows, fresh, state.seen, timezone)
    visits, counts_visitor = state.visits, len(state.frozen) < MAX_FROZEN
    for event in fresh:
        day = local_hour(event.occurred_at, timezone).day
        traits = traits_of(event, batch.context)
        visits = _join(visits, visit_of(event, traits, day, counts_visitor=counts_visitor))
    _count_visits(rows, state.visits, visits, timezone)
    _count_presence(rows, state, visits, timezone)
    kept, frozen = _evict(visits, state.frozen, timezone)
    checkpoints = moved(state.checkpoints, [position])
    return Folded(
        VisitorState(checkpoints, recent.digests(), seen, frozen, kept),
        rows.by_day(),
        events_counted=len(fresh),
        events_duplicate=len(batch.events) - len(fresh),
    )


class _Rows:
    """Counters that are being added up, by day and row."""

    def __init__(self) -> None:
        self._rows: dict[DayRow, Counters] = {}

    def add(self, row: DayRow, counters: Counters) -> None:
        known = self._rows.get(row)
        self._rows[row] = counters if known is None else known.plus(counters)

    def take(self, row: DayRow, counters: Counters) -> None:
        self._rows[row] = self._rows.get(row, ZERO).minus(counters)

    def by_day(self) -> dict[date, Rollup]:
        days: dict[date, dict[RowKey, Counters]] = {}
        for (day, key), counters in self._rows.items():
            if counters != ZERO:
                days.setdefault(day, {})[key] = counters
        return {day: Rollup(rows) for day, rows in days.items()}


def _count_hits(rows: _Rows, batch: EventBatch, fresh: int, timezone: str) -> None:
    """Keep the ledger of the day of arrival."""
    day = local_hour(batch.received_at, timezone).day
    for ledger in (stated(batch), counted(fresh, len(batch.events) - fresh)):
        for key, counters in ledger.items():
            rows.add((day, key), counters)


def _count_events(
    rows: _Rows, events: Iterable[Event], seen: frozenset[bytes], timezone: str
) -> frozenset[bytes]:
    """Count what single events are counted under; return the rows seen after them."""
    known = set(seen)
    for event in events:
        local = local_hour(event.occurred_at, timezone)
        counters = _counters_of(event)
        hour: RowKey = (Dimension.HOUR, f"{local.hour:02d}")
        for key in (hour, *_event_rows(event)):
            rows.add((local.day, key), counters)
            digest = row_digest(local.day, key)
            if digest not in known and (len(known) < MAX_SEEN or key is hour):
                known.add(digest)
                rows.add((local.day, key), ONE_VISITOR)
    return seen if len(known) == len(seen) else frozenset(known)


def _counters_of(event: Event) -> Counters:
    return Counters(
        pageviews=int(event.event_type is EventType.PAGE_VIEW),
        events=int(event.event_type is EventType.CUSTOM),
        engaged_ms=event.engaged_ms,
    )


def _event_rows(event: Event) -> tuple[RowKey, ...]:
    hostname: RowKey = (Dimension.HOSTNAME, value_of(event.hostname, NOT_SET))
    match event.event_type:
        case EventType.CUSTOM:
            return hostname, (Dimension.EVENT, value_of(event.name, NOT_SET))
        case EventType.PAGE_VIEW | EventType.ENGAGEMENT:
            return hostname, (Dimension.PAGE, value_of(event.page, NOT_SET))
        case EventType.UNKNOWN:
            return ()


def _join(visits: tuple[Visit, ...], new: Visit) -> tuple[Visit, ...]:
    """Add an event's visit to those it belongs to; it may close the gap between two."""
    parts = [visit for visit in visits if _touch(visit, new)]
    if not parts:
        return (*visits, new)
    whole = parts[0]
    for part in (*parts[1:], new):
        whole = _joined(whole, part)
    others = (visit for visit in visits if not any(visit is part for part in parts[1:]))
    return tuple(whole if visit is parts[0] else visit for visit in others)


def _count_visits(
    rows: _Rows, before: Sequence[Visit], after: Sequence[Visit], timezone: str
) -> None:
    unchanged = {id(visit) for visit in before} & {id(visit) for visit in after}
    for visit in after:
        if id(visit) not in unchanged:
            for row, counters in credit_of(visit, start_of(visit, timezone)).items():
                rows.add(row, counters)
    for visit in before:
        if id(visit) not in unchanged:
            for row, counters in credit_of(visit, start_of(visit, timezone)).items():
                rows.take(row, counters)


def _count_presence(
    rows: _Rows, state: VisitorState, after: Sequence[Visit], timezone: str
) -> None:
    had = _presence_of(state.visits, timezone)
    has = _presence_of(after, timezone)
    for changed, change in ((has - had, ONE_VISITOR), (had - has, ONE_VISITOR_LESS)):
        for day, key in changed:
            if not state.frozen or row_digest(day, key) not in state.frozen:
                rows.add((day, key), change)


def _presence_of(visits: Iterable[Visit], timezone: str) -> set[DayRow]:
    each = (presence(visit, start_of(visit, timezone)) for visit in visits)
    return set(chain.from_iterable(each))


def _evict(
    visits: tuple[Visit, ...], frozen: frozenset[bytes], timezone: str
) -> tuple[tuple[Visit, ...], frozenset[bytes]]:
    """Drop the visits that ended first where there are too many; remember where they counted."""
    by_end = sorted(visits, key=lambda visit: (visit.ended_at, visit.first), reverse=True)
    room = sum(total <= MAX_VISIT_BYTES for total in accumulate(map(size_of, by_end)))
    gone = by_end[min(room, MAX_VISITS) :]
    if not gone:
        return visits, frozen
    kept = tuple(visit for visit in visits if not any(visit is one for one in gone))
    rows = _presence_of(gone, timezone)
    return kept, frozen | {row_digest(day, key) for day, key in rows}


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
    rows.update((start.day, key) for key in _ends(visit))
    return rows


def credit_of(visit: Visit, start: LocalHour) -> dict[tuple[date, RowKey], Counters]:
    """Return what the visit adds to the rows of each day, visitors left out."""
    opening = _opening(visit)
    rows: dict[tuple[date, RowKey], Counters] = {}
    for day, counts in visit.days.items():
        credited = Counters(
            pageviews=counts.pageviews, events=counts.events, engaged_ms=counts.engaged_ms
        )
        if day == start.day:
            credited = credited.plus(opening)
        for key in (TOTAL, *visit.traits):
            rows[day, key] = credited
    for key in (*_ends(visit), (Dimension.HOUR, f"{start.hour:02d}")):
        rows[start.day, key] = opening
    return rows


def _of_both(
    choose: Callable[[PageAt, PageAt], PageAt], one: PageAt | None, other: PageAt | None
) -> PageAt | None:
    return choose(one, other) if one and other else one or other


def _touch(one: Visit, other: Visit) -> bool:
    return (
        one.first.at - other.ended_at <= VISIT_GAP_MS
        and other.first.at - one.ended_at <= VISIT_GAP_MS
    )


def _joined(one: Visit, other: Visit) -> Visit:
    days = dict(one.days)
    for day, counts in other.days.items():
        known = days.get(day, VisitDay())
        days[day] = VisitDay(*(a + b for a, b in zip(known, counts, strict=True)))
    earlier = one if one.first < other.first else other
    return Visit(
        first=earlier.first,
        ended_at=max(one.ended_at, other.ended_at),
        traits=earlier.traits,
        days=days,
        entry=_of_both(min, one.entry, other.entry),
        exit=_of_both(max, one.exit, other.exit),
        counts_visitor=one.counts_visitor or other.counts_visitor,
    )


def _opening(visit: Visit) -> Counters:
    pageviews = sum(counts.pageviews for counts in visit.days.values())
    bounced = pageviews == 1 and not any(counts.events for counts in visit.days.values())
    duration = 0 if bounced else visit.ended_at - visit.first.at
    return Counters(visits=1, bounces=int(bounced), duration_ms=duration)


def _ends(visit: Visit) -> tuple[RowKey, RowKey]:
    entry = visit.entry.page if visit.entry else NOT_SET
    exit_ = visit.exit.page if visit.exit else NOT_SET
    return (Dimension.ENTRY_PAGE, entry), (Dimension.EXIT_PAGE, exit_)
