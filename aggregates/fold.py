"""Fold: one record and a visitor's state give a new state, and are added to the rollups' rows.

The same state and record always add the same, whatever batch the record comes in: the commit
protocol depends on it (docs/architecture.md). Beside the accumulators, all is pure.

A record adds the difference that it makes: of each visit that it changes, what the visit adds to
its rows now less what it added before. `tests/aggregates/simple_fold.py` takes back the whole and
adds the whole, and must come to the same.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from aggregates.accumulator import Days, Rows, add
from aggregates.ledger import counted, stated
from aggregates.progress import Position, RecentEvents, covered, moved
from aggregates.rollup import TOTAL, ZERO, Counters, Dimension, RowKey
from aggregates.value import NOT_SET, value_of
from aggregates.visitor import (
    MAX_FROZEN,
    MAX_SEEN,
    MAX_VISIT_BYTES,
    MAX_VISITS,
    NO_COUNTS,
    RECENT_EVENT_IDS,
    Visit,
    VisitDay,
    VisitorState,
    counts_of,
    days_of,
    present,
    row_digest,
    size_of,
    start_of,
    with_event,
)
from aggregates.window import LocalHour, local_hour
from schemas.event import Event, EventBatch, EventType

ONE_VISITOR = Counters(visitors=1)
ONE_VISITOR_LESS = Counters(visitors=-1)

FEW_VISITS = 8
"""So many take less than MAX_VISIT_BYTES, whatever is in them: they need not be measured."""


class Folded(NamedTuple):
    """What folding one record gives beside what it adds."""

    state: VisitorState
    events_counted: int = 0
    events_duplicate: int = 0
    redelivered: bool = False


def fold(
    state: VisitorState, batch: EventBatch, position: Position, timezone: str, days: Days
) -> Folded:
    """Fold one record into its visitor's state, and add what it changes to the days.

    A record at or below the state's checkpoint, and an event whose id the state remembers, change
    no count. A record without events leaves the state as it is: that it is counted once is left to
    the checkpoint of the rollup item.

    Args:
        state: of the record's visitor.
        batch: the record.
        position: its place on the stream.
        timezone: the site's.
        days: accumulators, which may hold what other records added.

    Raises:
        ValueError, OverflowError, OSError: a time is beyond the calendar; nothing is added.
    """
    if covered(position, state.checkpoints):
        return Folded(state, redelivered=True)
    # Whatever may raise comes before the first addition.
    arrived_on = local_hour(batch.received_at, timezone).day
    recent = RecentEvents(state.recent_event_ids, RECENT_EVENT_IDS)
    events = [
        (event, local_hour(event.occurred_at, timezone)) for event in recent.admit(batch.events)
    ]
    visits, counts_visitor = state.visits, len(state.frozen) < MAX_FROZEN
    for event, local in events:
        visits = with_event(visits, event, batch.context, local.day, counts_visitor=counts_visitor)
    change = _change(state.visits, visits)
    presence = _presence(change, state.frozen, timezone)
    kept, frozen = _evict(visits, state.frozen, timezone)

    _count_hits(days(arrived_on), batch, len(events))
    if not batch.events:
        return Folded(state)
    seen = _count_events(days, events, state.seen)
    _count_visits(days, change, timezone)
    for day, keys, visitors in presence:
        rows = days(day)
        if rows is not None:
            add(rows, keys, visitors)
    checkpoints = moved(state.checkpoints, (position,))
    return Folded(
        VisitorState(checkpoints, recent.digests(), seen, frozen, kept),
        len(events),
        len(batch.events) - len(events),
    )


def _count_hits(rows: Rows | None, batch: EventBatch, fresh: int) -> None:
    """Keep the ledger of the day of arrival."""
    if rows is None:
        return
    for ledger in (stated(batch), counted(fresh, len(batch.events) - fresh)):
        for key, counters in ledger.items():
            add(rows, (key,), counters)


def _count_events(
    days: Days, events: Iterable[tuple[Event, LocalHour]], seen: frozenset[bytes]
) -> frozenset[bytes]:
    """Count what single events are counted under; return the rows seen after them."""
    new: set[bytes] = set()
    for event, (day, hour) in events:
        rows = days(day)
        counts = Counters(0, 0, *counts_of(event)[:2], 0, 0, event.engaged_ms)
        for key in (hour_row(hour), *_event_rows(event)):
            digest = row_digest(day, key)
            change = counts
            if (
                digest not in seen
                and digest not in new
                and (len(seen) + len(new) < MAX_SEEN or key[0] is Dimension.HOUR)
            ):
                new.add(digest)
                change = counts._replace(visitors=1)
            if rows is not None:
                add(rows, (key,), change)
    return seen | new if new else seen


@cache
def hour_row(hour: int) -> RowKey:
    """Return the row of an hour of a site-local day."""
    return Dimension.HOUR, f"{hour:02d}"


def _event_rows(event: Event) -> tuple[RowKey, ...]:
    hostname: RowKey = (Dimension.HOSTNAME, value_of(event.hostname, NOT_SET))
    match event.event_type:
        case EventType.CUSTOM:
            return hostname, (Dimension.EVENT, value_of(event.name, NOT_SET))
        case EventType.PAGE_VIEW | EventType.ENGAGEMENT:
            return hostname, (Dimension.PAGE, value_of(event.page, NOT_SET))
        case EventType.UNKNOWN:
            return ()


class _Change(NamedTuple):
    """How a record changes the visits of its visitor."""

    gone: Sequence[Visit]
    """Visits that are no more, or not what they were."""
    new: Sequence[Visit]
    """Visits that were not, or are not what they were."""
    others: Sequence[Visit]

    def grows(self) -> bool:
        """Say whether one visit got more events, and all else is as it was: the usual case."""
        if len(self.gone) != 1 or len(self.new) != 1:
            return False
        (old,), (new,) = self.gone, self.new
        return old.traits is new.traits and old.first is new.first


def _change(before: Sequence[Visit], after: Sequence[Visit]) -> _Change:
    ids_before, ids_after = set(map(id, before)), set(map(id, after))
    return _Change(
        [visit for visit in before if id(visit) not in ids_after],
        [visit for visit in after if id(visit) not in ids_before],
        [visit for visit in after if id(visit) in ids_before],
    )


def _count_visits(days: Days, change: _Change, timezone: str) -> None:
    if change.grows():
        (old,), (new,) = change.gone, change.new
        _count_growth(days, old, new, start_of(new, timezone))
        return
    for visit in change.gone:
        _count_visit(days, visit, start_of(visit, timezone), -1)
    for visit in change.new:
        _count_visit(days, visit, start_of(visit, timezone), 1)


def _count_visit(days: Days, visit: Visit, start: LocalHour, sign: int) -> None:
    """Add what a visit adds to its rows (or, with -1, take it back), visitors left out."""
    opening = visit.opening() if sign > 0 else ZERO.minus(visit.opening())
    for day, counts in visit.days.items():
        of_day = counts if sign > 0 else NO_COUNTS.minus(counts)
        _add_to_traits(days(day), visit, of_day, opening if day == start.day else ZERO)
    rows = days(start.day)
    if rows is not None:
        add(rows, (*visit.ends(), hour_row(start.hour)), opening)


def _count_growth(days: Days, old: Visit, new: Visit, start: LocalHour) -> None:
    """Add what a visit adds since it has grown, visitors left out."""
    was, now = old.opening(), new.opening()
    opening = now.minus(was)
    for day, counts in new.days.items():
        of_day = counts.minus(old.days.get(day, NO_COUNTS))
        _add_to_traits(days(day), new, of_day, opening if day == start.day else ZERO)
    rows = days(start.day)
    if rows is None:
        return
    add(rows, (hour_row(start.hour),), opening)
    for had, has in zip(old.ends(), new.ends(), strict=True):
        if had == has:
            add(rows, (has,), opening)
        else:
            add(rows, (had,), ZERO.minus(was))
            add(rows, (has,), now)


def _add_to_traits(rows: Rows | None, visit: Visit, of_day: VisitDay, opening: Counters) -> None:
    """Add to the rows that a visit has on each of its days."""
    if rows is None:
        return
    _, visits, _, _, bounces, duration_ms, _ = opening
    pageviews, events, engaged_ms = of_day
    change = Counters(0, visits, pageviews, events, bounces, duration_ms, engaged_ms)
    if change != ZERO:
        add(rows, (TOTAL, *visit.traits), change)


_Presence = tuple[date, Collection[RowKey], Counters]
"""A day, rows of it, and what is added to each of them."""


def _presence(change: _Change, frozen: Collection[bytes], timezone: str) -> list[_Presence]:
    """Return the rows in which the visitor counts now and did not, and the other way round."""
    if change.grows():
        (old,), (new,) = change.gone, change.new
        same_days = len(old.days) == len(new.days)
        if same_days and old.counts_visitor == new.counts_visitor and old.ends() == new.ends():
            return []
    changes: list[_Presence] = []
    for day in days_of((*change.gone, *change.new), timezone):
        had, has = present(change.gone, day, timezone), present(change.new, day, timezone)
        still = present(change.others, day, timezone)
        for keys, visitors in ((has - had, ONE_VISITOR), (had - has, ONE_VISITOR_LESS)):
            changed = keys - still
            if frozen:
                changed = {key for key in changed if row_digest(day, key) not in frozen}
            if changed:
                changes.append((day, changed, visitors))
    return changes


def _evict(
    visits: tuple[Visit, ...], frozen: frozenset[bytes], timezone: str
) -> tuple[tuple[Visit, ...], frozenset[bytes]]:
    """Drop the visits that ended first where there are too many; remember where they counted."""
    if len(visits) <= FEW_VISITS:
        return visits, frozen
    if len(visits) <= MAX_VISITS and sum(map(size_of, visits)) <= MAX_VISIT_BYTES:
        return visits, frozen
    by_end = sorted(visits, key=lambda visit: (visit.ended_at, visit.first), reverse=True)
    room = sum(total <= MAX_VISIT_BYTES for total in accumulate(map(size_of, by_end)))
    gone = by_end[min(room, MAX_VISITS) :]
    if not gone:
        return visits, frozen
    kept = tuple(visit for visit in visits if not any(visit is one for one in gone))
    rows = {
        row_digest(day, key)
        for day in days_of(gone, timezone)
        for key in present(gone, day, timezone)
    }
    return kept, frozen | rows
