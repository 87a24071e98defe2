from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.fold import fold
from aggregates.progress import Position
from aggregates.rollup import TOTAL, Counters, Dimension, Rollup, merge
from aggregates.visitor import MAX_VISITS, NEW, RECENT_EVENT_IDS, VISIT_GAP_MS
from schemas.event import Context, Event, EventBatch, EventType
from tests import oracle
from tests.aggregates.folding import fold_all
from tests.strategies import streams, timezones

START = int(datetime(2026, 5, 4, 9, 0, tzinfo=UTC).timestamp()) * 1000
DAY = date(2026, 5, 4)


def view(number: int, at: int, page: str = "/", session: str = "session-a") -> Event:
    return Event(
        event_id=UUID(int=number).bytes,
        event_type=EventType.PAGE_VIEW,
        occurred_at=at,
        session_id=session,
        hostname="my.site",
        page=page,
    )


def batch(*events: Event) -> EventBatch:
    return EventBatch("my.site", b"visitor1", START, Context(), events)


def total(stream: Sequence[EventBatch]) -> Counters:
    return fold_all(stream)[DAY].total


@given(streams, timezones)
@settings(max_examples=400)
def test_folding_one_by_one_gives_what_counting_all_at_once_gives(
    stream: list[EventBatch], timezone: str
) -> None:
    folded = fold_all(stream, timezone)
    assert {day: rollup.rows for day, rollup in folded.items()} == oracle.count(stream, timezone)


@given(streams, timezones)
def test_a_record_without_events_changes_no_state(stream: list[EventBatch], timezone: str) -> None:
    """So it takes no write of a state; its redelivery is left to the rollup item's checkpoint."""
    for number, one in enumerate(stream, 1):
        refused = replace(one, events=())
        assert fold(NEW, refused, Position("shard", number), timezone).state is NEW


@given(st.permutations(range(8)))
def test_the_order_in_which_events_arrive_does_not_matter(order: list[int]) -> None:
    gaps = [0, 5, 25, 58, 80, 140, 150, 181]
    events = [view(n, START + gap * 60_000, f"/{n}") for n, gap in enumerate(gaps)]
    in_order = fold_all([batch(event) for event in events])
    assert fold_all([batch(events[n]) for n in order]) == in_order


def test_an_event_between_two_visits_makes_them_one() -> None:
    gap = VISIT_GAP_MS
    apart = [batch(view(1, START, "/a")), batch(view(2, START + 2 * gap, "/c"))]
    assert total(apart)[:5] == (1, 2, 2, 0, 2)
    bridged = total([*apart, batch(view(3, START + gap, "/b"))])
    assert bridged == Counters(1, 1, 3, 0, 0, 2 * gap, 0)


def test_a_gap_of_exactly_thirty_minutes_is_still_one_visit() -> None:
    assert total([batch(view(1, START)), batch(view(2, START + VISIT_GAP_MS))]).visits == 1
    assert total([batch(view(1, START)), batch(view(2, START + VISIT_GAP_MS + 1))]).visits == 2


def test_a_record_at_or_below_the_checkpoint_changes_nothing() -> None:
    first = fold(NEW, batch(view(1, START)), Position("s", 10**55 + 9), "UTC")
    again = fold(first.state, batch(view(2, START)), Position("s", 10**55 + 9), "UTC")
    assert again.redelivered
    assert again.state == first.state
    assert again.deltas == {}
    elsewhere = fold(first.state, batch(view(2, START)), Position("t", 1), "UTC")
    assert elsewhere.events_counted == 1


def test_an_event_id_is_counted_once_within_the_window() -> None:
    one = batch(view(1, START))
    folded = fold(fold(NEW, one, Position("s", 1), "UTC").state, one, Position("s", 2), "UTC")
    assert (folded.events_counted, folded.events_duplicate) == (0, 1)
    (delta,) = folded.deltas.values()
    assert {dimension for dimension, _ in delta.rows} == {Dimension.INTAKE}
    assert folded.state.checkpoints == {"s": 2}


def test_a_whole_request_sent_twice_is_counted_once() -> None:
    request = batch(*(view(n, START + n) for n in range(50)))
    assert total([request, request]).pageviews == 50


def test_the_window_forgets_the_oldest_ids_first() -> None:
    many = [batch(view(n, START + n)) for n in range(RECENT_EVENT_IDS + 1)]
    assert total([*many, many[1]]).pageviews == len(many)
    assert total([*many, many[0]]).pageviews == len(many) + 1


def test_visits_that_leave_the_state_keep_their_visitor_counted_once() -> None:
    many = MAX_VISITS + 9
    sessions = [batch(view(n, START + n, session=f"session-{n:03d}")) for n in range(many)]
    late = batch(view(999, START + 1, session="session-zzz"))
    rollup = fold_all([*sessions, late])[DAY]
    assert rollup.total.visitors == 1
    assert rollup.total.visits == MAX_VISITS + 10
    assert rollup.rows[Dimension.COUNTRY, "(not set)"].visitors == 1


def test_a_visit_that_crosses_midnight_is_credited_to_its_first_day() -> None:
    evening = START + 14 * 3_600_000 + 50 * 60_000
    days = fold_all([batch(view(1, evening)), batch(view(2, evening + 20 * 60_000))])
    assert [days[day].total[:3] for day in sorted(days)] == [(1, 1, 1), (1, 0, 1)]


def test_the_exit_page_moves_with_the_visit() -> None:
    stream = [batch(view(n, START + n, page)) for n, page in enumerate(["/a", "/b", "/c"])]
    exits = dict(fold_all(stream)[DAY].table(Dimension.EXIT_PAGE))
    assert exits == {"/c": Counters(visitors=1, visits=1, duration_ms=2)}


@given(streams)
def test_single_valued_breakdowns_add_up_to_the_totals(stream: list[EventBatch]) -> None:
    for rollup in fold_all(stream).values():
        for dimension in (Dimension.SOURCE, Dimension.COUNTRY, Dimension.BROWSER):
            parts = merge(Rollup({TOTAL: row}) for _, row in rollup.table(dimension)).total
            assert parts._replace(visitors=0) == rollup.total._replace(visitors=0)
            assert parts.visitors >= rollup.total.visitors


def test_an_unknown_kind_of_event_keeps_a_visit_alive_but_is_no_pageview() -> None:
    unknown = replace(view(1, START), event_type=EventType.UNKNOWN)
    assert total([batch(unknown)])[:4] == (1, 1, 0, 0)
