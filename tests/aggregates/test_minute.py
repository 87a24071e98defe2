from hypothesis import given
from hypothesis import strategies as st

from aggregates.minute import (
    NEWEST,
    NOTHING,
    LiveEvent,
    LiveVisitor,
    Minute,
    bounded,
    merge,
    minute_of,
    top,
    with_sources,
)
from aggregates.rollup import Dimension
from schemas.event import EventBatch, EventType
from tests.strategies import streams

places = st.builds(
    LiveVisitor,
    st.integers(0, 3),
    st.sampled_from("ab"),
    st.integers(0, 3),
    st.sampled_from(["", "x", "y"]),
    st.sampled_from(["DE", "JP"]),
)
shown = st.builds(
    LiveEvent,
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([b"e", b"f"]),
    st.sampled_from([b"1", b"2"]),
    *[st.sampled_from("ab")] * 7,
)
minutes = st.builds(
    Minute,
    st.integers(0, 9),
    st.integers(0, 9),
    st.dictionaries(st.sampled_from([b"1", b"2"]), places, max_size=2),
    st.dictionaries(st.sampled_from("ab"), st.integers(1, 9), max_size=2),
    newest=st.sets(shown, max_size=NEWEST).map(lambda events: tuple(sorted(events, reverse=True))),
)


@given(minutes, minutes, minutes)
def test_merge_is_associative_and_commutative(a: Minute, b: Minute, c: Minute) -> None:
    assert merge((merge((a, b)), c)) == merge((a, merge((b, c))))
    assert merge((a, b)) == merge((b, a))
    assert merge((a, NOTHING)) == a


@given(streams)
def test_every_visitor_is_in_one_place(stream: list[EventBatch]) -> None:
    live = merge(minute_of(batch) for batch in stream)
    assert len(live.visitors) == len({batch.visitor_id for batch in stream if batch.events})
    for dimension in (Dimension.PAGE, Dimension.COUNTRY):
        rows = top(live, dimension, since=0, limit=100)
        assert sum(row.visitors for row in rows) == len(live.visitors)


@given(streams)
def test_the_newest_events_are_those_that_arrived_last(stream: list[EventBatch]) -> None:
    live = merge(minute_of(batch) for batch in stream)
    shown = [
        (batch.received_at, event.occurred_at)
        for batch in stream
        for event in batch.events
        if event.event_type in {EventType.PAGE_VIEW, EventType.CUSTOM}
    ]
    assert len(live.newest) <= NEWEST
    times = [(event.arrived_at, event.occurred_at) for event in live.newest]
    assert times == sorted(times, reverse=True)
    assert set(times) <= set(shown)
    if len(set(shown)) < NEWEST:
        assert set(times) == set(shown)


def test_visitors_seen_before_the_window_are_not_ranked() -> None:
    live = Minute(visitors={b"1": LiveVisitor(5, "/", 0, "", "DE")})
    assert top(live, Dimension.PAGE, since=6, limit=10) == []


def test_pages_beyond_the_bound_are_not_listed_but_stay_in_the_sum() -> None:
    minute = bounded(Minute(pageviews=6, pages={"/a": 1, "/b": 2, "/c": 3}), max_values=2)
    assert minute.pages == {"/c": 3, "/b": 2}
    assert minute.pageviews == 6


def test_a_source_is_that_of_the_view_with_which_somebody_came() -> None:
    came = {
        b"a": LiveVisitor(1, "/", 1, "Google", "DE"),
        b"b": LiveVisitor(1, "/", 1, "Bing", "DE"),
    }
    again = {b"a": LiveVisitor(3, "/", 3, "Reddit", "DE")}
    now = {
        b"a": LiveVisitor(9, "/pricing", 0, "", "DE"),
        b"c": LiveVisitor(9, "/", 9, "Direct", "FR"),
        b"d": LiveVisitor(9, "/", 0, "", "FR"),
    }
    earlier = [Minute(visitors=again), Minute(visitors=came)]
    named = with_sources(Minute(visitors=now), earlier)
    assert {one: visitor.source for one, visitor in named.visitors.items()} == {
        b"a": "Reddit",
        b"c": "Direct",
        b"d": "",
    }
    assert named.visitors[b"a"].page == "/pricing"
