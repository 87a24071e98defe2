"""The files that hold the columns of events, where DuckDB can read them."""

from datetime import date
from pathlib import Path
from typing import Protocol

from query.layout import EVENTS, VISITS, Part, counting, folder, part_of
from runtime.errors import RetryableError


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
        """Return the UTC days that have parts, in order."""

    def events(self, part: Part) -> Path:
        """Return the file of a part's events."""

    def visits(self, part: Part) -> Path:
        """Return the file of the visits of a merged part."""

    def bytes(self, part: Part) -> int:
        """Return how many bytes the files of a part have; 0 where they are gone."""


class FolderLibrary:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def parts(self, site_id: str, first: date, last: date) -> list[Part]:
        """Return the parts of a range of UTC days that count, in order of days."""
        found = [
            part
            for day in self.days(site_id)
            if first <= day <= last
            for part in self._of_day(site_id, day)
        ]
        return sorted(counting(found), key=lambda part: (part.day, part.is_merged, part.name))

    def days(self, site_id: str) -> list[date]:
        """Return the UTC days that have parts, in order."""
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

    def bytes(self, part: Part) -> int:
        """Return how many bytes the files of a part have; 0 where they are gone."""
        paths = [self.events(part), self.visits(part)] if part.is_merged else [self.events(part)]
        return sum(map(_size, paths))

    def _of_day(self, site_id: str, day: date) -> list[Part]:
        of_day = folder(EVENTS, site_id, day)
        found = (part_of(of_day + name) for name in _names(self.folder / of_day))
        with_visits = set(_names(self.folder / folder(VISITS, site_id, day)))
        return [part for part in found if part and (not part.is_merged or part.name in with_visits)]


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
