"""The contract of the dead letters, on each kind of objects."""

import json
import os
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from processors.dead_letter import DeadLetters
from processors.record import Poison
from runtime.errors import RetryableError
from runtime.objects.folder import FolderObjects
from schemas import registry
from tests.aws import Aws, hooked, json_answer
from tests.processors.stream import record

POISON = Poison(record(b"\x00\xff poison", 7), "undecodable: no single-object marker")


@dataclass(frozen=True)
class Case:
    open: Callable[[], DeadLetters]
    kept: Callable[[], dict[str, bytes]]
    """What is kept, by its name."""


@pytest.fixture(params=["files", "s3"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    if request.param == "files":
        return Case(
            lambda: DeadLetters(FolderObjects(tmp_path)),
            lambda: {
                path.relative_to(tmp_path).as_posix(): path.read_bytes()
                for path in tmp_path.rglob("*.json")
            },
        )
    aws: Aws = request.getfixturevalue("aws")
    return Case(
        lambda: DeadLetters(aws.bucket("dead-letters", "records/")),
        lambda: {
            name.removeprefix("records/"): content
            for name, content in aws.contents("dead-letters").items()
        },
    )


def test_poison_is_kept_with_its_reason_and_place(case: Case) -> None:
    case.open().put([POISON])
    ((name, content),) = case.kept().items()
    assert name == f"shardId-0/{7 * 10**50:064d}.json"
    assert json.loads(content) == {
        "reason": POISON.reason,
        "shard": "shardId-0",
        "sequence_number": str(7 * 10**50),
        "partition_key": "my.site/0",
        "arrived_at": POISON.record.arrived_at,
        "reader_version": registry.latest("event_batch").number,
        "data": b64encode(POISON.record.data).decode(),
    }


def test_a_repeat_changes_nothing(case: Case) -> None:
    case.open().put([POISON])
    kept = case.kept()
    case.open().put([Poison(POISON.record, "another reason"), POISON])
    assert case.kept() == kept


def test_letters_are_listed_by_place_read_and_marked(case: Case) -> None:
    other = Poison(record(b"other", 12), "undecodable: too short")
    case.open().put([other, POISON])
    first, second = case.open().names()
    assert first == f"shardId-0/{7 * 10**50:064d}"
    letter = case.open().get(second)
    assert letter is not None
    assert (letter.record, letter.reason) == (other.record, other.reason)
    latest = registry.latest("event_batch").number
    assert (letter.name, letter.reader_version, letter.redriven) == (second, latest, False)
    for _ in range(2):
        case.open().mark_redriven(second)
    marked = case.open().get(second)
    assert marked is not None
    assert marked.redriven
    assert list(case.open().names()) == [first, second]
    assert case.open().get("shardId-0/1") is None
    assert case.open().get("../dead-letters") is None


def test_nothing_is_put(case: Case) -> None:
    case.open().put([])
    assert case.kept() == {}


def test_a_bucket_that_does_not_take_it_is_a_fault(aws: Aws) -> None:
    store = DeadLetters(aws.bucket("dead-letters", "records/"))
    with (
        hooked(aws.s3, lambda request, **_: json_answer(request, 503, {})),
        pytest.raises(RetryableError, match="s3://dead-letters/records/shardId-0"),
    ):
        store.put([POISON])
    with pytest.raises(RetryableError, match="NoSuchBucket"):
        DeadLetters(aws.bucket("nowhere")).put([POISON])


def test_a_disk_that_does_not_take_it_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RetryableError):
        DeadLetters(FolderObjects(tmp_path / "file")).put([POISON])


def test_files_of_before_a_moment_are_deleted_with_their_marks(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path / "malformed")
    store = DeadLetters(objects)
    objects.delete_before(datetime.now(UTC))
    old, new = (Poison(record(b"{", number), "malformed") for number in (1, 2))
    store.put([old, new])
    first, second = store.names()
    store.mark_redriven(first)
    month_ago = datetime.now(UTC) - timedelta(days=31)
    for path in (tmp_path / "malformed" / "shardId-0").glob(f"{first.partition('/')[2]}*"):
        os.utime(path, (month_ago.timestamp(), month_ago.timestamp()))
    objects.delete_before(datetime.now(UTC) - timedelta(days=30))
    assert list(store.names()) == [second]
    assert len(list((tmp_path / "malformed").glob("*/*"))) == 1
