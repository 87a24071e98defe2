"""The contract of every object store."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from processors.archive.keys import (
    RECORDS,
    below,
    compacted_key,
    manifest_key,
    record_key,
)
from runtime.errors import RetryableError
from runtime.objects.folder import FolderObjects
from runtime.objects.port import Objects
from tests.processors.archive_schedule import MemoryObjects

if TYPE_CHECKING:
    from tests.aws import Aws


@pytest.fixture(params=["folder", "s3", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    match request.param:
        case "folder":
            return FolderObjects(tmp_path / "archive")
        case "s3":
            aws: Aws = request.getfixturevalue("aws")
            return aws.bucket("archive")
        case _:
            return MemoryObjects({}, page=1000)


def test_an_object_is_created_once(objects: Objects) -> None:
    key = record_key("s", 7)
    assert objects.read(key) is None
    assert objects.create(key, b"first")
    assert not objects.create(key, b"second")
    assert objects.read(key) == b"first"


def test_an_object_has_a_size(objects: Objects) -> None:
    key = record_key("s", 7)
    assert objects.size(key) is None
    objects.create(key, b"first")
    assert objects.size(key) == 5


def test_keys_are_listed_in_the_order_of_their_numbers(objects: Objects) -> None:
    numbers = [10**55 + 1, 9, 10, 0]
    for number in numbers:
        objects.create(record_key("s-1", number), b"-")
        objects.create(record_key("s-11", number), b"-")
    keys = [record_key("s-1", number) for number in sorted(numbers)]
    assert objects.keys(f"{RECORDS}s-1/") == keys
    assert objects.keys(f"{RECORDS}s-1/", after=keys[1]) == keys[2:]
    assert objects.keys(f"{RECORDS}s-1/", after=below(keys[1])) == keys[1:]
    assert objects.keys(f"{RECORDS}none/") == []


def test_folders_of_records_are_shards_alone(objects: Objects) -> None:
    assert objects.folders(RECORDS) == []
    objects.create(record_key("s-2", 0), b"-")
    objects.create(record_key("s-1", 0), b"-")
    objects.create(compacted_key("s-1", 0, 5), b"-")
    objects.create(manifest_key("s-1", 1), b"-")
    assert objects.folders(RECORDS) == ["s-1", "s-2"]


def test_an_object_is_replaced_if_it_is_what_was_expected(objects: Objects) -> None:
    key = record_key("s", 7)
    assert not objects.replace(key, b"new", expected=b"old")
    assert objects.read(key) is None
    objects.create(key, b"old")
    assert not objects.replace(key, b"new", expected=b"another")
    assert objects.read(key) == b"old"
    assert objects.replace(key, b"new", expected=b"old")
    assert (objects.read(key), objects.keys("")) == (b"new", [key])


def test_what_is_deleted_is_gone_and_its_name_free(objects: Objects) -> None:
    first, second = record_key("s", 1), record_key("s", 2)
    objects.create(first, b"-")
    objects.create(second, b"-")
    objects.delete([first, record_key("s", 99)])
    objects.delete([])
    assert objects.keys(f"{RECORDS}s/") == [second]
    assert objects.read(first) is None
    assert objects.create(first, b"again")


def test_a_file_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    objects.create(record_key("s", 1), b"-")
    (tmp_path / "records" / "s" / "tmpabc.unfinished").write_bytes(b"half")
    assert objects.keys(f"{RECORDS}s/") == [record_key("s", 1)]


def test_what_the_disk_refuses_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file where a folder should be")
    with pytest.raises(RetryableError, match="not written"):
        FolderObjects(tmp_path).create(record_key("s", 1), b"-")
    with pytest.raises(RetryableError, match="not listed"):
        FolderObjects(tmp_path).keys(f"{RECORDS}s/")


def test_many_are_read_in_the_order_that_was_asked(objects: Objects) -> None:
    for name in ("a", "b", "c"):
        objects.create(name, name.encode())
    assert list(objects.read_many(["c", "none", "a"])) == [b"c", None, b"a"]
    assert list(objects.read_many([])) == []


def test_a_listing_goes_into_every_folder_in_the_order_of_whole_keys(objects: Objects) -> None:
    keys = ["a/b/c", "a/b.json", "a-b/c", "b", "a/z", "文/x"]
    for key in keys:
        objects.create(key, b"-")
    assert objects.keys("") == sorted(keys)
    assert objects.keys("a/") == sorted(key for key in keys if key.startswith("a/"))
    assert objects.keys("", after="a/b.json") == [k for k in sorted(keys) if k > "a/b.json"]


def test_what_lies_beside_a_root_is_not_there(aws: "Aws") -> None:
    inside, outside = aws.bucket("archive", "spill/"), aws.bucket("archive")
    inside.create("a", b"inside")
    outside.create("b", b"outside")
    assert inside.keys("") == ["a"]
    assert inside.keys("", after="a") == []
    assert outside.keys("") == ["b", "spill/a"]
    assert outside.folders("") == ["spill"]
    inside.delete(["a", "b"])
    assert outside.keys("") == ["b"]


def test_a_purge_leaves_objects_and_nothing_beside_them(objects: Objects) -> None:
    for number in range(3):
        objects.create(record_key("s", number), b"-")
    objects.delete([record_key("s", 0)])
    objects.purge("")
    assert objects.keys("") == [record_key("s", 1), record_key("s", 2)]


def test_a_purge_of_a_folder_deletes_what_a_crash_has_left(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path / "archive")
    objects.create(record_key("s", 1), b"-")
    left, at_work = (tmp_path / "archive" / "records" / name for name in ("a", "b"))
    for path in (left, at_work):
        path.with_suffix(".unfinished").write_bytes(b"-")
    os.utime(left.with_suffix(".unfinished"), (1, 1))
    assert [objects.purge(""), objects.purge("")] == [1, 0]
    assert [path.name for path in left.parent.iterdir() if path.is_file()] == ["b.unfinished"]


def test_a_purge_of_a_bucket_deletes_all_versions_but_the_present_ones(aws: "Aws") -> None:
    aws.s3.put_bucket_versioning(Bucket="archive", VersioningConfiguration={"Status": "Enabled"})
    objects, beside = aws.bucket("archive", "one/"), aws.bucket("archive", "two/")
    for key in ("kept", "replaced", "deleted", "deleted/and made again"):
        objects.create(key, b"old")
    objects.replace("replaced", b"new", expected=b"old")
    objects.delete(["deleted", "deleted/and made again"])
    objects.create("deleted/and made again", b"new")
    beside.create("deleted", b"old")
    beside.delete(["deleted"])
    assert [objects.purge(""), objects.purge("")] == [3, 0]
    found = aws.s3.list_object_versions(Bucket="archive")
    assert [(one["Key"], one["IsLatest"]) for one in found["Versions"]] == [
        ("one/deleted/and made again", True),
        ("one/kept", True),
        ("one/replaced", True),
        ("two/deleted", False),
    ]
    assert [one["Key"] for one in found["DeleteMarkers"]] == ["two/deleted"]
    assert beside.purge("") == 1
