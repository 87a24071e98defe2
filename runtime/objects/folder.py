"""Objects as files of a folder, which survive a loss of power."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from runtime import files
from runtime.errors import RetryableError, UsageError

UNFINISHED_SECONDS = 60
"""Nothing takes so long to be written: what is older, a crash has left."""


class FolderObjects:
    """Objects in a folder: a file for each, at the path that is its key.

    A listing raises UsageError where a file stands in place of the folder.
    """

    page = sys.maxsize

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, key: str, content: bytes) -> bool:
        """Create a file; return False, and change nothing, where one stands already."""
        with self._translated(key, "written"):
            return files.create(self._folder / key, content) is content

    def read(self, key: str) -> bytes | None:
        """Return a file's content, or None."""
        with self._translated(key, "read"):
            try:
                return (self._folder / key).read_bytes()
            except FileNotFoundError:
                return None

    def size(self, key: str) -> int | None:
        """Return how many bytes a file has, or None."""
        with self._translated(key, "looked at"):
            try:
                return (self._folder / key).stat().st_size
            except FileNotFoundError:
                return None

    def read_many(self, keys: Sequence[str]) -> Iterator[bytes | None]:
        """Return the contents of some files, in the order of their keys here."""
        return map(self.read, keys)

    def keys(self, prefix: str, *, after: str = "") -> list[str]:
        """Return all keys with a prefix behind one, in order."""
        self._refuse_file()
        with self._translated(prefix, "listed"):
            return sorted(key for key in self._keys(prefix) if key > after)

    def folders(self, prefix: str) -> list[str]:
        """Return the names between a prefix and the next slash, in order."""
        self._refuse_file()
        with self._translated(prefix, "listed"):
            try:
                found = list((self._folder / prefix).iterdir())
            except FileNotFoundError:
                return []
            return sorted(path.name for path in found if path.is_dir())

    def replace(self, key: str, content: bytes, *, expected: bytes) -> bool:
        """Put a content in the place of another; return whether that stood there."""
        if self.read(key) != expected:
            return False
        with self._translated(key, "written"):
            files.replace(self._folder / key, content)
        return True

    def purge(self, prefix: str) -> int:
        """Delete what a crash has left unfinished; return how many files that were."""
        self._refuse_file()
        purged, oldest = 0, time.time() - UNFINISHED_SECONDS
        with self._translated(prefix, "purged"):
            walked = os.walk(self._folder / prefix, onerror=_raise_unless_missing)
            for path in (Path(folder) / name for folder, _, names in walked for name in names):
                if path.name.endswith(files.UNFINISHED) and path.stat().st_mtime < oldest:
                    path.unlink(missing_ok=True)
                    purged += 1
        return purged

    def delete(self, keys: Sequence[str]) -> None:
        """Delete files; one that is not there does not matter."""
        for key in keys:
            with self._translated(key, "deleted"):
                (self._folder / key).unlink(missing_ok=True)

    def delete_before(self, moment: datetime) -> None:
        """Delete what was created before a moment."""
        for key in self.keys(""):
            with self._translated(key, "deleted"):
                if (self._folder / key).stat().st_mtime < moment.timestamp():
                    (self._folder / key).unlink(missing_ok=True)

    def _refuse_file(self) -> None:
        if self._folder.is_file():
            raise UsageError(f"{self._folder} is a file where a folder must be: move it away")

    def _keys(self, prefix: str) -> Iterator[str]:
        for folder, _, names in os.walk(self._folder / prefix, onerror=_raise_unless_missing):
            place = Path(folder).relative_to(self._folder)
            for name in names:
                if not name.endswith(files.UNFINISHED):
                    yield (place / name).as_posix()

    @contextmanager
    def _translated(self, key: str, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RetryableError(f"{self._folder / key} was not {what}: {error}") from error


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
