from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from aggregates.stores.ports import EventStore
from aggregates.stores.sqlite import SqliteEventStore, tables
from tests.factories import EVENT, RAW
from tests.stores.engines import Stores


@pytest.fixture
def store(stores: Stores) -> EventStore:
    return stores.events()


def test_events_of_a_session_come_back_by_time(store: EventStore) -> None:
    earlier = replace(
        RAW, event=replace(EVENT, event_id=UUID(int=2).bytes, occurred_at=1_776_999_999_000)
    )
    elsewhere = replace(RAW, event=replace(EVENT, session_id="session-b"))
    store.put([RAW, earlier, elsewhere])
    assert store.session("session-a") == [earlier, RAW]


def test_an_event_that_is_put_again_is_there_once(store: EventStore) -> None:
    for _ in range(2):
        store.put([RAW, RAW])
        assert store.session("session-a") == [RAW]
    store.put([replace(RAW, received_at=1), RAW])
    assert [raw.event for raw in store.session("session-a")] == [EVENT]


def test_many_events_are_put_at_once(store: EventStore) -> None:
    events = [replace(EVENT, event_id=UUID(int=number).bytes) for number in range(120)]
    store.put([replace(RAW, event=event) for event in events])
    assert [raw.event for raw in store.session("session-a")] == events
    store.put([])


def test_expired_events_are_deleted(tmp_path: Path) -> None:
    store = SqliteEventStore(tables(tmp_path / "tables.sqlite"))
    store.put([RAW])
    assert store.delete_expired(datetime.fromtimestamp(2000, UTC)) == 0
    assert store.delete_expired(datetime.fromtimestamp(2001, UTC)) == 1
    assert store.session("session-a") == []
