"""The loop that repeats lost writes, on a store in which other writers are first, at random."""

from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.stores.ports import Versioned
from processors.commit import MAX_ATTEMPTS, commit, repeat
from runtime.errors import ConflictError

Sums = Mapping[str, Versioned[int]]


class ContendedStore:
    """Integers. Before a save, another writer may add one to some of them."""

    def __init__(self, rng: Random, chance: float, interruptions: int) -> None:
        self.sums: dict[str, Versioned[int]] = {}
        self.others = Counter[str]()
        self._rng, self._chance, self._left = rng, chance, interruptions

    def load(self, keys: Iterable[str]) -> dict[str, Versioned[int]]:
        return {key: self.sums.get(key, Versioned(0, 0)) for key in keys}

    def save(self, changes: Mapping[str, Versioned[int]]) -> set[str]:
        lost = set()
        for key, change in changes.items():
            if self._left and self._rng.random() < self._chance:
                self._left -= 1
                self.others[key] += 1
                stored = self.load([key])[key]
                self.sums[key] = Versioned(stored.value + 1, stored.version + 1)
            if self.load([key])[key].version == change.version:
                self.sums[key] = Versioned(change.value, change.version + 1)
            else:
                lost.add(key)
        return lost


def add(key: str, amount: int, stored: Sums) -> Sums:
    return {key: Versioned(stored[key].value + amount, stored[key].version)}


def one_key(key: str, _: int) -> list[str]:
    return [key]


deltas = st.dictionaries(st.sampled_from("abcdef"), st.integers(-9, 9))


@given(deltas, st.randoms(use_true_random=False), st.floats(0, 1))
def test_every_delta_is_added_once_whoever_else_writes(
    pending: dict[str, int], rng: Random, chance: float
) -> None:
    store = ContendedStore(rng, chance, interruptions=MAX_ATTEMPTS - 1)
    repeated = commit(store, pending, one_key, add)
    assert repeated == store.others.total()
    for key, amount in pending.items():
        assert store.sums[key].value == amount + store.others[key]


@given(st.lists(st.integers(1, 9)))
def test_units_that_share_a_value_see_what_those_before_them_add(work: list[int]) -> None:
    def add_to_chain(unit: int, amount: int, stored: Sums) -> Sums:
        before = stored[str(unit - 1)].value
        return {str(unit): Versioned(before + amount, stored[str(unit)].version)}

    store = ContendedStore(Random(1), 0, interruptions=0)
    units = dict(enumerate(work))
    commit(store, units, lambda unit, _: [str(unit - 1), str(unit)], add_to_chain)
    sums = [store.sums[str(unit)].value for unit in units]
    assert sums == [sum(work[: unit + 1]) for unit in units]


def test_what_has_no_change_is_not_written() -> None:
    store = ContendedStore(Random(1), 1, interruptions=1)
    assert commit(store, {"a": 0}, one_key, lambda *_: {}) == 0
    assert store.sums == {}


def test_only_the_units_that_lost_are_attempted_again() -> None:
    attempted: list[dict[str, int]] = []

    def attempt(units: Mapping[str, int]) -> set[str]:
        attempted.append(dict(units))
        return {"a"} if len(attempted) < 3 else set()

    assert repeat({"a": 1, "b": 2}, attempt) == 2
    assert attempted == [{"a": 1, "b": 2}, {"a": 1}, {"a": 1}]


def test_a_unit_of_which_one_write_is_lost_is_repeated_with_all_its_values() -> None:
    store = ContendedStore(Random(1), 1, interruptions=1)
    merged: list[dict[str, int]] = []

    def add_to_both(_: str, amount: int, stored: Sums) -> Sums:
        merged.append({key: one.value for key, one in stored.items()})
        return {key: Versioned(one.value + amount, one.version) for key, one in stored.items()}

    assert commit(store, {"unit": 5}, lambda *_: ["a", "b"], add_to_both) == 1
    assert len(merged) == 2
    assert sorted(merged[1].values()) == [1, 5]  # another's, and the one that was not lost


def test_a_write_that_never_wins_is_given_up() -> None:
    store = ContendedStore(Random(1), 1, interruptions=10**9)
    with pytest.raises(ConflictError, match="1 writes lost 20 conflicts in a row"):
        commit(store, {"a": 1}, one_key, add)
    assert store.others["a"] == MAX_ATTEMPTS
