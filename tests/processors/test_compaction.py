from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from liveinsight.engine.lambda_context import LocalContext
from processors.archive.chain import Chain
from processors.archive.container import (
    BEGINNING,
    ArchivedRecord,
    BrokenArchiveError,
    encode_object,
)
from processors.archive.keys import (
    COMPACTED,
    MANIFESTS,
    RECORDS,
    record_key,
)
from processors.archive.manifest import Manifest
from processors.archive.store import ArchiveStore, ObjectArchiveStore
from processors.archive.verify import verify
from processors.compaction import bootstrap
from processors.compaction.handler import handler
from processors.compaction.plan import Rules
from processors.compaction.processor import GRACE, CompactionOutcome, Compactor
from runtime.errors import RetryableError
from runtime.metrics import MetricName
from runtime.objects.folder import FolderObjects
from runtime.objects.port import Objects
from runtime.objects.s3 import S3Objects

if TYPE_CHECKING:
    from tests.aws import Aws

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
RULES = Rules(fewest_objects=3)
BY_DAY = 4
SHARD = "shardId-0"


def stored(number: int) -> ArchivedRecord:
    """The records 0 to 3 arrive on one day, 4 to 7 on the next, and so on."""
    day = datetime(2026, 11, 1, tzinfo=UTC) + number // BY_DAY * timedelta(days=1)
    return ArchivedRecord(SHARD, 10**55 + number, "k", int(day.timestamp() * 1000), b"%d" % number)


RECORDS_SENT = [stored(number) for number in range(14)]


class Place:
    """Where an archive stands, and the store of a new container on it."""

    def __init__(self, objects: Objects, store: Callable[[], ArchiveStore]) -> None:
        self.objects = objects
        self.store = store

    def compactor(self) -> Compactor:
        return Compactor(Chain(self.objects), RULES)

    def compact(self, now: datetime = NOW) -> CompactionOutcome:
        return self.compactor().run(now=now)

    def keys(self, prefix: str) -> list[str]:
        return self.objects.keys(f"{prefix}{SHARD}/")

    def fill(self, records: list[ArchivedRecord]) -> None:
        after = self.store().tail(SHARD)
        for record in records:
            self.objects.create(record_key(SHARD, after), encode_object(SHARD, after, [record]))
            after = record.sequence_number

    def read(self) -> list[ArchivedRecord]:
        return list(self.store().records(SHARD))


@pytest.fixture(params=["files", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "files":
        folder = tmp_path / "archive"
        return Place(FolderObjects(folder), lambda: ObjectArchiveStore(FolderObjects(folder)))
    aws: Aws = request.getfixturevalue("aws")
    return Place(aws.bucket("archive"), lambda: ObjectArchiveStore(aws.bucket("archive")))


@pytest.fixture
def folder(tmp_path: Path) -> Place:
    return Place(FolderObjects(tmp_path), lambda: ObjectArchiveStore(FolderObjects(tmp_path)))


def test_days_that_are_over_are_merged_and_nothing_else_changes(place: Place) -> None:
    place.fill(RECORDS_SENT)
    assert place.compact() == CompactionOutcome(objects_compacted=12)
    assert len(place.keys(COMPACTED)) == 3
    assert len(place.keys(RECORDS)) == 14
    assert place.read() == RECORDS_SENT
    assert place.compact() == CompactionOutcome()
    assert len(place.keys(MANIFESTS)) == 1


def test_small_objects_go_when_their_copy_has_stood_for_a_week(place: Place) -> None:
    place.fill(RECORDS_SENT)
    place.compact()
    assert place.compact(NOW + GRACE - timedelta(seconds=1)) == CompactionOutcome()
    assert place.compact(NOW + GRACE) == CompactionOutcome(objects_pruned=12)
    assert len(place.keys(RECORDS)) == 2
    assert place.read() == RECORDS_SENT
    assert place.store().tail(SHARD) == RECORDS_SENT[-1].sequence_number
    assert place.store().shards() == [SHARD]
    assert place.compact(NOW + 2 * GRACE) == CompactionOutcome()


def test_a_writer_goes_on_where_the_archive_ends(place: Place) -> None:
    place.fill(RECORDS_SENT[:10])
    place.compact()
    place.compact(NOW + GRACE)
    place.fill(RECORDS_SENT[10:])
    assert place.read() == RECORDS_SENT
    assert place.compact(NOW + GRACE).objects_compacted == 4
    assert place.read() == RECORDS_SENT


def test_a_writer_frozen_since_before_the_pruning_loses_nothing(place: Place) -> None:
    frozen = place.store()
    tail = frozen.append(SHARD, frozen.tail(SHARD), RECORDS_SENT[:1])
    place.fill(RECORDS_SENT[1:13])
    place.compact()
    place.compact(NOW + GRACE)
    assert frozen.tail(SHARD) == tail
    tail = frozen.append(SHARD, tail, RECORDS_SENT[13:])
    assert tail == RECORDS_SENT[11].sequence_number
    assert len(place.keys(RECORDS)) == 1 + 1
    assert place.store().tail(SHARD) == RECORDS_SENT[12].sequence_number
    while tail < RECORDS_SENT[12].sequence_number:
        tail = frozen.append(SHARD, tail, RECORDS_SENT[13:])
    frozen.append(SHARD, tail, RECORDS_SENT[13:])
    assert place.read() == RECORDS_SENT
    assert place.compact(NOW + GRACE) == CompactionOutcome(objects_pruned=1)


def test_a_reader_goes_on_where_its_objects_are_pruned(place: Place) -> None:
    place.fill(RECORDS_SENT)
    reading = place.store().records(SHARD)
    found = [next(reading) for _ in range(6)]
    place.compact()
    place.compact(NOW + GRACE)
    assert [*found, *reading] == RECORDS_SENT


def test_both_adapters_write_the_same_bytes_under_the_same_names(
    tmp_path: Path, aws: "Aws"
) -> None:
    bucket = aws.bucket("archive")
    places = [
        Place(FolderObjects(tmp_path), lambda: ObjectArchiveStore(FolderObjects(tmp_path))),
        Place(bucket, lambda: ObjectArchiveStore(bucket)),
    ]
    for place in places:
        place.fill(RECORDS_SENT)
        place.compact()
        place.compact(NOW + GRACE)
    files = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert files == aws.contents("archive")
    assert len(files) == 3 + 2 + 2


def test_a_compacted_object_holds_what_one_batch_of_its_records_would(place: Place) -> None:
    place.fill(RECORDS_SENT)
    place.compact()
    merged = place.objects.read(place.keys(COMPACTED)[0])
    assert merged == encode_object(SHARD, BEGINNING, RECORDS_SENT[:4])


class Interrupted(FolderObjects):
    """Lets something happen before a manifest is created."""

    def __init__(self, folder: Path, happens: Callable[[], object]) -> None:
        super().__init__(folder)
        self._happens = happens

    def create(self, key: str, content: bytes) -> bool:
        if key.startswith(MANIFESTS):
            self._happens()
        return super().create(key, content)


def test_of_two_compactors_one_publishes_and_the_other_changes_nothing(
    folder: Place, tmp_path: Path
) -> None:
    def the_other_one() -> None:
        folder.fill(RECORDS_SENT[7:])
        folder.compact()

    folder.fill(RECORDS_SENT[:7])
    objects = Interrupted(tmp_path, the_other_one)
    assert Compactor(Chain(objects), RULES).run(now=NOW + GRACE) == CompactionOutcome()
    assert len(folder.keys(MANIFESTS)) == 1
    assert len(folder.keys(COMPACTED)) == 3
    assert folder.read() == RECORDS_SENT


def test_a_crash_before_the_manifest_costs_nothing_but_the_time(
    folder: Place, tmp_path: Path
) -> None:
    def crash() -> None:
        raise RetryableError("the power is gone")

    folder.fill(RECORDS_SENT)
    with pytest.raises(RetryableError, match="power"):
        Compactor(Chain(Interrupted(tmp_path, crash)), RULES).run(now=NOW)
    copies = folder.keys(COMPACTED)
    assert folder.compact().objects_compacted == 12
    assert folder.keys(COMPACTED) == copies
    assert folder.read() == RECORDS_SENT


def test_a_copy_with_other_records_than_its_objects_is_not_used(folder: Place) -> None:
    folder.fill(RECORDS_SENT)
    folder.compact()
    (copy, *_) = folder.keys(COMPACTED)
    folder.objects.delete([*folder.keys(MANIFESTS), copy])
    folder.objects.create(copy, encode_object(SHARD, BEGINNING, RECORDS_SENT[1:4]))
    folder.compact()
    assert len(folder.keys(COMPACTED)) > 1
    assert list(folder.store().records(SHARD)) == RECORDS_SENT
    assert verify(Chain(folder.objects), SHARD).problem == ""


def damaged(place: Place, key: str, content: bytes | None) -> str:
    """Delete or change an object; return what `verify` says."""
    place.objects.delete([key])
    if content is not None:
        place.objects.create(key, content)
    return verify(Chain(place.objects), SHARD).problem


def test_nothing_is_deleted_while_a_copy_is_damaged(place: Place) -> None:
    place.fill(RECORDS_SENT)
    place.compact()
    assert "is missing" in damaged(place, place.keys(COMPACTED)[1], None)
    with pytest.raises(BrokenArchiveError, match="is missing"):
        place.compact(NOW + GRACE)
    assert len(place.keys(RECORDS)) == 14


def test_a_reader_says_what_is_damaged_and_does_not_skip_it(place: Place) -> None:
    place.fill(RECORDS_SENT)
    place.compact()
    assert "has been changed" in damaged(place, place.keys(COMPACTED)[1], b"else")
    with pytest.raises(BrokenArchiveError, match="has been changed"):
        place.read()


def test_a_gap_between_small_objects_is_an_error(place: Place) -> None:
    place.fill(RECORDS_SENT[:4])
    assert "stands, but nothing between" in damaged(place, place.keys(RECORDS)[2], None)
    reading = place.store().records(SHARD)
    with pytest.raises(BrokenArchiveError, match="nothing between"):
        list(reading)


class Torn(FolderObjects):
    """Lists as a store that is written to meanwhile: once, an object is missing."""

    def __init__(self, folder: Path, place: int) -> None:
        super().__init__(folder)
        self._missing = slice(place, place + 1)

    def keys(self, prefix: str, *, after: str = "") -> list[str]:
        keys = super().keys(prefix, after=after)
        del keys[self._missing]
        self._missing = slice(0, 0)
        return keys


@pytest.mark.parametrize("place", [0, 2, 12])
def test_a_listing_that_is_not_of_one_moment_is_no_gap(
    place: int, folder: Place, tmp_path: Path
) -> None:
    folder.fill(RECORDS_SENT)
    found = Chain(Torn(tmp_path, place)).standing(Manifest(SHARD), BEGINNING)
    assert len(list(found)) == 14


def test_a_small_object_that_differs_from_its_copy_is_noticed(place: Place) -> None:
    place.fill(RECORDS_SENT)
    place.compact()
    key = place.keys(RECORDS)[2]
    changed = encode_object(SHARD, 0, [RECORDS_SENT[2]._replace(data=b"else")])
    assert "other records than its small objects" in damaged(place, key, changed)


def test_a_record_out_of_its_place_is_noticed(place: Place) -> None:
    place.fill(RECORDS_SENT[:4])
    key = place.keys(RECORDS)[3]
    double = [RECORDS_SENT[2], RECORDS_SENT[3]]
    assert "out of its place" in damaged(place, key, encode_object(SHARD, 0, double))


def test_a_whole_archive_is_reported_with_its_counts(place: Place) -> None:
    place.fill(RECORDS_SENT)
    place.compact()
    for now in (NOW, NOW + GRACE):
        place.compact(now)
        report = verify(Chain(place.objects), SHARD)
        assert (report.records, report.compacted_objects, report.small_objects) == (14, 3, 2)
        assert report.problem == ""


def test_without_time_nothing_is_begun(place: Place) -> None:
    place.fill(RECORDS_SENT)
    compactor = Compactor(Chain(place.objects), RULES, remaining=lambda: 59.0)
    assert compactor.run(now=NOW) == CompactionOutcome()
    place.compact()
    assert compactor.run(now=NOW + GRACE) == CompactionOutcome()
    assert len(place.keys(RECORDS)) == 14


def test_what_there_was_no_time_for_is_done_the_next_time(place: Place) -> None:
    place.fill(RECORDS_SENT)
    seconds = iter([100.0] * 10)
    compactor = Compactor(Chain(place.objects), RULES, remaining=lambda: next(seconds, 0.0))
    assert compactor.run(now=NOW).objects_compacted == 8
    assert place.compact().objects_compacted == 4
    assert place.read() == RECORDS_SENT


def test_a_shard_that_fails_does_not_keep_the_others_from_it(place: Place) -> None:
    place.fill(RECORDS_SENT)
    place.objects.create(record_key("shardId-1", 0), b"no container file")
    place.objects.create(record_key("shardId-1", 5), b"-")
    with pytest.raises(BrokenArchiveError):
        place.compact()
    assert len(place.keys(COMPACTED)) == 3


def test_a_tail_takes_few_requests_however_much_is_compacted(aws: "Aws") -> None:
    bucket = aws.bucket("archive")
    place = Place(bucket, lambda: ObjectArchiveStore(bucket))
    place.fill(RECORDS_SENT)
    place.compact()
    place.compact(NOW + GRACE)
    aws.meter.take()
    assert place.store().tail(SHARD) == RECORDS_SENT[-1].sequence_number
    assert aws.meter.take().requests == 5


def test_reading_takes_a_request_for_each_compacted_object(aws: "Aws") -> None:
    bucket = aws.bucket("archive")
    place = Place(bucket, lambda: ObjectArchiveStore(bucket))
    place.fill(RECORDS_SENT)
    aws.meter.take()
    place.read()
    before = aws.meter.take().requests
    place.compact()
    aws.meter.take()
    place.read()
    assert (before, aws.meter.take().requests) == (14 + 4, 3 + 2 + 5)


@pytest.fixture
def engine(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The place as the handler finds it."""
    monkeypatch.setenv("LIVEINSIGHT_DATA", str(tmp_path))
    bootstrap.compactor.cache_clear()
    yield place
    bootstrap.compactor.cache_clear()


def context() -> Any:
    return LocalContext("archive-compactor", timeout_seconds=600)


def test_the_handler_compacts_the_archive_of_its_engine(engine: Place) -> None:
    engine.fill([stored(0)._replace(sequence_number=10**55 + n) for n in range(101)])
    engine.fill([stored(4)._replace(sequence_number=10**55 + 101)])
    handler({}, context())
    assert len(engine.keys(COMPACTED)) == 1
    assert len(engine.keys(RECORDS)) == 102


def test_what_fails_is_tried_again_by_lambda(engine: Place) -> None:
    engine.objects.create(record_key(SHARD, 0), b"no container file")
    with pytest.raises(BrokenArchiveError, match="no archive object"):
        handler({}, context())


def test_every_count_of_an_outcome_is_a_metric() -> None:
    assert {field.name for field in fields(CompactionOutcome)} <= set(get_args(MetricName))


STRAYS = ("0", "after=1", "after=x.avro", "garbage", "zzz.avro")
"""Some sort before ours, some behind."""


@pytest.mark.parametrize("kind", [RECORDS, COMPACTED, MANIFESTS])
def test_what_others_put_beside_is_named_and_stops_nothing(place: Place, kind: str) -> None:
    if isinstance(place.objects, S3Objects):
        place.objects.page = 3  # a page may hold nothing but strays
    place.fill(RECORDS_SENT)
    place.compact()
    for name in STRAYS:
        place.objects.create(f"{kind}{SHARD}/{name}", b"garbage")
    assert "unknown object" in verify(Chain(place.objects), SHARD).problem
    store = ObjectArchiveStore(place.objects)
    assert list(store.records(SHARD)) == RECORDS_SENT
    assert store.tail(SHARD) == RECORDS_SENT[-1].sequence_number
    later = [stored(number) for number in range(14, 22)]
    place.fill(later)
    assert place.compact(NOW + GRACE).objects_compacted
    assert place.compact(NOW + 2 * GRACE).objects_pruned
    assert place.read() == [*RECORDS_SENT, *later]


def test_a_manifest_that_is_none_is_a_broken_archive(place: Place) -> None:
    place.fill(RECORDS_SENT)
    place.compact()
    (key,) = place.keys(MANIFESTS)
    place.objects.delete([key])
    place.objects.create(key, b"garbage")
    assert "manifest" in verify(Chain(place.objects), SHARD).problem
