"""The twins in memory keep the contract of the adapters that they stand for."""

import pytest

from aggregates.stores.ports import EventStore
from tests.simulation.memory_stores import (
    MemoryEventStore,
    MemoryMinuteStore,
    MemoryRollupStore,
    MemoryVisitorStore,
)
from tests.stores.test_versioned_store import (
    case,
    store,
    test_a_write_from_another_version_changes_nothing,
    test_a_write_to_what_is_gone_is_a_conflict,
    test_minutes_hold_both_their_ends,
    test_ranges_hold_both_their_ends_and_no_other_generation,
    test_what_is_not_stored_is_empty_at_version_0,
    test_what_is_saved_comes_back_at_the_next_version,
)

__all__ = [
    "case",
    "store",
    "test_a_write_from_another_version_changes_nothing",
    "test_a_write_to_what_is_gone_is_a_conflict",
    "test_minutes_hold_both_their_ends",
    "test_ranges_hold_both_their_ends_and_no_other_generation",
    "test_what_is_not_stored_is_empty_at_version_0",
    "test_what_is_saved_comes_back_at_the_next_version",
]


class MemoryStores:
    """The stores of one engine."""

    rollups = MemoryRollupStore
    visitors = MemoryVisitorStore
    minutes = MemoryMinuteStore

    def events(self) -> EventStore:
        return MemoryEventStore()


@pytest.fixture
def stores() -> MemoryStores:
    return MemoryStores()
