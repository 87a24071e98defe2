"""The stats consumer on its own: poison, conflicts, progress.

That counts are exact whatever goes wrong is shown in tests/simulation.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Generic, TypeVar
from uuid import UUID

import pytest

from aggregates.rollup import Rollup, merge
from aggregates.stores.ports import RollupKey, StoredRollup, Versioned, VersionedStore
from aggregates.stores.remembering import RememberingStore
from aggregates.stores.sqlite import SqliteRollupStore, SqliteSealStore, SqliteVisitorStore, tables
from processors.dead_letter import DeadLetters
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.errors import RetryableError
from runtime.objects.folder import FolderObjects
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from schemas.event import Context, Event, EventBatch, EventType
from tests import oracle
from tests.factories import NOW, START, traffic
from tests.processors.stream import ARRIVED, SITE, record, records
from tests.whole_days import whole_days

K = TypeVar("K")
V = TypeVar("V")


class InterruptedStore(Generic[K, V]):
    """A store around whose writes something else happens."""

    def __init__(self, store: VersionedStore[K, V], interrupt: Callable[[], None]) -> None:
        self.store = store
        self.interrupt = interrupt

    def load(self, keys: Iterable[K]) -> dict[K, Versioned[V]]:
        return self.store.load(keys)

    def save(self, changes: Mapping[K, Versioned[V]]) -> set[K]:
        self.interrupt()
        lost = self.store.save(changes)
        self.interrupt()
        return lost


class Consumer:
    """A consumer on stores that outlive it."""

    def __init__(self, folder: Path, interrupt: Callable[[], None] = lambda: None) -> None:
        sites = SqliteSiteStore(folder / "sites.sqlite")
        sites.add(Site(site_id=SITE, timezone="Europe/Berlin"))
        database = tables(folder / "tables.sqlite")
        self.rollups = SqliteRollupStore(database)
        self.dead_letters = folder / "dead-letters"
        self.visitors = SqliteVisitorStore(database)
        interrupted: Any = partial(InterruptedStore, interrupt=interrupt)
        self.processor = StatsProcessor(
            SiteCache(sites),
            StatsStores(
                interrupted(self.rollups),
                SqliteSealStore(database),
                interrupted(self.visitors),
                DeadLetters(FolderObjects(self.dead_letters)),
            ),
        )

    def counted(self) -> dict[date, Mapping[Any, Any]]:
        items = whole_days(self.rollups, 1, SITE, date(2026, 5, 1), date(2026, 5, 9))
        days: dict[date, list[Rollup]] = {}
        for key, stored in items:
            days.setdefault(key.day, []).append(stored.rollup)
        return {day: merge(parts).rows for day, parts in days.items() if merge(parts).rows}


def test_two_consumers_at_once_count_every_event_once(tmp_path: Path) -> None:
    """A zombie and its successor: each sees the other's writes between its own."""
    stream = records(batches := traffic(Random(5), 30))
    other = Consumer(tmp_path)
    turns = iter(range(0, len(stream), 3))

    def interleave() -> None:
        turn = next(turns, None)
        if turn is not None:
            other.processor.run(stream[turn : turn + 3], now=NOW)

    consumer = Consumer(tmp_path, interleave)
    outcome = consumer.processor.run(stream, now=NOW)
    assert outcome.write_conflicts > 0
    assert consumer.counted() == oracle.count(batches, "Europe/Berlin")


@pytest.mark.parametrize("remembers", [False, True])
def test_a_state_is_read_anew_because_another_may_have_changed_it(
    tmp_path: Path, *, remembers: bool
) -> None:
    """Folded from a state that is older than its items, a visit is counted twice."""
    stream = records(batches := traffic(Random(5), 30))
    consumers = [Consumer(tmp_path), Consumer(tmp_path)]
    if remembers:
        for one in consumers:
            known: Any = RememberingStore(one.visitors, lambda _: 1, 1000)
            one.processor._stores = replace(one.processor._stores, visitors=known)
    for number, each in enumerate(stream):
        consumers[number // 2 % 2].processor.run([each], now=NOW)
    is_right = consumers[0].counted() == oracle.count(batches, "Europe/Berlin")
    assert is_right is not remembers


def test_poison_is_kept_and_the_rest_is_counted(tmp_path: Path) -> None:
    consumer = Consumer(tmp_path)
    good = records(batches := traffic(Random(1), 3))
    never = Event(UUID(int=1).bytes, EventType.PAGE_VIEW, 10**17, "session-a")
    unfoldable = EventBatch(SITE, b"\0" * 8, START, Context(), (never,))
    stranger = EventBatch("other.site", b"\0" * 8, START, Context(), ())
    bad = [
        record(b"", 11),
        record(b"{}", 12),
        record(records([unfoldable])[0].data, 13),
        record(records([stranger])[0].data, 14, "other.site/0"),
        record(records([stranger])[0].data, 15, f"{SITE}/0"),
    ]
    for _ in range(2):
        outcome = consumer.processor.run([*good, *bad], now=NOW)
        assert outcome.records_poisoned == 5
    assert consumer.counted() == oracle.count(batches, "Europe/Berlin")
    assert len(list(consumer.dead_letters.rglob("*.json"))) == 5


def test_a_store_that_never_lets_a_write_win_is_a_fault(tmp_path: Path) -> None:
    consumer = Consumer(tmp_path)
    consumer.processor._rollups.save = set  # type: ignore[method-assign, assignment]
    with pytest.raises(RetryableError, match="conflicts in a row"):
        consumer.processor.run(records(traffic(Random(1), 3)), now=NOW)


def test_progress_tells_when_the_newest_record_arrived_and_was_counted(tmp_path: Path) -> None:
    consumer = Consumer(tmp_path)
    stream = records(traffic(Random(1), 4))
    consumer.processor.run(stream, now=NOW)
    items: list[tuple[RollupKey, StoredRollup]] = whole_days(
        consumer.rollups, 1, SITE, date(2026, 5, 1), date(2026, 5, 9)
    )
    newest = max(stored.progress.arrived_at for _, stored in items)
    assert newest == ARRIVED + 4
    assert {stored.progress.processed_at for _, stored in items} == {int(NOW.timestamp() * 1000)}
