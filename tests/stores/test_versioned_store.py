"""The contract of every VersionedStore, on each adapter."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import given

from aggregates.minute import LiveVisitor, Minute
from aggregates.progress import Progress
from aggregates.rollup import Counters, Dimension, Rollup
from aggregates.stores import encoding
from aggregates.stores.ports import (
    MinuteKey,
    RollupKey,
    StoredMinute,
    StoredRollup,
    StoredVisitor,
    Versioned,
    VersionedStore,
    VisitorKey,
)
from aggregates.visitor import PageAt, Visit, VisitDay, VisitorState
from tests.stores.engines import Stores
from tests.strategies import rollups

DAY = date(2026, 5, 4)
PROGRESS = Progress({"shardId-0": 10**55 + 7, "shardId-1": 3}, 1_777_000_000_123, 1_777_000_000_456)
ROLLUP = StoredRollup(
    Rollup(
        {
            (Dimension.TOTAL, ""): Counters(3, 2, 1, 0, -1, 10**12, 5),
            (Dimension.PAGE, "/é\u2028<b>"): Counters(visits=1),
        }
    ),
    PROGRESS,
)
VISITOR = StoredVisitor(
    VisitorState(
        checkpoints={"shardId-0": 10**55},
        recent_event_ids=(b"8bytes_b", b"8bytes_a"),
        seen=frozenset({b"12345678", b"abcdefgh"}),
        frozen=frozenset({b"frozen01"}),
        visits=(
            Visit(
                session_id="session-a",
                started_at=1_777_000_000_000,
                ended_at=1_777_000_060_000,
                traits=((Dimension.SOURCE, "Direct"), (Dimension.CITY, "Kyoto")),
                days={DAY: VisitDay(2, 1, 300)},
                entry=PageAt(1_777_000_000_000, "/"),
                exit=None,
            ),
        ),
    ),
    expires_at=1_777_100_000,
)
MINUTE = StoredMinute(
    Minute(3, 1, {b"visitor1": LiveVisitor(5, "/", 4, "Google", "DE")}, {"/": 2, "/é": 1}),
    PROGRESS,
    (b"8bytes_b", b"8bytes_a"),
    1_777_100_000,
)


@dataclass(frozen=True)
class Case:
    make: Callable[[Stores], VersionedStore[Any, Any]]
    keys: tuple[Any, Any]
    value: Any
    empty: Any


CASES = {
    "rollups": Case(
        lambda stores: stores.rollups(),
        (RollupKey(1, "my.site", DAY, 0), RollupKey(1, "my.site", DAY, 1)),
        ROLLUP,
        StoredRollup(),
    ),
    "visitors": Case(
        lambda stores: stores.visitors(),
        (VisitorKey(1, "my.site", b"visitor1"), VisitorKey(2, "my.site", b"visitor1")),
        VISITOR,
        StoredVisitor(),
    ),
    "minutes": Case(
        lambda stores: stores.minutes(),
        (MinuteKey("my.site", 60_000, 0), MinuteKey("my.site", 120_000, 0)),
        MINUTE,
        StoredMinute(),
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def store(case: Case, stores: Stores) -> VersionedStore[Any, Any]:
    return case.make(stores)


def test_what_is_not_stored_is_empty_at_version_0(
    store: VersionedStore[Any, Any], case: Case
) -> None:
    assert store.load(case.keys) == {key: Versioned(case.empty, 0) for key in case.keys}


def test_what_is_saved_comes_back_at_the_next_version(
    store: VersionedStore[Any, Any], case: Case
) -> None:
    first, second = case.keys
    assert store.save({first: Versioned(case.value, 0)}) == set()
    assert store.load(case.keys) == {
        first: Versioned(case.value, 1),
        second: Versioned(case.empty, 0),
    }
    assert store.save({first: Versioned(case.empty, 1)}) == set()
    assert store.load([first]) == {first: Versioned(case.empty, 2)}


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_write_from_another_version_changes_nothing(
    store: VersionedStore[Any, Any], case: Case, version: int
) -> None:
    first, second = case.keys
    store.save({first: Versioned(case.value, 0)})
    store.save({first: Versioned(case.value, 1)})
    changes = {first: Versioned(case.empty, version), second: Versioned(case.value, 0)}
    assert store.save(changes) == {first}
    assert store.load(case.keys) == {
        first: Versioned(case.value, 2),
        second: Versioned(case.value, 1),
    }


def test_a_write_to_what_is_gone_is_a_conflict(store: VersionedStore[Any, Any], case: Case) -> None:
    assert store.save({case.keys[0]: Versioned(case.value, 4)}) == {case.keys[0]}


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


def test_ranges_hold_both_their_ends_and_no_other_generation(stores: Stores) -> None:
    store = stores.rollups()
    days = [date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 31), date(2026, 6, 1)]
    keys = [RollupKey(1, "my.site", day, partition) for day in days for partition in (0, 1)]
    others = [RollupKey(2, "my.site", days[1], 0), RollupKey(1, "other.site", days[1], 0)]
    store.save({key: Versioned(ROLLUP, 0) for key in [*keys, *others]})
    found = store.days(1, "my.site", days[1], days[2])
    assert found == [(key, ROLLUP) for key in keys[2:6]]
    totals = store.totals(1, "my.site", days[1], days[2])
    assert totals == [(key, ROLLUP.rollup.total) for key in keys[2:6]]


def test_minutes_hold_both_their_ends(stores: Stores) -> None:
    store = stores.minutes()
    keys = [MinuteKey("my.site", minute * 60_000, 0) for minute in range(5)]
    store.save({key: Versioned(MINUTE, 0) for key in keys})
    found = store.minutes("my.site", keys[1].minute, keys[3].minute)
    assert [key for key, _ in found] == keys[1:4]


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
