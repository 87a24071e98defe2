from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from processors.archive.chain import StandingObject
from processors.archive.container import BEGINNING, ArchivedRecord, encode_object
from processors.compaction.plan import Rules, arrival_day, closed_runs

DAY_MS = int(timedelta(days=1) / timedelta(milliseconds=1))
RULES = Rules(most_bytes=6000, fewest_objects=3)


def chain(shapes: Sequence[tuple[int, int]]) -> list[StandingObject]:
    """Objects that follow each other, by their days and the sizes of their records."""
    objects, after = [], BEGINNING
    for number, (day, size) in enumerate(shapes, 1):
        record = ArchivedRecord("s", number, "k", day * DAY_MS, bytes(range(256)) * size)
        objects.append(
            StandingObject(f"{after}", after, number, encode_object("s", after, [record]))
        )
        after = number
    return objects


# Days go back now and then: arrival times of a shard are only nearly in order.
shapes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=30)


@given(shapes, st.integers(0, 30))
def test_a_longer_chain_begins_with_the_runs_of_a_shorter_one(
    drawn: list[tuple[int, int]], shorter: int
) -> None:
    objects = chain(drawn)
    runs = list(closed_runs(objects, RULES))
    earlier = list(closed_runs(objects[:shorter], RULES))
    assert runs[: len(earlier)] == earlier


@given(shapes)
def test_runs_tile_the_chain_up_to_the_last_that_is_open(drawn: list[tuple[int, int]]) -> None:
    objects = chain(drawn)
    merged = [one for run in closed_runs(objects, RULES) for one in run]
    assert merged == objects[: len(merged)]
    assert not objects or len(merged) < len(objects)


@given(shapes)
def test_a_run_is_one_object_or_within_the_bound(drawn: list[tuple[int, int]]) -> None:
    for run in closed_runs(chain(drawn), RULES):
        assert len(run) == 1 or sum(len(one.content) for one in run) <= RULES.most_bytes


@given(shapes)
def test_only_a_run_of_enough_objects_ends_with_its_day(drawn: list[tuple[int, int]]) -> None:
    objects = chain(drawn)
    for run in closed_runs(objects, RULES):
        following = objects[objects.index(run[-1]) + 1]
        full = sum(len(one.content) for one in [*run, following]) > RULES.most_bytes
        new_day = arrival_day(following) != arrival_day(run[0])
        assert full or (new_day and len(run) >= RULES.fewest_objects)


def test_a_day_of_small_objects_is_one_run() -> None:
    objects = chain([(1, 0)] * 9 + [(2, 0)] * 9 + [(3, 0)])
    assert list(closed_runs(objects, RULES)) == [objects[:9], objects[9:18]]


def test_few_objects_wait_for_those_of_the_next_days() -> None:
    objects = chain([(1, 0), (2, 0), (3, 0), (4, 0)])
    assert list(closed_runs(objects, RULES)) == [objects[:3]]
