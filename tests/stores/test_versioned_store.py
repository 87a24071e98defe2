"""The contract of every VersionedStore, on each adapter."""

from threading import Barrier, Thread
from typing import Any

from hypothesis import given

from aggregates.rollup import Dimension, Rollup
from aggregates.stores import encoding
from aggregates.stores.ports import (
    StoredRollup,
    Versioned,
    VersionedStore,
    VisitorKey,
)
from tests.factories import PROGRESS, VISITOR
from tests.stores.contract import Case, VersionedStoreContract
from tests.stores.engines import Stores
from tests.strategies import rollups


class TestVersionedStores(VersionedStoreContract):
    """On SQLite and on DynamoDB."""


def test_of_writers_at_the_same_time_one_wins(case: Case, stores: Stores) -> None:
    key, barrier = case.keys[0], Barrier(4)
    wins: list[int] = []

    def write(number: int) -> None:
        mine = case.make(stores)
        for version in range(20):
            barrier.wait(timeout=60)  # a writer that failed must not leave the others waiting
            if not mine.save({key: Versioned(case.value, version)}):
                wins.append(number)

    threads = [Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == 20


def test_a_thousand_keys_are_saved_and_loaded_at_once(stores: Stores) -> None:
    store = stores.visitors()
    keys = [VisitorKey(1, "my.site", number.to_bytes(8, "big")) for number in range(1000)]
    assert store.save({key: Versioned(VISITOR, 0) for key in keys}) == set()
    assert store.load(keys) == dict.fromkeys(keys, Versioned(VISITOR, 1))
    taken = {key: Versioned(VISITOR, 0) for key in keys[:10]}
    assert store.save({**taken, keys[10]: Versioned(VISITOR, 1)}) == set(keys[:10])


def test_nothing_is_loaded_and_saved(store: VersionedStore[Any, Any]) -> None:
    assert store.load([]) == {}
    assert store.save({}) == set()


@given(rollups)
def test_any_rollup_survives_its_encoding(rollup: Rollup) -> None:
    totals = (Dimension.TOTAL, "")
    rows = {key: row for key, row in rollup.rows.items() if key[0] is not Dimension.TOTAL}
    if totals in rollup.rows:
        rows[totals] = rollup.rows[totals]
    stored = StoredRollup(Rollup(rows), PROGRESS)
    assert encoding.decode_rollup(encoding.encode_rollup(stored)) == stored
