from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from aggregates.stores.sqlite import SqliteEventStore, tables
from processors.archive.processor import ArchiveProcessor
from processors.archive.store import BEGINNING, ArchivedRecord, FileArchiveStore, encode_object
from processors.dead_letter import FileDeadLetterStore
from processors.record import Record
from tests.processors.stream import record, records
from tests.processors.test_stats_processor import START, traffic

NOW = datetime.fromtimestamp(START / 1000, UTC) + timedelta(minutes=10)


class Archive:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events = SqliteEventStore(tables(folder / "tables.sqlite"))

    def processor(self) -> ArchiveProcessor:
        """A new container: it knows nothing of what the others wrote."""
        return ArchiveProcessor(
            FileArchiveStore(self.folder / "archive"),
            self.events,
            FileDeadLetterStore(self.folder / "dead-letters"),
        )

    def held(self) -> list[tuple[int, bytes]]:
        store = FileArchiveStore(self.folder / "archive")
        return [
            (one.sequence_number, one.data)
            for shard in store.shards()
            for one in store.records(shard)
        ]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def expected(stream: list[Record]) -> list[tuple[int, bytes]]:
    return [(one.position.sequence_number, one.data) for one in stream]


@pytest.mark.parametrize("seed", range(20))
def test_objects_tile_a_shard_without_gap_or_overlap(seed: int, archive: Archive) -> None:
    rng = Random(seed)
    stream = records(traffic(rng, 30))
    containers = [archive.processor() for _ in range(3)]
    done = 0
    while done < len(stream):
        first = rng.randint(max(0, done - 10), done)
        last = min(len(stream), first + rng.randint(1, 9))
        rng.choice(containers).run(stream[first:last], now=NOW)
        done = max(done, last)
    assert archive.held() == expected(stream)


def test_a_writer_that_comes_late_adopts_what_stands(archive: Archive) -> None:
    stream = records(traffic(Random(1), 9))
    zombie = archive.processor()
    zombie.run(stream[:2], now=NOW)
    archive.processor().run(stream[2:7], now=NOW)
    outcome = zombie.run(stream[2:9], now=NOW)
    assert (outcome.records_archived, outcome.records_redelivered) == (2, 5)
    assert archive.held() == expected(stream)


def test_equal_records_give_equal_bytes() -> None:
    one = ArchivedRecord("s", 10**55, "k", 5, b"data")
    assert encode_object("s", BEGINNING, [one]) == encode_object("s", BEGINNING, [one])


def test_records_are_kept_verbatim_poison_too(archive: Archive) -> None:
    bad = record(b"\x00\xff poison", 1)
    outcome = archive.processor().run([bad], now=NOW)
    assert outcome.records_poisoned == 1
    assert archive.held() == expected([bad])


def test_raw_events_are_kept_for_a_day_from_arrival(archive: Archive) -> None:
    batches = traffic(Random(1), 6)
    archive.processor().run(records(batches), now=NOW)
    sessions = [*archive.events.session("session-a"), *archive.events.session("session-b")]
    ids = {event.event_id for batch in batches for event in batch.events}
    assert {raw.event.event_id for raw in sessions} == ids
    assert {raw.expires_at for raw in sessions} == {START // 1000 + 24 * 3600}


def test_raw_events_that_have_expired_are_not_written(archive: Archive) -> None:
    archive.processor().run(records(traffic(Random(1), 6)), now=NOW + timedelta(days=2))
    assert archive.events.session("session-a") == []
