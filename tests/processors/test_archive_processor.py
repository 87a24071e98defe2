from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from aggregates.stores.ports import EventStore
from aggregates.stores.sqlite import SqliteEventStore, tables
from liveinsight.runtime.s3 import Bucket
from processors.archive.processor import ArchiveProcessor
from processors.archive.s3 import S3ArchiveStore
from processors.archive.store import (
    BEGINNING,
    ArchivedRecord,
    ArchiveStore,
    FileArchiveStore,
    encode_object,
)
from processors.dead_letter import DeadLetterStore, FileDeadLetterStore
from processors.record import Record
from processors.s3 import S3DeadLetterStore
from tests.processors.stream import record, records
from tests.processors.test_stats_processor import START, traffic

if TYPE_CHECKING:
    from tests.aws import Aws

NOW = datetime.fromtimestamp(START / 1000, UTC) + timedelta(minutes=10)


class Archive:
    """What outlives the containers: an archive, raw events and dead letters."""

    def __init__(
        self,
        archive: Callable[[], ArchiveStore],
        events: EventStore,
        dead_letters: Callable[[], DeadLetterStore],
    ) -> None:
        self.store = archive
        self.events = events
        self.dead_letters = dead_letters

    def processor(self) -> ArchiveProcessor:
        """A new container: it knows nothing of what the others wrote."""
        return ArchiveProcessor(self.store(), self.events, self.dead_letters())

    def held(self) -> list[tuple[int, bytes]]:
        store = self.store()
        return [
            (one.sequence_number, one.data)
            for shard in store.shards()
            for one in store.records(shard)
        ]


@pytest.fixture(params=["files", "s3"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    if request.param == "files":
        return Archive(
            lambda: FileArchiveStore(tmp_path / "archive"),
            SqliteEventStore(tables(tmp_path / "tables.sqlite")),
            lambda: FileDeadLetterStore(tmp_path / "dead-letters"),
        )
    aws: Aws = request.getfixturevalue("aws")
    return Archive(
        lambda: S3ArchiveStore(aws.bucket("archive")),
        aws.events(),
        lambda: S3DeadLetterStore(aws.bucket("dead-letters")),
    )


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


def one_record(number: int, shard: str = "s") -> ArchivedRecord:
    return ArchivedRecord(shard, 10**55 + number, "k", 5, str(number).encode())


def test_an_empty_archive_begins_at_the_beginning(archive: Archive) -> None:
    assert archive.store().tail("s") == BEGINNING
    assert archive.store().shards() == []
    assert list(archive.store().records("s")) == []


def test_what_stands_is_adopted_and_stays(archive: Archive) -> None:
    first, second = one_record(1), one_record(2)
    assert archive.store().append("s", BEGINNING, [first]) == first.sequence_number
    assert archive.store().append("s", BEGINNING, [first, second]) == first.sequence_number
    assert list(archive.store().records("s")) == [first]
    assert archive.store().tail("s") == first.sequence_number


def test_shards_are_apart(archive: Archive) -> None:
    store = archive.store()
    for shard in ("s-10", "s-1", "s-2"):
        store.append(shard, BEGINNING, [one_record(1, shard)])
    assert store.shards() == ["s-1", "s-10", "s-2"]
    assert archive.store().tail("s-1") == 10**55 + 1
    assert [one.shard for one in store.records("s-1")] == ["s-1"]


def test_both_adapters_write_the_same_bytes_under_the_same_names(
    tmp_path: Path, aws: "Aws"
) -> None:
    for store in (FileArchiveStore(tmp_path), S3ArchiveStore(aws.bucket("archive"))):
        tail = store.append("s", BEGINNING, [one_record(1), one_record(2)])
        store.append("s", tail, [one_record(3)])
    files = {f"records/s/{path.name}": path.read_bytes() for path in (tmp_path / "s").iterdir()}
    assert aws.contents("archive") == files


@pytest.mark.parametrize("objects", [0, 1, 2, 3, 4, 5, 6, 7, 40, 41, 42, 150])
def test_the_tail_of_many_objects_takes_few_listings(objects: int, aws: "Aws") -> None:
    rng, bucket = Random(objects), aws.bucket("archive")
    writer, last = S3ArchiveStore(bucket), BEGINNING
    number = 10**55
    for _ in range(objects):
        number += rng.choice([1, 5, 10**6, 10**20])
        last = writer.append("s", last, [ArchivedRecord("s", number, "k", 5, b"")])
    aws.meter.take()
    reader = S3ArchiveStore(Bucket(aws.s3, "archive", aws.meter, page=3))
    assert reader.tail("s") == last
    assert aws.meter.take().requests <= 2 + 4 * objects.bit_length()


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
