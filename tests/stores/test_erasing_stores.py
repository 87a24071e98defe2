"""What erasures ask of the stores, on each adapter."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol
from uuid import UUID

import pytest

from aggregates.stores.ports import (
    EventStore,
    MinuteKey,
    StoredMinute,
    Versioned,
    VisitorKey,
    VisitorsOfSites,
    VisitorStore,
)
from runtime.sqlite import Database
from tests.factories import EVENT, RAW, VISITOR
from tests.stores.engines import Stores

ONE, TWO = b"visitor1", b"visitor2"


class States(VisitorStore, VisitorsOfSites, Protocol):
    """Both ports of the adapters."""


@pytest.fixture
def visitors(stores: Stores) -> States:
    found = stores.visitors()
    keys = [
        VisitorKey(generation, site_id, visitor_id)
        for generation in (1, 12)
        for site_id in ("my.site", "my.site.example")
        for visitor_id in (ONE, TWO)
    ]
    found.save({key: Versioned(VISITOR, 0) for key in keys})
    return found  # type: ignore[return-value]


def test_the_states_of_a_site_are_those_of_every_generation(visitors: States) -> None:
    found = dict(visitors.of_site("my.site"))
    assert found.keys() == {
        VisitorKey(generation, "my.site", visitor)
        for generation in (1, 12)
        for visitor in (ONE, TWO)
    }
    assert all(state == VISITOR for state in found.values())
    assert {key.generation for key, _ in visitors.of_site("my.site", ONE)} == {1, 12}
    assert list(visitors.of_site("site")) == []


def test_states_that_are_deleted_are_new_again(visitors: States) -> None:
    keys = [key for key, _ in visitors.of_site("my.site", ONE)]
    visitors.delete([*keys, VisitorKey(3, "my.site", ONE)])
    visitors.delete([])
    assert list(visitors.of_site("my.site", ONE)) == []
    assert len(list(visitors.of_site("my.site"))) == 2
    assert len(list(visitors.of_site("my.site.example"))) == 4
    assert visitors.save({keys[0]: Versioned(VISITOR, 1)}) == {keys[0]}, "who had read it is late"
    assert visitors.save({keys[0]: Versioned(VISITOR, 0)}) == set()


def test_minutes_are_deleted(stores: Stores) -> None:
    store = stores.minutes()
    keys = [MinuteKey("my.site", 60_000 * number, 0) for number in range(3)]
    store.save({key: Versioned(StoredMinute(expires_at=5), 0) for key in keys})
    store.delete([keys[0], keys[2]])
    assert [key for key, _ in store.minutes("my.site", 0, 10**9)] == [keys[1]]


def test_every_raw_event_is_found_and_some_are_deleted(stores: Stores) -> None:
    store: EventStore = stores.events()
    raws = [
        replace(RAW, event=replace(EVENT, event_id=UUID(int=number).bytes)) for number in range(40)
    ]
    store.put(raws)
    found = sorted(store.every(), key=lambda raw: raw.event.event_id)
    assert found == raws
    store.delete([*raws[:30], raws[0]])
    store.delete([])
    assert sorted(store.every(), key=lambda raw: raw.event.event_id) == raws[30:]


def test_a_vacuum_leaves_nothing_of_what_was_deleted(tmp_path: Path) -> None:
    database = Database(tmp_path / "one.sqlite", "CREATE TABLE IF NOT EXISTS t (v TEXT)")
    gone = "what nobody shall read again"
    with database.writing() as connection:
        connection.executemany("INSERT INTO t VALUES (?)", [(gone,)] * 300)
    with database.writing() as connection:
        connection.execute("DELETE FROM t")
    assert any(gone.encode() in path.read_bytes() for path in tmp_path.iterdir())
    database.vacuum()
    assert not any(gone.encode() in path.read_bytes() for path in tmp_path.iterdir())
