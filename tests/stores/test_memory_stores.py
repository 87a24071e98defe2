"""The twins in memory keep the contract of the adapters that they stand for."""

import pytest

from aggregates.stores.ports import EventStore
from tests.simulation.memory_stores import (
    MemoryEventStore,
    MemoryMinuteStore,
    MemoryRollupStore,
    MemorySealStore,
    MemoryVisitorStore,
)
from tests.stores.contract import VersionedStoreContract


class MemoryStores:
    """The stores of one engine."""

    rollups = MemoryRollupStore
    visitors = MemoryVisitorStore
    minutes = MemoryMinuteStore

    def __init__(self) -> None:
        self._seals = MemorySealStore()

    def seals(self) -> MemorySealStore:
        return self._seals

    def events(self) -> EventStore:
        return MemoryEventStore()


@pytest.fixture
def stores() -> MemoryStores:
    return MemoryStores()


class TestMemoryStores(VersionedStoreContract):
    """On the stores that the simulation uses."""
