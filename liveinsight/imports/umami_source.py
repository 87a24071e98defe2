"""An export of Umami: `website_event.csv`, or the zip that holds it."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple
from zipfile import BadZipFile, ZipFile, is_zipfile

from liveinsight.exports.event_row import ExportedEvent, RowError
from liveinsight.exports.formats import MAX_CELL
from liveinsight.imports.export_source import FoundEvent
from liveinsight.imports.umami_rows import REQUIRED, Cells, LeftOut, event_of_row
from runtime.errors import UsageError
from runtime.sites.site import Site

TABLE = "website_event"
NULL = "\\N"
"""How ClickHouse writes what is not set.
https://clickhouse.com/docs/interfaces/formats/CSV"""


class _Row(NamedTuple):
    place: str
    cells: Cells
    line: bytes
    """The row, written in one way whatever quotes it has."""


class UmamiSource:
    """An export that can be read from its start as often as needed.

    Args:
        path: the CSV, or the zip.
        site: gets the events.
        website_id: of the website, where the export has several; empty: it has one.
        until: the last day whose events are wanted, as the site has it.
    """

    def __init__(
        self, path: Path, site: Site, website_id: str = "", until: date = date.max
    ) -> None:
        self._path, self._site, self._website_id, self._until = path, site, website_id, until
        self.name = str(path)
        self.left_out: Counter[LeftOut] = Counter()
        """Rows that are no events, of the last reading."""

    def first_line(self) -> bytes | None:
        """Return what the export begins with; None where it has no rows.

        Raises:
            UsageError: it is no export of Umami's.
        """
        for row in self._rows():
            return b"umami|" + self._website_id.encode() + b"|" + row.line
        return None

    def events(self) -> Iterator[FoundEvent]:
        """Give the events, and count the rows that are none.

        Raises:
            UsageError: a row cannot be read.
        """
        self.left_out = Counter()
        website_id = self._website_id
        for row in self._rows():
            of = row.cells["website_id"]
            website_id = website_id or of
            if of == website_id:
                found = self._event(row)
            elif self._website_id:
                found = LeftOut.OTHER_WEBSITE
            else:
                raise UsageError(
                    f"{row.place}: it is of the website {of!a}, and those before are of"
                    f" {website_id!a}: say with --website which one is meant"
                )
            if isinstance(found, LeftOut):
                self.left_out[found] += 1
            else:
                yield FoundEvent(row.place, found, row.line)

    def _event(self, row: _Row) -> ExportedEvent | LeftOut:
        try:
            found = event_of_row(row.cells, self._site)
        except RowError as error:
            raise UsageError(f"{row.place}: {error}") from error
        is_later = not isinstance(found, LeftOut) and found.day > self._until
        return LeftOut.LATER if is_later else found

    def _rows(self) -> Iterator[_Row]:
        with ExitStack() as opened:
            for name, file in self._files(opened):
                yield from _rows_in(file, name)

    def _files(self, opened: ExitStack) -> Iterator[tuple[str, IO[bytes]]]:
        try:
            if not is_zipfile(self._path):
                yield self.name, opened.enter_context(self._path.open("rb"))
                return
            archive = opened.enter_context(ZipFile(self._path))
            names = [one for one in archive.namelist() if _is_table(one)]
            if not names:
                raise UsageError(
                    f"{self._path} holds no {TABLE}.csv: take the export of all data of a website;"
                    " that of a page of reports has sums without days"
                )
            for name in sorted(names):
                yield f"{self._path}/{name}", opened.enter_context(archive.open(name))
        except (OSError, BadZipFile) as error:
            raise UsageError(f"{self._path} cannot be read: {error}") from error


def _is_table(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".csv" and path.stem.startswith(TABLE)


def _rows_in(file: IO[bytes], name: str) -> Iterator[_Row]:
    csv.field_size_limit(MAX_CELL)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    lines = csv.reader(text, strict=True)
    try:
        header = next(lines, [])
        missing = [column for column in REQUIRED if column not in header]
        if missing:
            raise UsageError(f"{name} is no {TABLE} of Umami's: it has no column {missing[0]!r}")
        for cells in lines:
            if not cells:
                continue
            place = f"{name}, line {lines.line_num:,}"
            if len(cells) != len(header):
                raise UsageError(f"{place} has {len(cells)} cells, not {len(header)}")
            values = ["" if cell == NULL else cell for cell in cells]
            line = "\x1f".join(values).encode() + b"\n"
            yield _Row(place, dict(zip(header, values, strict=True)), line)
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{name}, line {lines.line_num:,} cannot be read: {error}") from error
    finally:
        text.detach()  # the file is its opener's
