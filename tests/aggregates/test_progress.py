from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from time import process_time
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from aggregates.progress import (
    NOWHERE,
    Arrival,
    Position,
    Progress,
    RecentEvents,
    advance,
    covered,
    event_digest,
    moved,
)
from schemas.event import Event, EventType

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 5, 4, 12, 1, tzinfo=UTC)

positions = st.builds(Position, st.sampled_from("abc"), st.integers(0, 9) | st.just(10**55))
arrivals = st.lists(st.tuples(positions, st.integers(0, 5)))
progresses = arrivals.map(lambda some: advance(NOWHERE, some, NOW))
ids = st.lists(st.integers(0, 12))
sizes = st.integers(0, 6)


@given(progresses, arrivals)
def test_a_record_is_covered_once_it_is_in(before: Progress, some: list[Arrival]) -> None:
    after = advance(before, some, NOW)
    assert all(covered(position, after.checkpoints) for position, _ in some)


@given(progresses, arrivals, positions)
def test_only_what_is_in_or_below_it_is_covered(
    before: Progress, some: list[Arrival], other: Position
) -> None:
    below = [
        one
        for one, _ in some
        if one.shard == other.shard and one.sequence_number >= other.sequence_number
    ]
    expected = covered(other, before.checkpoints) or bool(below)
    assert covered(other, advance(before, some, NOW).checkpoints) is expected


@given(progresses, arrivals)
def test_advancing_twice_is_advancing_once(before: Progress, some: list[Arrival]) -> None:
    once = advance(before, some, NOW)
    assert advance(once, some, NOW) == once


@given(progresses, arrivals, st.randoms(use_true_random=False))
def test_neither_order_nor_grouping_matters(
    before: Progress, some: list[Arrival], random: Random
) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)
    one_by_one = before
    for arrival in shuffled:
        one_by_one = advance(one_by_one, [arrival], NOW)
    assert one_by_one == advance(before, some, NOW)


@given(progresses, arrivals)
def test_nothing_moves_back(before: Progress, some: list[Arrival]) -> None:
    after = advance(before, some, LATER)
    assert after.arrived_at >= before.arrived_at
    assert after.processed_at >= before.processed_at
    assert all(after.checkpoints[shard] >= at for shard, at in before.checkpoints.items())


@given(progresses, arrivals)
def test_other_shards_are_untouched(before: Progress, some: list[Arrival]) -> None:
    shards = {position.shard for position, _ in some}
    after = moved(before.checkpoints, (position for position, _ in some))
    assert after.keys() == before.checkpoints.keys() | shards
    for shard in before.checkpoints.keys() - shards:
        assert after[shard] == before.checkpoints[shard]


def test_an_older_record_does_not_change_the_times() -> None:
    newest = advance(NOWHERE, [(Position("a", 7), 50)], NOW)
    assert advance(newest, [(Position("b", 1), 49)], LATER) == Progress(
        {"a": 7, "b": 1}, newest.arrived_at, newest.processed_at
    )


def events(numbers: Sequence[int]) -> list[Event]:
    return [Event(UUID(int=n).bytes, EventType.PAGE_VIEW, 0, "session") for n in numbers]


def naive(numbers: Sequence[int], known: Sequence[int], size: int) -> tuple[list[int], list[int]]:
    """Compare each id with the last `size` that were admitted."""
    admitted, fresh = list(known), []
    for number in numbers:
        if number not in admitted[max(0, len(admitted) - size) :]:
            admitted.append(number)
            fresh.append(number)
    return fresh, admitted[max(0, len(admitted) - size) :]


@given(ids, ids, sizes)
def test_the_window_does_what_its_definition_says(
    before: list[int], numbers: list[int], size: int
) -> None:
    _, known = naive(before, [], size)
    recent = RecentEvents([event_digest(UUID(int=n).bytes) for n in known], size)
    fresh, remembered = naive(numbers, known, size)
    assert recent.admit(events(numbers)) == events(fresh)
    assert recent.digests() == tuple(event_digest(UUID(int=n).bytes) for n in remembered)
    assert len(set(recent.digests())) == len(recent.digests()) <= size


@given(ids, ids, sizes)
def test_how_events_are_grouped_does_not_matter(one: list[int], two: list[int], size: int) -> None:
    apart, together = RecentEvents((), size), RecentEvents((), size)
    assert apart.admit(events(one)) + apart.admit(events(two)) == together.admit(events(one + two))
    assert RecentEvents(apart.digests(), size).digests() == together.digests()


def test_a_window_takes_time_in_proportion_to_the_events() -> None:
    many = events(range(20_000))
    recent = RecentEvents((), 10_000)
    began = process_time()
    assert recent.admit([*many, *many[10_000:]]) == many
    assert process_time() - began < 1  # comparing with each: a minute
