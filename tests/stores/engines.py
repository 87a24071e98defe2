"""What opens the stores of one engine; each call is a new process's."""

from pathlib import Path
from typing import Protocol

from aggregates.stores.ports import EventStore, MinuteStore, RollupStore, SealStore, VisitorStore
from aggregates.stores.sqlite import (
    SqliteEventStore,
    SqliteMinuteStore,
    SqliteRollupStore,
    SqliteSealStore,
    SqliteVisitorStore,
    tables,
)


class Stores(Protocol):
    """The stores of one engine."""

    def rollups(self) -> RollupStore: ...

    def seals(self) -> SealStore: ...

    def visitors(self) -> VisitorStore: ...

    def minutes(self) -> MinuteStore: ...

    def events(self) -> EventStore: ...


class SqliteStores:
    """The embedded engine's."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "tables.sqlite"

    def rollups(self) -> SqliteRollupStore:
        return SqliteRollupStore(tables(self._path))

    def seals(self) -> SqliteSealStore:
        return SqliteSealStore(tables(self._path))

    def visitors(self) -> SqliteVisitorStore:
        return SqliteVisitorStore(tables(self._path))

    def minutes(self) -> SqliteMinuteStore:
        return SqliteMinuteStore(tables(self._path))

    def events(self) -> SqliteEventStore:
        return SqliteEventStore(tables(self._path))
