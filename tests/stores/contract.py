"""What every store with versions promises, whatever the adapter."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

import pytest

from aggregates.rollup import Counters, Dimension
from aggregates.seal import Period, Seal
from aggregates.stores.ports import (
    Layer,
    MinuteKey,
    RollupKey,
    SealKey,
    StoredMinute,
    StoredRollup,
    StoredSeal,
    StoredVisitor,
    Versioned,
    VersionedStore,
    VisitorKey,
)
from aggregates.table import table_of
from tests.factories import DAY, MINUTE, ROLLUP, SEAL, VISITOR
from tests.stores.engines import Stores
from tests.whole_days import whole_days


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
    "seals": Case(
        lambda stores: stores.seals(),
        (SealKey(1, "my.site", Period.DAY, DAY), SealKey(1, "my.site", Period.MONTH, DAY)),
        SEAL,
        StoredSeal(),
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


class VersionedStoreContract:
    """A subclass runs it on the adapters that the fixture `stores` opens."""

    def test_what_is_not_stored_is_empty_at_version_0(
        self, store: VersionedStore[Any, Any], case: Case
    ) -> None:
        assert store.load(case.keys) == {key: Versioned(case.empty, 0) for key in case.keys}

    def test_what_is_saved_comes_back_at_the_next_version(
        self, store: VersionedStore[Any, Any], case: Case
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
        self, store: VersionedStore[Any, Any], case: Case, version: int
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

    def test_a_write_to_what_is_gone_is_a_conflict(
        self, store: VersionedStore[Any, Any], case: Case
    ) -> None:
        assert store.save({case.keys[0]: Versioned(case.value, 4)}) == {case.keys[0]}

    def test_ranges_hold_both_their_ends_and_no_other_generation(self, stores: Stores) -> None:
        store = stores.rollups()
        days = [date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 31), date(2026, 6, 1)]
        keys = [RollupKey(1, "my.site", day, partition) for day in days for partition in (0, 1)]
        others = [RollupKey(2, "my.site", days[1], 0), RollupKey(1, "other.site", days[1], 0)]
        store.save({key: Versioned(ROLLUP, 0) for key in [*keys, *others]})
        found = whole_days(store, 1, "my.site", days[1], days[2])
        whole = StoredRollup(ROLLUP.rollup, ROLLUP.progress)
        assert found == [(key, whole) for key in keys[2:6]]

    def test_an_item_is_dropped_at_its_version_alone(self, stores: Stores) -> None:
        store = stores.rollups()
        keys = [RollupKey(1, "my.site", DAY, 0, layer) for layer in Layer]
        store.save({key: Versioned(ROLLUP, 0) for key in keys})
        store.save({keys[0]: Versioned(ROLLUP, 1)})
        assert store.drop({keys[0]: 1, keys[1]: 2}) == set(keys)
        assert store.drop({keys[0]: 2}) == set()
        assert store.drop({keys[0]: 2}) == {keys[0]}
        assert store.drop({}) == set()
        assert store.items(1, "my.site", DAY, DAY) == {keys[1]: Versioned(ROLLUP, 1)}
        assert store.save({keys[0]: Versioned(ROLLUP, 1)}) == {keys[0]}
        assert store.save({keys[0]: Versioned(ROLLUP, 0)}) == set()

    def test_seals_are_found_by_their_first_day(self, stores: Stores) -> None:
        store = stores.seals()
        months = [date(2026, month, 1) for month in (3, 4, 5)]
        keys = [SealKey(1, "my.site", Period.MONTH, month) for month in months]
        others = [SealKey(1, "my.site", Period.DAY, months[1]), keys[1]._replace(generation=2)]
        store.save({key: Versioned(SEAL, 0) for key in [*keys, *others]})
        found = store.seals(1, "my.site", Period.MONTH, date(2026, 3, 2), months[2])
        assert found == {keys[1]: SEAL, keys[2]: SEAL}
        store.save({keys[2]: Versioned(SEAL, 1)})
        versions = store.versions(1, "my.site", Period.MONTH, date(2026, 3, 2), months[2])
        assert versions == {keys[1]: 1, keys[2]: 2}

    def test_a_seal_may_be_of_any_size_and_may_shrink(self, stores: Stores) -> None:
        store, random = stores.seals(), Random(1)
        key = SealKey(1, "my.site", Period.DAY, DAY)
        values = {f"/{random.randbytes(40).hex()}": Counters(visits=1) for _ in range(20_000)}
        large = StoredSeal(Seal({Dimension.PAGE: table_of(values)}), 7)
        assert store.save({key: Versioned(large, 0)}) == set()
        assert stores.seals().load([key]) == {key: Versioned(large, 1)}
        assert store.save({key: Versioned(large, 0)}) == {key}
        assert store.save({key: Versioned(large, 1)}) == set()
        assert stores.seals().load([key]) == {key: Versioned(large, 2)}
        assert store.save({key: Versioned(SEAL, 2)}) == set()
        assert stores.seals().seals(1, "my.site", Period.DAY, DAY, DAY) == {key: SEAL}

    def test_minutes_hold_both_their_ends(self, stores: Stores) -> None:
        store = stores.minutes()
        keys = [MinuteKey("my.site", minute * 60_000, 0) for minute in range(5)]
        store.save({key: Versioned(MINUTE, 0) for key in keys})
        found = store.minutes("my.site", keys[1].minute, keys[3].minute)
        assert [key for key, _ in found] == keys[1:4]
