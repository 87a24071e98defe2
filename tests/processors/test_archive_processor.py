from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from aggregates.ledger import ARCHIVE_GENERATION
from aggregates.rollup import Rollup, merge
from aggregates.stores.ports import EventStore
from aggregates.stores.sqlite import SqliteEventStore, SqliteRollupStore, SqliteSealStore, tables
from processors.archive.processor import ArchiveProcessor, ArchiveStores
from processors.archive.store import (
    BEGINNING,
    ArchivedRecord,
    ArchiveStore,
    ObjectArchiveStore,
    encode_object,
)
from processors.dead_letter import DeadLetters
from processors.record import Record
from runtime.objects.folder import FolderObjects
from runtime.objects.s3 import S3Objects
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site, SiteStore
from runtime.sites.sqlite import SqliteSiteStore
from schemas.event import Context, EventBatch, RejectedHit
from tests import oracle
from tests.factories import START, traffic
from tests.processors.stream import SITE, record, records
from tests.whole_days import whole_days

if TYPE_CHECKING:
    from tests.aws import Aws

NOW = datetime.fromtimestamp(START / 1000, UTC) + timedelta(minutes=10)


class Archive:
    """What outlives the containers: an archive, raw events, the ledger and dead letters."""

    def __init__(self, stores: Callable[[], ArchiveStores], sites: SiteStore) -> None:
        self.stores = stores
        self.sites = sites
        sites.add(Site(site_id=SITE, timezone="Europe/Berlin"))

    @property
    def events(self) -> EventStore:
        return self.stores().events

    def store(self) -> ArchiveStore:
        return self.stores().archive

    def processor(self) -> ArchiveProcessor:
        """A new container: it knows nothing of what the others wrote."""
        return ArchiveProcessor(SiteCache(self.sites), self.stores())

    def held(self) -> list[tuple[int, bytes]]:
        store = self.store()
        return [
            (one.sequence_number, one.data)
            for shard in store.shards()
            for one in store.records(shard)
        ]

    def ledger(self) -> oracle.Days:
        days: dict[date, list[Rollup]] = {}
        first, last = date(2026, 1, 1), date(2026, 12, 31)
        for key, stored in whole_days(self.stores().ledger, ARCHIVE_GENERATION, SITE, first, last):
            days.setdefault(key.day, []).append(stored.rollup)
        return {day: dict(merge(parts).rows) for day, parts in days.items()}


@pytest.fixture(params=["files", "s3"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    if request.param == "s3":
        aws: Aws = request.getfixturevalue("aws")
        return Archive(aws.archive_stores, aws.sites())
    database = tables(tmp_path / "tables.sqlite")
    return Archive(
        lambda: ArchiveStores(
            archive=ObjectArchiveStore(FolderObjects(tmp_path / "archive")),
            events=SqliteEventStore(database),
            ledger=SqliteRollupStore(database),
            seals=SqliteSealStore(database),
            dead_letters=DeadLetters(FolderObjects(tmp_path / "dead-letters")),
            malformed=DeadLetters(FolderObjects(tmp_path / "malformed")),
        ),
        SqliteSiteStore(tmp_path / "sites.sqlite"),
    )


def expected(stream: list[Record]) -> list[tuple[int, bytes]]:
    return [(one.position.sequence_number, one.data) for one in stream]


@pytest.mark.parametrize("seed", range(20))
def test_objects_tile_a_shard_without_gap_or_overlap(seed: int, archive: Archive) -> None:
    rng = Random(seed)
    batches = traffic(rng, 30)
    stream = records(batches)
    containers = [archive.processor() for _ in range(3)]
    done = 0
    while done < len(stream):
        first = rng.randint(max(0, done - 10), done)
        last = min(len(stream), first + rng.randint(1, 9))
        rng.choice(containers).run(stream[first:last], now=NOW)
        done = max(done, last)
    assert archive.held() == expected(stream)
    assert archive.ledger() == oracle.archived(batches, "Europe/Berlin")


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
    for store in (
        ObjectArchiveStore(FolderObjects(tmp_path)),
        ObjectArchiveStore(aws.bucket("archive")),
    ):
        tail = store.append("s", BEGINNING, [one_record(1), one_record(2)])
        store.append("s", tail, [one_record(3)])
    folder = tmp_path / "records" / "s"
    files = {f"records/s/{path.name}": path.read_bytes() for path in folder.iterdir()}
    assert aws.contents("archive") == files


@pytest.mark.parametrize("objects", [0, 1, 2, 3, 4, 5, 6, 7, 40, 41, 42, 150])
def test_the_tail_of_many_objects_takes_few_listings(objects: int, aws: "Aws") -> None:
    rng, bucket = Random(objects), aws.bucket("archive")
    writer, last = ObjectArchiveStore(bucket), BEGINNING
    number = 10**55
    for _ in range(objects):
        number += rng.choice([1, 5, 10**6, 10**20])
        last = writer.append("s", last, [ArchivedRecord("s", number, "k", 5, b"")])
    aws.meter.take()
    reader = ObjectArchiveStore(S3Objects("archive", "", lambda: aws.s3, aws.meter, page=3))
    assert reader.tail("s") == last
    assert aws.meter.take().requests <= 3 + 4 * objects.bit_length()


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


def test_malformed_hits_that_the_collector_kept_are_put_aside_once(archive: Archive) -> None:
    kept = RejectedHit("missing_field", "page_url", '{"event_type": "page_view"}')
    refused = (RejectedHit("bot"), kept, kept)
    batch = EventBatch(SITE, b"visitor1", START, Context(), (), received=3, rejected=refused)
    stream = records([batch, replace(batch, rejected=refused[:1], received=1)])
    for _ in range(2):
        archive.processor().run(stream, now=NOW)
    malformed = archive.stores().malformed
    assert isinstance(malformed, DeadLetters)
    (letter,) = [malformed.get(name) for name in malformed.names()]
    assert letter is not None
    assert (letter.reason, letter.record) == ("missing_field page_url", stream[0])


def test_records_of_a_site_that_is_not_set_up_are_in_no_ledger(archive: Archive) -> None:
    batch = EventBatch("other.site", b"visitor1", START, Context(), (), received=1)
    archive.processor().run(records([batch]), now=NOW)
    assert archive.ledger() == {}
    assert len(archive.held()) == 1


def test_an_impossible_time_of_arrival_is_in_no_ledger(archive: Archive) -> None:
    batch = EventBatch(SITE, b"visitor1", 10**17, Context(), (), received=1)
    archive.processor().run(records([batch]), now=NOW)
    assert archive.ledger() == {}
