"""The contract of the spill, on each kind of objects."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.stream.sink import SinkRecord
from ingest.stream.spill import Spill, decode, encode, is_name, spill_name
from runtime.errors import PermanentError, RetryableError
from runtime.objects.folder import FolderObjects
from runtime.objects.s3 import S3Objects
from tests.aws import Aws, hooked, json_answer
from tests.ingest.spilled import memory_spill

NOW = datetime(2026, 3, 13, 15, 9, 20, 123_000, tzinfo=UTC)
RECORDS = [SinkRecord("my.site/3", b"\x00\xff one"), SinkRecord("my.site/0", b"")]


@dataclass(frozen=True)
class Case:
    open: Callable[[], Spill]
    write: Callable[[str, bytes], object] | None = None
    """Puts something else where the store keeps what it is given."""


@pytest.fixture(params=["memory", "files", "s3"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    if request.param == "memory":
        memory = memory_spill()
        return Case(lambda: memory)
    if request.param == "files":
        return Case(
            lambda: Spill(FolderObjects(tmp_path / "spill")),
            lambda name, content: (tmp_path / "spill" / name).write_bytes(content),
        )
    aws: Aws = request.getfixturevalue("aws")
    return Case(
        lambda: Spill(S3Objects("archive", "spill/", lambda: aws.s3, page=2)),
        lambda name, content: aws.s3.put_object(
            Bucket="archive", Key=f"spill/{name}", Body=content
        ),
    )


IN_A_PLACE = pytest.mark.parametrize("case", ["files", "s3"], indirect=True)


def name_at(seconds: float) -> str:
    return spill_name(NOW + timedelta(seconds=seconds), uuid4())


def everything(store: Spill) -> list[str]:
    found: list[str] = []
    while page := store.names(after=found[-1] if found else ""):
        found += page
    return found


def test_what_is_put_can_be_read_until_it_is_deleted(case: Case) -> None:
    first, second = name_at(0), name_at(1)
    case.open().put(first, RECORDS)
    case.open().put(second, RECORDS[:1])
    assert case.open().get(first) == RECORDS
    case.open().delete([first])
    assert case.open().get(first) is None
    assert case.open().get(second) == RECORDS[:1]
    assert everything(case.open()) == [second]


def test_names_come_oldest_first_and_go_on_behind_one(case: Case) -> None:
    names = [name_at(seconds) for seconds in (0, 0.001, 1, 3600, 10**8)]
    for name in (names[i] for i in (3, 0, 4, 2, 1)):
        case.open().put(name, RECORDS)
    assert everything(case.open()) == names
    assert case.open().names(after=names[2])[0] == names[3]
    assert case.open().names(after=names[-1]) == []


def test_an_empty_store_has_no_names(case: Case) -> None:
    assert case.open().names() == []
    assert case.open().get(name_at(0)) is None


def test_deleting_again_or_nothing_changes_nothing(case: Case) -> None:
    name = name_at(0)
    case.open().put(name, RECORDS)
    case.open().delete([])
    for _ in range(2):
        case.open().delete([name, name_at(1)])
    assert everything(case.open()) == []


def test_putting_again_after_a_lost_acknowledgement_keeps_one(case: Case) -> None:
    name = name_at(0)
    for _ in range(2):
        case.open().put(name, RECORDS)
    assert everything(case.open()) == [name]
    assert case.open().get(name) == RECORDS


@IN_A_PLACE
def test_other_things_in_the_place_are_not_listed(case: Case) -> None:
    names = [name_at(seconds) for seconds in range(3)]
    for name in names:
        case.open().put(name, RECORDS)
    assert case.write is not None
    for stray in ("0-note.json", "1-note.json", "2-note.txt", "x.unfinished", f"{names[0]}.bak"):
        case.write(stray, b"stray")
    assert everything(case.open()) == names


@IN_A_PLACE
@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"{}", b"[]", b"null", b'{"records": [{"partition_key": "a"}]}']
    + [b'{"records": [{"partition_key": "a", "data": "%s"}]}' % data for data in (b"?", b"abc")],
)
def test_what_cannot_be_read_says_where_it_lies(case: Case, content: bytes) -> None:
    name = name_at(0)
    case.open().put(name, RECORDS)
    assert case.write is not None
    case.write(f"{name}.json", content)
    with pytest.raises(PermanentError, match=name):
        case.open().get(name)


def test_a_disk_that_does_not_do_it_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RetryableError, match="was not written"):
        Spill(FolderObjects(tmp_path / "file")).put(name_at(0), RECORDS)
    name = name_at(0)
    (tmp_path / f"{name}.json").mkdir()
    with pytest.raises(RetryableError, match="was not read"):
        Spill(FolderObjects(tmp_path)).get(name)
    with pytest.raises(RetryableError, match="was not deleted"):
        Spill(FolderObjects(tmp_path)).delete([name])


def test_a_bucket_that_does_not_do_it_is_a_fault(aws: Aws) -> None:
    store, name = Spill(aws.bucket("archive", "spill/")), name_at(0)
    for act in (
        lambda: store.put(name, RECORDS),
        lambda: store.get(name),
        store.names,
        lambda: store.delete([name]),
    ):
        with (
            hooked(aws.s3, lambda request, **_: json_answer(request, 503, {})),
            pytest.raises(RetryableError, match="s3://archive/spill/"),
        ):
            act()


def test_an_object_that_s3_keeps_is_a_fault(aws: Aws) -> None:
    def refuse(parsed: dict[str, object], **_: object) -> None:
        parsed["Errors"] = [{"Key": "spill/kept", "Code": "AccessDenied"}]

    event = "after-call.s3.DeleteObjects"
    aws.s3.meta.events.register(event, refuse)
    try:
        with pytest.raises(RetryableError, match=r"spill/kept was not deleted: AccessDenied"):
            Spill(aws.bucket("archive", "spill/")).delete([name_at(0)])
    finally:
        aws.s3.meta.events.unregister(event, refuse)


RECORD = st.builds(SinkRecord, st.text(max_size=20), st.binary(max_size=200))


@given(st.lists(RECORD, max_size=5))
def test_records_come_back_as_they_went(records: list[SinkRecord]) -> None:
    assert decode(encode(records), "") == records


@given(
    st.datetimes(datetime(2001, 9, 10), datetime(2286, 11, 20), timezones=st.just(UTC)),  # noqa: DTZ001
    st.timedeltas(timedelta(milliseconds=1), timedelta(days=1)),
    st.uuids(),
    st.uuids(),
)
def test_names_sort_by_time(now: datetime, later: timedelta, one: UUID, other: UUID) -> None:
    first = spill_name(now, one)
    assert is_name(first)
    assert first < spill_name(now + later, other)


def test_nobody_else_may_read_what_is_spilled(tmp_path: Path) -> None:
    Spill(FolderObjects(tmp_path)).put("1" * 13, RECORDS)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o077 == 0
