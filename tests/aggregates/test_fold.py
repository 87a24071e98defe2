from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.progress import Position
from aggregates.rollup import TOTAL, Counters, Dimension, Rollup, merge
from aggregates.stores import encoding
from aggregates.stores.ports import StoredVisitor
from aggregates.value import NOT_SET
from aggregates.visitor import (
    MAX_FROZEN,
    MAX_VISIT_BYTES,
    MAX_VISITS,
    NEW,
    RECENT_EVENT_IDS,
    VisitDay,
    size_of,
)
from aggregates.window import VISIT_GAP_MS
from schemas.event import Context, Event, EventBatch, EventType
from tests import oracle
from tests.aggregates.folding import fold_all, fold_alone
from tests.aggregates.simple_fold import traits_of, visit_of
from tests.effort import examples
from tests.strategies import events, streams, timezones

START = int(datetime(2026, 5, 4, 9, 0, tzinfo=UTC).timestamp()) * 1000
DAY = date(2026, 5, 4)
APART = VISIT_GAP_MS + 1
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
TEXTS = ("hostname", "source", "channel", "referrer", *UTM)
CONTEXT = ("browser", "os", "device", "language", "country", "region", "city")


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
@settings(max_examples=examples(400))
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
        assert fold_alone(NEW, refused, Position("shard", number), timezone).state is NEW


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
    first = fold_alone(NEW, batch(view(1, START)), Position("s", 10**55 + 9))
    again = fold_alone(first.state, batch(view(2, START)), Position("s", 10**55 + 9))
    assert again.redelivered
    assert again.state == first.state
    assert again.deltas == {}
    elsewhere = fold_alone(first.state, batch(view(2, START)), Position("t", 1))
    assert elsewhere.events_counted == 1


def test_an_event_id_is_counted_once_within_the_window() -> None:
    one = batch(view(1, START))
    folded = fold_alone(fold_alone(NEW, one, Position("s", 1)).state, one, Position("s", 2))
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
    visits = [batch(view(n, START + n * APART)) for n in range(many)]
    late = batch(view(999, START - APART))
    days = fold_all([*visits, late])
    assert sum(rollup.total.visits for rollup in days.values()) == many + 1
    for rollup in days.values():
        assert rollup.total.visitors == 1
        assert rollup.rows[Dimension.COUNTRY, NOT_SET].visitors == 1


def test_tabs_and_apps_of_one_visitor_are_one_visit() -> None:
    """A click with target=_blank has a session id of its own, and no source."""
    found = replace(view(1, START, "/a"), source="Google", channel="Organic Search")
    opened = view(2, START + 60_000, "/b", session="another-tab")
    rollup = fold_all([batch(found), batch(opened)])[DAY]
    assert rollup.total == Counters(1, 1, 2, 0, 0, 60_000, 0)
    assert dict(rollup.table(Dimension.SOURCE)) == {"Google": rollup.total}


@given(st.lists(events(), max_size=8, unique_by=lambda event: event.event_id), st.randoms())
def test_events_of_one_moment_are_in_order_of_their_ids(some: list[Event], random: Random) -> None:
    """So whatever order they arrive in, and however they are rebuilt, the rows are the same."""
    at_once = [replace(one, occurred_at=START + one.occurred_at % 3) for one in some]
    contexts = [Context(country=str(n)) for n in range(len(at_once))]
    stream = [
        EventBatch("my.site", b"visitor1", START, context, (event,))
        for event, context in zip(at_once, contexts, strict=True)
    ]
    in_order = fold_all(stream)
    random.shuffle(stream)
    assert fold_all(stream) == in_order


def hostile(number: int, at: int) -> EventBatch:
    """A view all of whose texts are long, different, and of four bytes a character."""
    text = f"{number:08d}" + "🙂" * 400
    texts: dict[str, Any] = dict.fromkeys(TEXTS, text)
    event = replace(
        view(number, at, f"/{text}"),
        **texts,
    )
    context = Context(**dict.fromkeys(CONTEXT, text))
    return EventBatch("my.site", b"visitor1", at, context, (event,))


def test_no_visitor_has_a_state_that_cannot_be_stored() -> None:
    """Old events, each a visit of its own that leaves at once, and new ones, each a page of its
    own."""
    state, deltas = NEW, list[Rollup]()
    for number in range(2200):
        at = START - number % 40 * APART if number % 2 else START + number
        folded = fold_alone(state, hostile(number, at), Position("shard", number))
        state = folded.state
        deltas += folded.deltas.values()
        assert len(state.frozen) <= MAX_FROZEN + 2 * len(Dimension)
    stored = encoding.encode_visitor(StoredVisitor(state, 0))
    assert len(stored["body"]) <= encoding.MAX_ITEM_BYTES // 2
    assert sum(map(size_of, state.visits)) <= MAX_VISIT_BYTES
    assert merge(deltas).total.pageviews == 2200


@given(st.text(max_size=400), st.integers(0, 3))
def test_what_a_visit_takes_is_never_underrated(text: str, days: int) -> None:
    event = replace(hostile(1, START).events[0], page=text, utm_term=text)
    one = visit_of(event, traits_of(event, Context(city=text)), DAY)
    spread = {DAY + timedelta(days=n): VisitDay(2**40, 2**40, 2**40) for n in range(days)}
    visits = (one._replace(days=spread),)
    empty = encoding.encode_visitor(StoredVisitor(NEW, 0))["body"]
    with_it = encoding.encode_visitor(StoredVisitor(NEW._replace(visits=visits), 0))["body"]
    assert len(with_it) - len(empty) <= size_of(visits[0])


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
