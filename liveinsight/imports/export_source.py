"""An export that is to be imported: a file, or a folder of files, in any format.

Its lines are the rows, written in one way whatever the format is: so the same events exported as
CSV and as Parquet are one log, and an export that was made again later is the same log grown.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from liveinsight.exports.event_row import ExportedEvent, RowError, event_of, row_of
from liveinsight.exports.formats import Format, format_of, read_csv, read_ndjson
from liveinsight.exports.parquet import read_parquet
from query.columns import EVENTS, Row
from runtime.errors import UsageError
from runtime.files import UNFINISHED

Check = Callable[[ExportedEvent], str]
"""Says what is wrong with an event; empty: nothing."""


class FoundEvent(NamedTuple):
    """An event of an export: where it stands, and what its place in the export is known by."""

    place: str
    exported: ExportedEvent
    line: bytes


class EventSource(Protocol):
    """Events that others have recorded, which can be read from their start as often as needed."""

    @property
    def name(self) -> str:
        """Return how its user knows it."""

    def first_line(self) -> bytes | None:
        """Return what it begins with; None where it has no events."""

    def events(self) -> Iterator[FoundEvent]:
        """Give its events, the same ones in the same order whenever it is asked."""


class ReadEvent(NamedTuple):
    """An event, and the digest of all lines up to its own."""

    number: int
    exported: ExportedEvent
    digest: bytes


class EventReader:
    """Reads the events of an export once, and keeps a running digest of their rows.

    Args:
        source: the export.
        check: refuses events.
    """

    def __init__(self, source: EventSource, check: Check) -> None:
        self._source, self._check = source, check
        self._hash = hashlib.sha256()
        self._events = self._read_all()
        self.lines_read = 0

    def __iter__(self) -> Iterator[ReadEvent]:
        """Go on behind the event that was given last."""
        return self._events

    def digest(self) -> bytes:
        """Return the SHA-256 of the lines as given so far."""
        return self._hash.digest()

    def _read_all(self) -> Iterator[ReadEvent]:
        for found in self._source.events():
            problem = self._check(found.exported)
            if problem:
                raise UsageError(f"{found.place}: {problem}")
            self.lines_read += 1
            self._hash.update(found.line)
            yield ReadEvent(self.lines_read, found.exported, self._hash.digest())


@dataclass(frozen=True, slots=True)
class ExportSource:
    """An export that can be read from its start as often as needed."""

    name: str
    files: tuple[Path, ...]
    """In order."""

    def first_line(self) -> bytes | None:
        """Return what the export begins with; None where it has no events.

        Raises:
            UsageError: it is no export of events.
        """
        for first in self.events():
            return b"export|" + first.line
        return None

    def events(self) -> Iterator[FoundEvent]:
        """Give the events, file after file.

        Raises:
            UsageError: a row is no event.
        """
        for path in self.files:
            for number, row in enumerate(rows_in(path), 1):
                place = f"{path}, event {number:,}"
                try:
                    exported = event_of(row)
                    line = _line(exported)
                except (RowError, UnicodeEncodeError) as error:
                    raise UsageError(f"{place}: {error}") from error
                yield FoundEvent(place, exported, line)


def export_source(path: Path) -> ExportSource:
    """Return the export that lies at a path.

    Raises:
        UsageError: there is none.
    """
    if not path.is_dir():
        format_of(path)
        return ExportSource(str(path), (path,))
    files = tuple(
        sorted(
            one
            for one in path.iterdir()
            if one.suffix.removeprefix(".") in set(Format) and UNFINISHED not in one.name
        )
    )
    if not files:
        raise UsageError(f"{path} holds no export: name a file of one, or its folder")
    return ExportSource(str(path), files)


def rows_in(path: Path) -> Iterator[Row]:
    """Give the rows of a file.

    Raises:
        UsageError: it is no export of events.
    """
    format_ = format_of(path)
    if format_ is Format.PARQUET:
        yield from read_parquet(path, EVENTS)
        return
    with path.open("rb") as file:
        if format_ is Format.NDJSON:
            yield from read_ndjson(file, str(path))
        else:
            yield from read_csv(file, str(path), EVENTS)


def _line(exported: ExportedEvent) -> bytes:
    text = json.dumps(row_of(exported), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode() + b"\n"
