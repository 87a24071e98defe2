"""The files that hold the columns of events, where DuckDB can read them."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Protocol

from query.layout import EVENTS, MOST_DAYS, VISITS, Part, counting, folder, part_of
from runtime import files
from runtime.errors import RetryableError

LOCK = "lock"


class Library(Protocol):
    """Finds files, and brings them to where DuckDB reads them.

    Every method raises RetryableError where the files cannot be read.
    """

    @property
    def folder(self) -> Path:
        """Where all of them lie."""

    def parts(self, site_id: str, first: date, last: date) -> list[Part]:
        """Return the parts of a range of UTC days that count, in order of days."""

    def days(self, site_id: str) -> list[date]:
        """Return the UTC days with which parts lie, in order."""

    def events(self, part: Part) -> Path:
        """Return the file of a part's events."""

    def visits(self, part: Part) -> Path:
        """Return the file of the visits of a merged part."""

    def size(self, part: Part) -> int:
        """Return how many bytes the files of a part have; 0 where they are gone."""

    def every(self, site_id: str, first: date, last: date) -> list[Part]:
        """Return all parts of a range of UTC days, also merged ones that do not count any more."""

    def sites(self) -> list[str]:
        """Return the sites that have parts."""

    def leftovers(self, site_id: str) -> list[str]:
        """Return the keys of what counts for nothing, as a crash leaves it. Nobody may write."""

    def put(self, path: Path, key: str) -> None:
        """Move a file to where it belongs. It stands there whole or not at all."""

    def delete(self, keys: Iterable[str]) -> None:
        """Delete files; one that is not there does not matter."""

    def read(self, key: str) -> bytes | None:
        """Return what a small file has, or None."""

    def write(self, key: str, content: bytes) -> None:
        """Make a small file, or put a content in the place of another."""

    def alone(self) -> AbstractContextManager[None]:
        """Keep others from writing, and wait for those that do."""


class FolderLibrary:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def parts(self, site_id: str, first: date, last: date) -> list[Part]:
        """Return the parts of a range of UTC days that count, in order of days."""
        found = counting(self.every(site_id, first, last))
        return sorted(found, key=lambda part: (part.day, part.is_merged, part.name))

    def every(self, site_id: str, first: date, last: date) -> list[Part]:
        """Return all parts of a range of UTC days, also merged ones that do not count any more."""
        earliest = max(first.toordinal() - MOST_DAYS, 1)
        return [
            part
            for day in self.days(site_id)
            if earliest <= day.toordinal() and day <= last
            for part in self._of_day(site_id, day)
            if part.is_within(first, last)
        ]

    def sites(self) -> list[str]:
        """Return the sites that have parts."""
        names = {*_names(self.folder / EVENTS), *_names(self.folder / VISITS)}
        return sorted(name.removeprefix("site=") for name in names if name.startswith("site="))

    def days(self, site_id: str) -> list[date]:
        """Return the UTC days with which parts lie, in order."""
        return sorted(
            date.fromisoformat(name.removeprefix("day="))
            for name in _names(self.folder / folder(EVENTS, site_id))
            if name.startswith("day=")
        )

    def events(self, part: Part) -> Path:
        """Return the file of a part's events."""
        return self.folder / part.events_key

    def visits(self, part: Part) -> Path:
        """Return the file of the visits of a merged part."""
        return self.folder / part.visits_key

    def size(self, part: Part) -> int:
        """Return how many bytes the files of a part have; 0 where they are gone."""
        paths = [self.events(part), self.visits(part)] if part.is_merged else [self.events(part)]
        return sum(map(_size, paths))

    def leftovers(self, site_id: str) -> list[str]:
        """Return the keys of what counts for nothing, as a crash leaves it. Nobody may write."""
        keys: list[str] = []
        for kind in (EVENTS, VISITS):
            of_site = folder(kind, site_id)
            for day in _names(self.folder / of_site):
                of_day = f"{of_site}{day}/"
                keys += [of_day + name for name in _names(self.folder / of_day)]
        counted: set[str] = set()
        for part in counting(self.every(site_id, date.min, date.max)):
            counted |= {part.events_key, part.visits_key}
        return [key for key in keys if key not in counted]

    def put(self, path: Path, key: str) -> None:
        """Move a file to where it belongs. It stands there whole or not at all."""
        target = self.folder / key
        with _translated(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.replace(target)
            files.sync_folder(target.parent)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete files, and folders that are empty then."""
        for key in keys:
            path = self.folder / key
            with _translated(path):
                path.unlink(missing_ok=True)
                for parent in (path.parent, path.parent.parent):
                    with suppress(OSError):
                        parent.rmdir()

    def read(self, key: str) -> bytes | None:
        """Return what a small file has, or None."""
        with _translated(self.folder / key):
            try:
                return (self.folder / key).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, key: str, content: bytes) -> None:
        """Make a small file, or put a content in the place of another."""
        path = self.folder / key
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            files.replace(path, content)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from writing, and wait for those that do."""
        path = self.folder / LOCK
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.open("a")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _of_day(self, site_id: str, day: date) -> list[Part]:
        of_day = folder(EVENTS, site_id, day)
        found = (part_of(of_day + name) for name in _names(self.folder / of_day))
        with_visits = set(_names(self.folder / folder(VISITS, site_id, day)))
        return [part for part in found if part and (not part.is_merged or part.name in with_visits)]


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RetryableError(f"{path}: {error.strerror or error}") from error


def _names(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RetryableError(f"{path} cannot be listed: {error}") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
