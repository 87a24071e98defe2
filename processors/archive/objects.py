"""Where the archive's objects stand: what it needs of S3, and the same in a folder.

The adapter for S3 is `runtime.objects.s3.Bucket`.

| key | holds |
|---|---|
| `records/<shard>/after=<predecessor>.avro` | the records that one batch brought |
| `compacted/<shard>/after=<predecessor>.last=<last>.avro` | the records of a run of such objects |
| `manifests/<shard>/<number>.json` | which compacted objects there are |
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from runtime import files
from runtime.errors import RetryableError

RECORDS = "records/"
COMPACTED = "compacted/"
MANIFESTS = "manifests/"

SEQUENCE_WIDTH = 64
"""Kinesis sequence numbers have up to 56 digits; padded, names sort as the numbers do."""

MANIFEST_WIDTH = 10


class Objects(Protocol):
    """Objects that are created whole, once, and listed in the order of their keys.

    What one call has done, every later call sees. Each method raises RetryableError where it was
    not done, or may not have been; repeating it is safe.
    """

    @property
    def page(self) -> int:
        """How many keys a listing gives at most."""

    def create(self, key: str, content: bytes) -> bool:
        """Create an object; return False, and change nothing, where one stands already."""

    def read(self, key: str) -> bytes | None:
        """Return an object's content, or None."""

    def keys(self, prefix: str, *, after: str = "") -> list[str]:
        """Return the first `page` keys with a prefix behind one, in order."""

    def folders(self, prefix: str) -> list[str]:
        """Return the names between a prefix and the next slash, in order."""

    def delete(self, keys: Sequence[str]) -> None:
        """Delete at most 1,000 objects; one that is not there does not matter."""


class FolderObjects:
    """Objects in a folder. Those under `records/` lie at its top, as they did before the others."""

    page = sys.maxsize

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, key: str, content: bytes) -> bool:
        """Create a file; return False, and change nothing, where one stands already."""
        with _translated(f"{key} not written"):
            return files.create(self._path(key), content) is content

    def read(self, key: str) -> bytes | None:
        """Return a file's content, or None."""
        with _translated(f"{key} not read"):
            try:
                return self._path(key).read_bytes()
            except FileNotFoundError:
                return None

    def keys(self, prefix: str, *, after: str = "") -> list[str]:
        """Return all keys with a prefix, which ends with a slash, behind one, in order."""
        with _translated(f"{prefix} not listed"):
            names = self._names(prefix)
        return [key for name in names if (key := prefix + name) > after]

    def folders(self, prefix: str) -> list[str]:
        """Return the names between a prefix and the next slash, in order."""
        reserved = {COMPACTED.rstrip("/"), MANIFESTS.rstrip("/")} if prefix == RECORDS else set()
        found = self._path(prefix).glob("*")
        return sorted(path.name for path in found if path.is_dir() and path.name not in reserved)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete files; one that is not there does not matter."""
        for key in keys:
            with _translated(f"{key} not deleted"):
                self._path(key).unlink(missing_ok=True)

    def _names(self, prefix: str) -> list[str]:
        try:
            names = [path.name for path in self._path(prefix).iterdir()]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if not name.endswith(files.UNFINISHED))

    def _path(self, key: str) -> Path:
        return self._folder / key.removeprefix(RECORDS)


def record_key(shard: str, after: int) -> str:
    """Return the key of the object that follows a sequence number."""
    return f"{RECORDS}{shard}/after={after:0{SEQUENCE_WIDTH}d}.avro"


def compacted_key(shard: str, after: int, last: int) -> str:
    """Return the key of the compacted object with the records from behind `after` up to `last`."""
    width = SEQUENCE_WIDTH
    return f"{COMPACTED}{shard}/after={after:0{width}d}.last={last:0{width}d}.avro"


def manifest_key(shard: str, number: int) -> str:
    """Return the key of a manifest."""
    return f"{MANIFESTS}{shard}/{number:0{MANIFEST_WIDTH}d}.json"


def predecessor(key: str) -> int:
    """Return the sequence number that an object follows."""
    return int(key.rpartition("after=")[2].removesuffix(".avro"))


def below(key: str) -> str:
    """Return what a listing must be asked for so that it begins at a key."""
    return key.removesuffix(".avro")


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RetryableError(f"archive object {what}: {error}") from error
