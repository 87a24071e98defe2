"""Files of the archive that somebody deletes, cuts off or empties: seen, named, and passed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aggregates.stores.dynamodb import DynamoHeadStore
from aggregates.stores.heads import (
    REMEMBERED_OBJECTS,
    Head,
    HeadKey,
    HeadStore,
    LostObjects,
    WrittenObject,
)
from aggregates.stores.sqlite import SqliteHeadStore, tables
from processors.archive.chain import Chain
from processors.archive.container import (
    BEGINNING,
    BROKEN_KEY,
    ArchivedRecord,
    BrokenArchiveError,
    encode_object,
    losses,
)
from processors.archive.keys import COMPACTED, record_key
from processors.archive.mend import mend
from processors.archive.store import ObjectArchiveStore
from processors.archive.verify import NO_HEAD, ShardReport, shortened, verify
from processors.compaction.plan import Rules
from processors.compaction.processor import Compactor
from runtime.errors import UsageError
from runtime.objects.folder import FolderObjects
from runtime.objects.port import Objects

if TYPE_CHECKING:
    from tests.aws import Aws

SHARD = "shardId-a1-000000000000"
EVENTS = 5
"""In each object, which has two records."""
Break = Callable[[bytes], bytes | None]
BREAKS: dict[str, Break] = {
    "deleted": lambda _: None,
    "empty": lambda _: b"",
    "its head alone": lambda content: content[:40],
    "cut off": lambda content: content[:-20],
}


@dataclass
class Place:
    """An archive, and what is remembered of it elsewhere."""

    objects: Objects
    heads: HeadStore

    def container(self) -> ObjectArchiveStore:
        """A new container: it knows nothing of what the others wrote."""
        return ObjectArchiveStore(self.objects, self.heads)

    def append(self, store: ObjectArchiveStore, number: int) -> int:
        """Append the object of that number, as the consumer does; return where its shard ends."""
        held = records(number)
        after = store.tail(SHARD)
        rest = [one for one in held if one.sequence_number > after]
        return store.append(SHARD, after, rest, EVENTS)

    def broken(self, number: int, how: str) -> str:
        """Break an object, and return its key."""
        key = record_key(SHARD, 2 * number)
        content = self.objects.read(key)
        assert content is not None
        changed = BREAKS[how](content)
        self.objects.delete([key])
        if changed is not None:
            self.objects.create(key, changed)
        return key

    def report(self) -> ShardReport:
        return verify(Chain(self.objects), SHARD, self.heads.heads().get(SHARD, NO_HEAD))

    def read(self) -> list[int]:
        return [one.sequence_number for one in self.container().records(SHARD)]


def records(number: int) -> list[ArchivedRecord]:
    """The two records of an object; those of the object 0 are 1 and 2."""
    return [
        ArchivedRecord(SHARD, 2 * number + n, "k", 1_700_000_000_000 + number, b"-") for n in (1, 2)
    ]


@pytest.fixture(params=["files", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An archive of three objects."""
    if request.param == "s3":
        aws: Aws = request.getfixturevalue("aws")
        made = Place(aws.bucket("archive"), DynamoHeadStore(aws.dynamo, "stats"))
    else:
        heads = SqliteHeadStore(tables(tmp_path / "tables.sqlite"))
        made = Place(FolderObjects(tmp_path / "archive"), heads)
    for number in range(3):
        made.append(made.container(), number)
    return made


def test_a_whole_archive_has_lost_nothing(place: Place) -> None:
    report = place.report()
    assert (report.problem, report.lost, report.records) == ("", (), 6)
    assert place.heads.heads()[SHARD].last == 6


@pytest.mark.parametrize("how", BREAKS)
def test_a_newest_object_that_is_gone_is_seen_before_anything_follows(
    place: Place, how: str
) -> None:
    key = place.broken(2, how)
    report = place.report()
    if how == "deleted":
        assert [(one.records, one.events) for one in report.lost] == [(2, EVENTS)]
    else:
        assert key in report.problem
    head = place.heads.heads()[SHARD]
    lost = shortened(Chain(place.objects), SHARD, head)
    assert lost is not None
    assert (lost.after, lost.last, lost.records, lost.events) == (4, 6, 2, EVENTS)


@pytest.mark.parametrize("how", BREAKS)
def test_behind_a_newest_object_that_is_gone_the_archive_goes_on(place: Place, how: str) -> None:
    key = place.broken(2, how)
    stood = place.objects.read(key)
    for number in (3, 4):
        place.append(place.container(), number)
    report = place.report()
    assert report.problem == ""
    (lost,) = report.lost
    assert (lost.after, lost.last, lost.records, lost.events) == (4, 6, 2, EVENTS)
    assert place.heads.heads()[SHARD].lost == (lost,)
    assert place.read() == [1, 2, 3, 4, 7, 8, 9, 10]
    if stood is not None:
        assert BROKEN_KEY.encode() in (place.objects.read(key) or b"")


def test_several_newest_objects_are_counted_together(place: Place) -> None:
    for number in (1, 2):
        place.broken(number, "deleted")
    place.append(place.container(), 3)
    (lost,) = place.report().lost
    assert (lost.after, lost.last, lost.records, lost.events) == (2, 6, 4, 2 * EVENTS)


def test_a_shard_without_any_object_left_is_seen(place: Place) -> None:
    for number in range(3):
        place.broken(number, "deleted")
    (lost,) = place.report().lost
    assert (lost.after, lost.last, lost.events) == (BEGINNING, 6, 3 * EVENTS)


@pytest.mark.parametrize("how", BREAKS)
def test_the_loss_stays_known_when_objects_are_merged(place: Place, how: str) -> None:
    place.broken(2, how)
    for number in (3, 4, 5):
        place.append(place.container(), number)
    lost = place.report().lost
    rules, now = Rules(most_bytes=1700, fewest_objects=1), datetime(2026, 1, 1, tzinfo=UTC)
    compactor = Compactor(Chain(place.objects), rules, grace=timedelta(0))
    assert compactor.run(now=now).objects_compacted
    compactor.run(now=now + timedelta(days=1))
    assert place.objects.keys(f"{COMPACTED}{SHARD}/")
    assert (place.report().problem, place.report().lost) == ("", lost)
    assert place.read() == [1, 2, 3, 4, 7, 8, 9, 10, 11, 12]


@pytest.mark.parametrize("how", BREAKS)
def test_an_object_in_the_middle_that_is_gone_is_named(place: Place, how: str) -> None:
    key = place.broken(1, how)
    place.append(place.container(), 3)
    problem = place.report().problem
    assert (record_key(SHARD, 4) if how == "deleted" else key) in problem
    with pytest.raises(BrokenArchiveError) as refused:
        place.read()
    assert str(refused.value) == problem


def test_who_runs_on_while_the_newest_object_goes_leaves_a_gap_that_is_seen(place: Place) -> None:
    running = place.container()
    running.tail(SHARD)
    place.broken(2, "deleted")
    place.append(running, 3)
    assert f"{record_key(SHARD, 6)} stands, but nothing between" in place.report().problem


@pytest.mark.parametrize("how", ["empty", "its head alone", "cut off"])
def test_what_broke_before_its_batch_was_done_is_written_again(place: Place, how: str) -> None:
    """The head is behind: the object stands, and what remembers it was not written."""
    content = encode_object(SHARD, 6, records(3))
    broken = BREAKS[how](content)
    assert broken is not None
    place.objects.create(record_key(SHARD, 6), broken)
    place.append(place.container(), 3)
    assert place.read() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [(one.after, one.last) for one in place.report().lost] == [(6, 6)]


def test_an_object_whose_writer_died_is_remembered_by_the_next(place: Place) -> None:
    place.objects.create(record_key(SHARD, 6), encode_object(SHARD, 6, records(3)))
    late = place.container()
    late._tails[SHARD] = 6
    place.append(late, 3)
    assert place.heads.heads()[SHARD].last == 8


def test_an_object_that_stands_for_a_lost_one_has_no_records(place: Place) -> None:
    key = place.broken(2, "deleted")
    place.container().tail(SHARD)
    (lost,) = losses(place.objects.read(key) or b"")
    assert (lost.after, lost.last) == (4, 6)


def test_a_head_never_moves_back_and_remembers_so_many() -> None:
    head = Head()
    for number in range(100):
        head = head.moved(WrittenObject(number, number + 1, 1, 1))
    assert head.moved(WrittenObject(5, 6, 1, 1)) is head
    assert len(head.objects) == REMEMBERED_OBJECTS
    assert head.beyond(100) is None
    near, far = head.beyond(90), head.beyond(9)
    assert near is not None
    assert far is not None
    assert (near.records, far.records, far.last) == (10, None, 100)


def test_heads_of_kinesis_numbers_survive(place: Place) -> None:
    key, large = HeadKey("shardId-1"), 10**55
    stored = place.heads.load([key])[key]
    head = Head().moved(WrittenObject(large, large + 7, 1, 2))
    assert not place.heads.save({key: replace(stored, value=head)})
    assert place.heads.heads()["shardId-1"] == head


@pytest.mark.parametrize("how", BREAKS)
def test_the_middle_can_be_gone_on_without(place: Place, how: str) -> None:
    store = place.container()
    for number in (3, 4):
        place.append(store, number)
    key = place.broken(2, how)
    kept = place.objects.read(key)
    with pytest.raises(BrokenArchiveError, match=r"stands, but nothing|is broken"):
        place.read()
    chain = Chain(place.objects)
    gone = LostObjects(4, 6, None, None)
    assert mend(chain, SHARD) == [gone]
    assert mend(chain, SHARD) == []
    assert place.read() == [1, 2, 3, 4, 7, 8, 9, 10]
    report = place.report()
    assert (report.problem, report.lost) == ("", (gone,))
    assert kept is None or BROKEN_KEY.encode() in (place.objects.read(key) or b"")
    place.append(store, 5)
    rules, now = Rules(most_bytes=1, fewest_objects=1), datetime(2026, 1, 1, tzinfo=UTC)
    assert Compactor(chain, rules).run(now=now).objects_compacted
    assert place.read() == [1, 2, 3, 4, 7, 8, 9, 10, 11, 12]
    assert (place.report().problem, place.report().lost) == ("", (gone,))


def test_the_newest_and_what_is_compacted_is_left_to_others(place: Place) -> None:
    place.broken(2, "cut off")
    with pytest.raises(UsageError, match="newest of its shard"):
        mend(Chain(place.objects), SHARD)
