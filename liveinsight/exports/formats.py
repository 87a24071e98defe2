"""Rows as NDJSON, CSV and Parquet: one writer and one reader for each.

All three are exact: what is read is what was written.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from query.columns import Column, Kind, Row, Sheet, Value
from runtime.errors import UsageError


class Format(StrEnum):
    """How rows are written. The value ends the names of files."""

    PARQUET = "parquet"
    CSV = "csv"
    NDJSON = "ndjson"


class RowWriter(Protocol):
    """Takes rows, one after another."""

    def write(self, row: Row) -> None:
        """Take a row.

        Raises:
            OSError: the disk refused.
        """

    def close(self) -> None:
        """Write what is not written yet."""

    def discard(self) -> None:
        """Let go of what was written, whole or not."""


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode_line(row: Row) -> bytes:
    """Return a row as one line of NDJSON."""
    return _JSON.encode(row).encode() + b"\n"


class NdjsonWriter:
    """Writes one JSON object a line, UTF-8."""

    def __init__(self, file: BinaryIO, _: Sheet) -> None:
        self._file = file

    def write(self, row: Row) -> None:
        """Take a row."""
        self._file.write(encode_line(row))

    def close(self) -> None:
        """Write what is not written yet."""
        self._file.flush()

    def discard(self) -> None:
        """Let go of what was written; the file stays open."""


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\\\\]")
_ESCAPED = re.compile(r"\\(?:u([0-9a-f]{4})|(\\))")
_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20'")
"""What makes a spreadsheet take a text for a formula, in its wide forms too; and what marks that
it must not, which would else not be told from a mark of ours."""

MAX_CELL = 1024 * 1024


def cell_of(text: str) -> str:
    r"""Return a text as a cell: of one line, and a text to every spreadsheet.

    Control characters and backslashes are escaped (`\u000a`, `\\`); an apostrophe stands before
    a text that would begin a formula, and before one that begins with an apostrophe.
    """
    escaped = text if text.isprintable() and "\\" not in text else _CONTROL.sub(_escape, text)
    return f"'{escaped}" if escaped[:1] in _FORMULA else escaped


def text_of(cell: str) -> str:
    """Return the text of a cell."""
    bare = cell.removeprefix("'")
    return _ESCAPED.sub(_unescape, bare) if "\\" in bare else bare


def _escape(found: re.Match[str]) -> str:
    return "\\\\" if found[0] == "\\" else f"\\u{ord(found[0]):04x}"


def _unescape(found: re.Match[str]) -> str:
    return "\\" if found[2] else chr(int(found[1], 16))


class CsvWriter:
    """Writes CSV as RFC 4180 has it, UTF-8, with the names of the columns in the first line."""

    def __init__(self, file: BinaryIO, sheet: Sheet) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
        self._writer = csv.writer(self._text)
        self._columns = [(column.name, column.kind) for column in sheet.columns]
        self._writer.writerow(sheet.names)

    def write(self, row: Row) -> None:
        """Take a row."""
        self._writer.writerow([_cell(row.get(name), kind) for name, kind in self._columns])

    def close(self) -> None:
        """Write what is not written yet; the file stays open."""
        self._text.detach()

    def discard(self) -> None:
        """Let go of what was written; the file stays open."""
        with suppress(OSError, ValueError):  # a disk that is full, or was written to its end
            self._text.detach()


def _cell(value: Value | None, kind: Kind) -> str | int:
    match value:
        case None:
            return ""
        case str():
            return cell_of(value) if kind is Kind.TEXT else value
        case int():
            return value
        case _:
            return json.dumps(value)  # begins with a brace, and has no control characters


def read_ndjson(file: BinaryIO, name: str) -> Iterator[Row]:
    """Give the rows of NDJSON.

    Raises:
        UsageError: a line is no JSON object.
    """
    for number, line in enumerate(file, 1):
        try:
            row = json.loads(line)
        except ValueError as error:  # a UnicodeDecodeError is one
            raise UsageError(f"{name}, line {number:,} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise UsageError(f"{name}, line {number:,} is no JSON object")
        yield {column: value for column, value in row.items() if value is not None}


def read_csv(file: BinaryIO, name: str, sheet: Sheet) -> Iterator[Row]:
    """Give the rows of CSV, in whatever order its columns are.

    Raises:
        UsageError: it is not the CSV of such a sheet.
    """
    csv.field_size_limit(MAX_CELL)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    lines = csv.reader(text, strict=True)
    kinds = {column.name: column for column in sheet.columns}
    try:
        header = next(lines, [])
        check_columns(header, name, sheet)
        columns = [kinds.get(title) for title in header]
        for cells in lines:
            if len(cells) != len(columns):
                raise UsageError(
                    f"{name}, line {lines.line_num:,} has {len(cells)} cells, not {len(columns)}"
                )
            yield dict(_values(columns, cells))
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{name}, line {lines.line_num:,} cannot be read: {error}") from error
    finally:
        text.detach()  # the file is its opener's


def _values(columns: list[Column | None], cells: list[str]) -> Iterator[tuple[str, Value]]:
    for column, cell in zip(columns, cells, strict=True):
        if column is None or not cell:
            continue
        match column.kind:
            case Kind.TEXT:
                yield column.name, text_of(cell)
            case Kind.INTEGER:
                yield column.name, int(cell)
            case Kind.TEXTS:
                yield column.name, json.loads(cell)
            case Kind.DAY | Kind.MOMENT:
                yield column.name, cell


def check_columns(found: list[str], name: str, sheet: Sheet) -> None:
    """Refuse a file that lacks a column.

    Raises:
        UsageError: as it says.
    """
    missing = [column for column in sheet.names if column not in found]
    if missing:
        raise UsageError(
            f"{name} is no export of {sheet.name}: it has no column {missing[0]!r}"
            f" ({len(missing)} of {len(sheet.names)} are missing)"
        )


def format_of(path: Path) -> Format:
    """Say what a file is by how it begins.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if start == b"PAR1":
        return Format.PARQUET
    return Format.NDJSON if start[:1] == b"{" else Format.CSV
