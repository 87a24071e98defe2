from hypothesis import given
from hypothesis import strategies as st

from aggregates.rollup import EMPTY, OTHER, Counters, Dimension, Rollup, admit, merge
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


@given(st.lists(rollups, max_size=5), st.integers(1, 3))
def test_sums_survive_a_bound_on_the_number_of_values(deltas: list[Rollup], bound: int) -> None:
    stored = EMPTY
    for delta in deltas:
        stored = admit(stored, delta, max_values=bound)
    whole = merge(deltas)
    for dimension in Dimension:
        bounded = merge(Rollup({(dimension, ""): row}) for _, row in stored.table(dimension))
        exact = merge(Rollup({(dimension, ""): row}) for _, row in whole.table(dimension))
        assert bounded == exact


def test_a_full_dimension_sends_new_values_to_other_and_takes_them_back_from_there() -> None:
    def page(value: str, visits: int) -> Rollup:
        return Rollup({(Dimension.PAGE, value): Counters(visits=visits)})

    stored = admit(admit(EMPTY, page("/a", 1), max_values=1), page("/b", 2), max_values=1)
    assert dict(stored.table(Dimension.PAGE)) == {
        "/a": Counters(visits=1),
        OTHER: Counters(visits=2),
    }
    stored = admit(stored, page("/a", -1), max_values=1)  # frees a place that nobody may take
    stored = admit(stored, page("/b", -1), max_values=1)
    assert dict(stored.table(Dimension.PAGE)) == {OTHER: Counters(visits=1)}
