"""Where an export is written: a file, a folder of files, or standard output.

A file or folder has its name only when it is whole. What a crash leaves lies beside it in a hidden
folder, the name of which ends with `.unfinished`.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from liveinsight.exports.formats import CsvWriter, Format, NdjsonWriter, RowWriter
from liveinsight.exports.parquet import ParquetWriter
from query.columns import Row, Sheet
from runtime.errors import UsageError
from runtime.files import UNFINISHED, sync_folder

STANDARD_OUTPUT = "-"
FILE_ROWS = 1_000_000
"""In each file of a folder."""


@dataclass(slots=True)
class Output:
    """Takes the rows of an export, and writes them to one file, or to several of so many rows."""

    sheet: Sheet
    format: Format
    scratch: Path
    """A folder of its own, on the disk where the export will lie; deleted with what is in it."""
    file_rows: int | None = None
    """None: there is one file."""
    files: list[Path] = field(default_factory=list)
    bytes: int = 0
    """Of all files, once they are whole."""
    _rows: int = 0
    _writer: RowWriter | None = None
    _closed: ExitStack = field(default_factory=ExitStack)

    def write(self, row: Row) -> None:
        """Take a row.

        Raises:
            OSError: the disk refused.
        """
        if self._writer is None or self._rows == self.file_rows:
            self._next()
        if self._writer is not None:
            self._writer.write(row)
        self._rows += 1

    def finish(self) -> None:
        """Write all to the disk."""
        if not self.files:
            self._next()
        self._end()
        for path in self.files:
            _sync(path)
        self.bytes = sum(path.stat().st_size for path in self.files)

    def discard(self) -> None:
        """Let go of what is not whole."""
        if self._writer is not None:
            self._writer.discard()
        self._closed.close()

    def _next(self) -> None:
        self._end()
        self._rows = 0
        name = f"{self.sheet.name}-{len(self.files) + 1:05d}.{self.format}"
        path = self.scratch / "whole" / name
        path.parent.mkdir(exist_ok=True)
        self.files.append(path)
        if self.format is Format.PARQUET:
            self._writer = ParquetWriter(path, self.sheet, self.scratch)
            return
        file = self._closed.enter_context(path.open("wb"))
        kind = NdjsonWriter if self.format is Format.NDJSON else CsvWriter
        self._writer = kind(file, self.sheet)

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._closed.close()
        self._writer = None


@contextmanager
def exported_to(out: str, sheet: Sheet, format_: Format) -> Iterator[Output]:
    """Give what takes the rows of an export; it is there as a whole when the block has ended.

    Args:
        out: the path of a file, or of a folder (it is one, or ends with a slash), or `-`.
        sheet: the columns.
        format_: how they are written.

    Raises:
        UsageError: something stands there already, or nothing can.
    """
    if out == STANDARD_OUTPUT:
        with tempfile.TemporaryDirectory(suffix=UNFINISHED) as scratch:
            output = Output(sheet, format_, Path(scratch))
            with _discarded_if_it_fails(output):
                yield output
                output.finish()
            with output.files[0].open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
        return
    path, is_folder = Path(out), out.endswith("/") or Path(out).is_dir()
    _refuse_what_stands(path, is_folder=is_folder)
    with _scratch_beside(path) as scratch:
        output = Output(sheet, format_, scratch, FILE_ROWS if is_folder else None)
        with _discarded_if_it_fails(output):
            yield output
            output.finish()
        (output.files[0].parent if is_folder else output.files[0]).rename(path)
        sync_folder(path.parent)


@contextmanager
def _discarded_if_it_fails(output: Output) -> Iterator[None]:
    """Close the files of an export that is not to be."""
    try:
        yield
    except BaseException:
        output.discard()
        raise


def _refuse_what_stands(path: Path, *, is_folder: bool) -> None:
    if is_folder:
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file: name a folder, or write it without the slash")
        if path.is_dir() and any(path.iterdir()):
            raise UsageError(f"{path} is not empty: name another folder")
    elif path.exists():
        raise UsageError(f"{path} exists already: name another file, or move it away")


@contextmanager
def _scratch_beside(path: Path) -> Iterator[Path]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    try:
        yield Path(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
