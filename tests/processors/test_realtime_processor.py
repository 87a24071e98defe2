from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from aggregates.minute import merge
from aggregates.stores.sqlite import SqliteMinuteStore, tables
from processors.dead_letter import DeadLetters
from processors.realtime.processor import RETENTION, RealtimeProcessor
from runtime.objects.folder import FolderObjects
from schemas.event import EventBatch
from tests.factories import START, traffic
from tests.processors.stream import SITE, record, records

NOW = datetime.fromtimestamp(START / 1000, UTC) + timedelta(minutes=10)


@pytest.fixture
def minutes(tmp_path: Path) -> SqliteMinuteStore:
    return SqliteMinuteStore(tables(tmp_path / "tables.sqlite"))


@pytest.fixture
def processor(tmp_path: Path, minutes: SqliteMinuteStore) -> RealtimeProcessor:
    return RealtimeProcessor(minutes, DeadLetters(FolderObjects(tmp_path / "dead-letters")))


def arriving(size: int = 20) -> list[EventBatch]:
    """Traffic without repeats that arrives every ten seconds."""
    batches = {batch.events[0].event_id: batch for batch in traffic(Random(3), size)}
    return [
        replace(batch, received_at=START + number * 10_000)
        for number, batch in enumerate(batches.values())
    ]


def test_redelivery_in_any_split_changes_nothing(
    processor: RealtimeProcessor, minutes: SqliteMinuteStore
) -> None:
    batches = arriving()
    stream = records(batches)
    for first, last in [(0, 7), (3, 9), (0, 12), (8, len(stream)), (0, len(stream))]:
        processor.run(stream[first:last], now=NOW)
    live = merge(stored.minute for _, stored in minutes.minutes(SITE, 0, 2 * START))
    views = [e for b in batches for e in b.events if e.event_type == "page_view"]
    assert live.pageviews == len(views) == sum(live.pages.values())
    assert set(live.visitors) == {batch.visitor_id for batch in batches}


def test_minutes_are_by_arrival(processor: RealtimeProcessor, minutes: SqliteMinuteStore) -> None:
    batches = arriving()
    processor.run(records(batches), now=NOW)
    found = {key.minute for key, _ in minutes.minutes(SITE, 0, 2 * START)}
    assert found == {batch.received_at // 60_000 * 60_000 for batch in batches}


def test_a_request_sent_twice_is_shown_once_also_across_a_minute(
    processor: RealtimeProcessor, minutes: SqliteMinuteStore
) -> None:
    first = arriving(1)[0]
    again = replace(first, received_at=first.received_at + 60_000)
    views = sum(event.event_type == "page_view" for event in first.events)
    processor.run(records([first]), now=NOW)
    processor.run(records([first, first, again])[1:], now=NOW)
    live = merge(stored.minute for _, stored in minutes.minutes(SITE, 0, 2 * START))
    assert live.pageviews == views


def test_what_arrived_long_ago_is_not_live(
    processor: RealtimeProcessor, minutes: SqliteMinuteStore
) -> None:
    processor.run(records(arriving()), now=NOW + RETENTION + timedelta(minutes=30))
    assert minutes.minutes(SITE, 0, 2 * START) == []


def test_poison_is_kept(processor: RealtimeProcessor, tmp_path: Path) -> None:
    assert processor.run([record(b"nonsense", 1)], now=NOW).records_poisoned == 1
    assert len(list((tmp_path / "dead-letters").rglob("*.json"))) == 1
