from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aggregates.filter import NO_VALUES
from aggregates.rollup import (
    EMPTY,
    TOTAL,
    Counters,
    Dimension,
    Rollup,
    admit,
    crowd_out,
    merge,
)
from aggregates.value import OTHER, value_of
from tests.strategies import rollups


@given(rollups, rollups, rollups)
def test_merge_is_associative(a: Rollup, b: Rollup, c: Rollup) -> None:
    assert merge((merge((a, b)), c)) == merge((a, merge((b, c)))) == merge((a, b, c))


@given(rollups, rollups)
def test_merge_is_commutative(a: Rollup, b: Rollup) -> None:
    assert merge((a, b)) == merge((b, a))


@given(rollups)
def test_the_empty_rollup_is_the_identity(a: Rollup) -> None:
    assert merge((a, EMPTY)) == a == merge((EMPTY, a))


@given(rollups)
def test_what_is_taken_back_leaves_no_row(a: Rollup) -> None:
    negated = Rollup({key: Counters().minus(row) for key, row in a.rows.items()})
    assert merge((a, negated)) == EMPTY


def sums(rollup: Rollup) -> dict[Dimension, Counters]:
    return {
        dimension: merge(Rollup({TOTAL: row}) for _, row in rollup.table(dimension)).total
        for dimension in Dimension
    }


@given(st.lists(st.tuples(rollups, st.floats(0.01, 1)), max_size=6))
def test_sums_survive_whatever_is_crowded_out(steps: list[tuple[Rollup, float]]) -> None:
    stored, crowded_out = EMPTY, NO_VALUES
    for delta, share in steps:
        stored, moved = crowd_out(admit(stored, delta, crowded_out), share)
        crowded_out = crowded_out.with_all(moved, b"key")
    assert sums(stored) == sums(merge(delta for delta, _ in steps))


@given(st.lists(st.tuples(rollups, st.floats(0.01, 0.5)), max_size=6))
def test_a_row_that_is_listed_holds_everything_of_its_value(
    steps: list[tuple[Rollup, float]],
) -> None:
    stored, crowded_out = EMPTY, NO_VALUES
    for delta, share in steps:
        stored, moved = crowd_out(admit(stored, delta, crowded_out), share)
        crowded_out = crowded_out.with_all(moved, b"key")
    exact = merge(delta for delta, _ in steps)
    for key, row in stored.rows.items():
        assert key[1] == OTHER or exact.rows[key] == row


def page(value: str, visits: int) -> Rollup:
    return Rollup({(Dimension.PAGE, value): Counters(visits=visits)})


def test_the_smallest_counts_leave_first_and_are_taken_back_from_other() -> None:
    whole = merge((page("/a", 3), page("/b", 1), page("/c", 2)))
    stored, moved = crowd_out(whole, 0.5)
    crowded_out = NO_VALUES.with_all(moved, b"key")
    assert dict(stored.table(Dimension.PAGE)) == {
        "/a": Counters(visits=3),
        OTHER: Counters(visits=3),
    }
    stored = admit(stored, page("/b", -1), crowded_out)
    stored = admit(stored, page("/new", 1), crowded_out)
    assert dict(stored.table(Dimension.PAGE)) == {
        "/a": Counters(visits=3),
        "/new": Counters(visits=1),
        OTHER: Counters(visits=2),
    }


def test_a_flood_of_one_dimension_crowds_out_no_other() -> None:
    flood = {(Dimension.EVENT, f"name-{n:04d}"): Counters(1, events=1) for n in range(1000)}
    pages = {(Dimension.PAGE, f"/{n}"): Counters(1, pageviews=1) for n in range(20)}
    stored, _ = crowd_out(Rollup(flood | pages), 0.7)
    assert dict(stored.table(Dimension.PAGE)) == {f"/{n}": Counters(1, 0, 1) for n in range(20)}
    names = dict(stored.table(Dimension.EVENT))
    assert 200 < len(names) < 320
    assert sum(row.events for row in names.values()) == 1000


def test_a_large_table_that_packs_well_pays_for_no_flood_of_what_packs_badly() -> None:
    random = Random(1)
    flood = {
        (Dimension.EVENT, random.randbytes(60).hex()): Counters(1, events=1) for _ in range(1000)
    }
    pages = {(Dimension.PAGE, f"/blog/a-long-path/{n}"): Counters(3, 0, 4) for n in range(5000)}
    stored, _ = crowd_out(Rollup(flood | pages), 0.25)
    assert len(dict(stored.table(Dimension.PAGE))) == 5000


def test_a_value_that_looks_like_the_overflow_row_closes_nothing() -> None:
    stored = admit(
        page(value_of("(other)"), 1), page("/a", 1), NO_VALUES.with_all(["some"], b"key")
    )
    assert dict(stored.table(Dimension.PAGE)) == {
        "(other)": Counters(visits=1),
        "/a": Counters(visits=1),
    }


def test_hours_and_the_ledger_are_never_crowded_out() -> None:
    kept = {(Dimension.HOUR, "09"): Counters(1), (Dimension.INTAKE, "received"): Counters(events=1)}
    assert crowd_out(Rollup(kept), 1) == (Rollup(kept), [])
