"""Fold: one record and a visitor's state give a new state, and are added to the rollups' rows.

The same state and record always add the same, whatever batch the record comes in: the commit
protocol depends on it (docs/architecture.md). Beside the accumulators, all is pure.

A record adds the difference that it makes: of each visit that it changes, what the visit adds to
its rows now less what it added before. `tests/aggregates/simple_fold.py` takes back the whole and
adds the whole, and must come to the same.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import accumulate, zip_longest
from typing import NamedTuple

from aggregates.accumulator import Change, Days, Rows, add
from aggregates.ledger import FULLY_COUNTED, counted, is_plain, stated
from aggregates.progress import Position, RecentEvents, covered
from aggregates.rollup import TOTAL, Dimension, RowKey
from aggregates.visitor import (
    MAX_FROZEN,
    MAX_SEEN,
    MAX_VISIT_BYTES,
    MAX_VISITS,
    NO_COUNTS,
    RECENT_EVENT_IDS,
    Visit,
    VisitorState,
    days_of,
    hour_row,
    present,
    row_digest,
    row_of,
    size_of,
    start_of,
    with_event,
)
from aggregates.window import LocalHour, local_hour
from schemas.event import Event, EventBatch, EventType

ONE_VISITOR: Change = (1, 0, 0, 0, 0, 0, 0)
ONE_VISITOR_LESS: Change = (-1, 0, 0, 0, 0, 0, 0)

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
    fresh = recent.admit(batch.events)
    hours = [local_hour(event.occurred_at, timezone) for event in fresh]
    visits, counts_visitor = state.visits, len(state.frozen) < MAX_FROZEN
    for event, (day, _) in zip(fresh, hours, strict=True):
        visits = with_event(visits, event, batch.context, day, counts_visitor=counts_visitor)
    changes = _changes(state.visits, visits)
    moves_with = _moves_with_visit(state.visits, visits) and not state.frozen
    presence = () if moves_with else _presence(changes, visits, state.frozen, timezone)
    kept, frozen = _evict(visits, state.frozen, timezone)

    _count_hits(days(arrived_on), batch, len(fresh))
    if not batch.events:
        return Folded(state)
    seen = _count_events(days, fresh, hours, state.seen)
    for old, new in changes:
        _count_visit(days, old, new, timezone, visitors=int(moves_with))
    for day, keys, visitors in presence:
        rows = days(day)
        if rows is not None:
            add(rows, keys, visitors)
    checkpoints = {**state.checkpoints, position.shard: position.sequence_number}
    return Folded(
        VisitorState(checkpoints, recent.digests(), seen, frozen, kept),
        len(fresh),
        len(batch.events) - len(fresh),
    )


def _count_hits(rows: Rows | None, batch: EventBatch, fresh: int) -> None:
    """Keep the ledger of the day of arrival."""
    if rows is None:
        return
    if is_plain(batch) and fresh == len(batch.events):
        add(rows, FULLY_COUNTED, (0, 0, 0, fresh, 0, 0, 0))
        return
    for ledger in (stated(batch), counted(fresh, len(batch.events) - fresh)):
        for key, counters in ledger.items():
            add(rows, (key,), counters)


def _count_events(
    days: Days, events: Iterable[Event], hours: Iterable[LocalHour], seen: frozenset[bytes]
) -> frozenset[bytes]:
    """Count what single events are counted under; return the rows seen after them."""
    new: set[bytes] = set()
    for event, local in zip(events, hours, strict=True):
        rows, listed = days(local.day), _rows_of(event, local)
        first_seen: list[RowKey] = []
        for key, digest in listed:
            if digest in seen or digest in new:
                continue
            if len(seen) + len(new) < MAX_SEEN or key[0] is Dimension.HOUR:
                new.add(digest)
                first_seen.append(key)
        if rows is None:
            continue
        kind = event.event_type
        viewed, custom = kind is EventType.PAGE_VIEW, kind is EventType.CUSTOM
        keys = [key for key, _ in listed]
        add(rows, keys, (0, 0, int(viewed), int(custom), 0, 0, event.engaged_ms))
        if first_seen:
            add(rows, first_seen, ONE_VISITOR)
    return seen | new if new else seen


def _rows_of(event: Event, local: LocalHour) -> tuple[tuple[RowKey, bytes], ...]:
    """Return the rows that an event is counted in whatever its visit, with their digests."""
    day, hour = local
    match event.event_type:
        case EventType.CUSTOM:
            last = row_of(day, Dimension.EVENT, event.name)
        case EventType.PAGE_VIEW | EventType.ENGAGEMENT:
            last = row_of(day, Dimension.PAGE, event.page)
        case EventType.UNKNOWN:
            return (hour_row(day, hour),)
    return hour_row(day, hour), row_of(day, Dimension.HOSTNAME, event.hostname), last


_Changed = tuple[Visit | None, Visit | None]
"""A visit before and after. None: there was none, or is none any more."""


def _changes(before: Sequence[Visit], after: Sequence[Visit]) -> list[_Changed]:
    """Return the visits that are not the same any more, each beside what stands in its place.

    Where visits became one, others move up, and stand beside each other as if they had changed:
    taken back and added again, they come to nothing.
    """
    return [(old, new) for old, new in zip_longest(before, after) if old is not new]


def _grew(old: Visit | None, new: Visit | None) -> bool:
    """Say whether a visit only got events after its first: the usual change."""
    if old is None or new is None:
        return False
    return old.first is new.first and old.traits is new.traits


def _moves_with_visit(before: Sequence[Visit], after: Sequence[Visit]) -> bool:
    """Say whether the visitor counts in a row if, and as long as, one visit does: the usual case.

    Then it is added with the visit, which takes half of what adding it by itself takes.
    """
    if len(after) != 1 or len(before) > 1 or not after[0].counts_visitor:
        return False
    if not before:
        return True
    (old,), (new,) = before, after
    return _grew(old, new) and len(old.days) == len(new.days) and old.counts_visitor


def _count_visit(
    days: Days, old: Visit | None, new: Visit | None, timezone: str, *, visitors: int
) -> None:
    """Add what visits add to their rows now less what they added before.

    Args:
        days: accumulators.
        old: the visit as it was.
        new: as it is.
        timezone: the site's.
        visitors: 1: the visitor is added wherever the visit is; 0: nowhere.
    """
    if old is not None and new is not None and _grew(old, new):
        _count_growth(days, old, new, start_of(new, timezone), visitors)
        return
    if old is not None:
        _count_whole(days, old, start_of(old, timezone), -1, visitors)
    if new is not None:
        _count_whole(days, new, start_of(new, timezone), 1, visitors)


def _count_whole(days: Days, visit: Visit, start: LocalHour, sign: int, visitors: int) -> None:
    """Add what a visit adds to its rows (or, with -1, take it back)."""
    bounces, duration_ms = visit.opening()
    opening = (sign, sign * bounces, sign * duration_ms)
    keys = (TOTAL, *visit.traits)
    for day, (pageviews, events, engaged_ms) in visit.days.items():
        rows = days(day)
        if rows is not None:
            of_day = (sign * pageviews, sign * events, sign * engaged_ms)
            opened = opening if day == start.day else NO_COUNTS
            add(rows, keys, _change(sign * visitors, opened, of_day))
    rows = days(start.day)
    if rows is not None:
        add(rows, visit.ends(), _change(sign * visitors, opening, NO_COUNTS))
        add(rows, (hour_row(*start)[0],), _change(0, opening, NO_COUNTS))


def _count_growth(days: Days, old: Visit, new: Visit, start: LocalHour, visitors: int) -> None:
    """Add what a visit adds since it has grown."""
    (was_bounces, was_ms), (bounces, duration_ms) = old.opening(), new.opening()
    opening = (0, bounces - was_bounces, duration_ms - was_ms)
    for day, counts in new.days.items():
        had, opened = old.days.get(day, NO_COUNTS), day == start.day
        rows = days(day) if opened or counts is not had else None
        if rows is not None:
            of_day = (counts[0] - had[0], counts[1] - had[1], counts[2] - had[2])
            keys = (TOTAL, *new.traits)
            add(rows, keys, _change(0, opening if opened else NO_COUNTS, of_day))
    rows = days(start.day)
    if rows is None:
        return
    stays = [hour_row(*start)[0]]
    for left, entered in zip(old.ends(), new.ends(), strict=True):
        if left == entered:
            stays.append(entered)
        else:
            add(rows, (left,), (-visitors, -1, 0, 0, -was_bounces, -was_ms, 0))
            add(rows, (entered,), (visitors, 1, 0, 0, bounces, duration_ms, 0))
    add(rows, stays, _change(0, opening, NO_COUNTS))


def _change(visitors: int, opening: tuple[int, int, int], of_day: tuple[int, int, int]) -> Change:
    """Put together what is added for a visit's opening and for its events of a day."""
    visits, bounces, duration_ms = opening
    pageviews, events, engaged_ms = of_day
    return visitors, visits, pageviews, events, bounces, duration_ms, engaged_ms


_Presence = tuple[date, Collection[RowKey], Change]
"""A day, rows of it, and what is added to each of them."""


def _presence(
    changes: Sequence[_Changed],
    visits: Sequence[Visit],
    frozen: Collection[bytes],
    timezone: str,
) -> list[_Presence]:
    """Return the rows in which the visitor counts now and did not, and the other way round."""
    gone = [old for old, _ in changes if old is not None]
    new = [new for _, new in changes if new is not None]
    others: Sequence[Visit] | None = None
    listed: list[_Presence] = []
    for day, had, has in _affected(gone, new, timezone):
        for keys, visitors in ((has - had, ONE_VISITOR), (had - has, ONE_VISITOR_LESS)):
            if not keys:
                continue
            if others is None:
                others = _without(visits, new)
            changed = keys - present(others, day, timezone) if others else keys
            if frozen:
                changed = {key for key in changed if row_digest(day, key) not in frozen}
            listed.append((day, changed, visitors))
    return listed


def _affected(
    gone: Sequence[Visit], new: Sequence[Visit], timezone: str
) -> Iterable[tuple[date, set[RowKey], set[RowKey]]]:
    """Return rows for which the visits made their visitor count, and rows for which they do now.

    Rows that are left out are in both.
    """
    if len(gone) == len(new) == 1:
        (old,), (now,) = gone, new
        if _grew(old, now) and len(old.days) == len(now.days) and old.counts_visitor:
            if old.entry is now.entry and old.exit is now.exit:
                return ()
            had, has = old.ends(), now.ends()
            return ((start_of(now, timezone).day, {*had}, {*has}),) if had != has else ()
    return (
        (day, present(gone, day, timezone), present(new, day, timezone))
        for day in days_of((*gone, *new), timezone)
    )


def _without(visits: Sequence[Visit], some: Sequence[Visit]) -> Sequence[Visit]:
    """Return the other visits."""
    if len(visits) == len(some):
        return ()
    ids = set(map(id, some))
    return [visit for visit in visits if id(visit) not in ids]


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
