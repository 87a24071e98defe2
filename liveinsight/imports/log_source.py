"""Where the lines of a log come from: a file, plain or gzipped, or standard input."""

import gzip
import hashlib
import io
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from liveinsight.imports.access_log import MAX_LINE_LENGTH
from runtime.errors import UsageError

STANDARD_INPUT = "-"
GZIP_MAGIC = b"\x1f\x8b"
SPOOL_BYTES = 32 * 1024 * 1024
"""Standard input is kept in memory up to this size, then on disk."""

_READ_LIMIT = MAX_LINE_LENGTH + 2
"""One character more than a line may have, and the end of the line."""


class RawLine(NamedTuple):
    """One line without its ending. The first has number 1."""

    number: int
    content: bytes


class LineReader:
    """Reads the lines of a log once, and keeps a running digest of them.

    Iteration gives the lines that end with a line feed; `rest` is what follows the last of them.
    A line longer than MAX_LINE_LENGTH is cut behind that length.
    """

    def __init__(self, lines: BinaryIO, name: str) -> None:
        self._lines = lines
        self._name = name
        self._hash = hashlib.sha256()
        self.lines_read = 0
        self.rest: RawLine | None = None

    def __iter__(self) -> Iterator[RawLine]:
        while line := self._readline():
            end = line
            while len(end) == _READ_LIMIT and not end.endswith(b"\n"):
                end = self._readline()
            content = line.rstrip(b"\r\n")
            if not end.endswith(b"\n"):
                self.rest = RawLine(self.lines_read + 1, content)
                return
            self.lines_read += 1
            self._hash.update(content)
            self._hash.update(b"\n")
            yield RawLine(self.lines_read, content)

    def digest(self) -> bytes:
        """Return the SHA-256 of the lines as given so far. Line endings do not matter."""
        return self._hash.digest()

    def _readline(self) -> bytes:
        try:
            return self._lines.readline(_READ_LIMIT)
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(
                f"{self._name} cannot be read after line {self.lines_read:,} ({error}): "
                "repair the file and import it again; lines that were imported are not repeated"
            ) from error


@dataclass(frozen=True, slots=True)
class LogSource:
    """A log that can be read from its start as often as needed."""

    name: str
    file: BinaryIO
    size: int
    """Bytes of the file as it lies there, gzipped or not."""

    @property
    def position(self) -> int:
        """How many of these bytes have been read."""
        return self.file.tell()

    def read(self) -> LineReader:
        """Start to read at the first line; readers made before must not be used any more."""
        self.file.seek(0)
        magic = self.file.read(len(GZIP_MAGIC))
        self.file.seek(0)
        if magic != GZIP_MAGIC:
            return LineReader(self.file, self.name)
        unzipped = gzip.GzipFile(fileobj=self.file, mode="rb")
        return LineReader(io.BufferedReader(unzipped), self.name)

    def first_line(self) -> bytes | None:
        """Return the first line without its ending; None for an empty log."""
        reader = self.read()
        first = next(iter(reader), None) or reader.rest
        return None if first is None else first.content


@contextmanager
def open_log(name: str, stdin: BinaryIO) -> Iterator[LogSource]:
    """Open a log by its path; `-` is standard input, which is read to its end first.

    Raises:
        UsageError: there is no such file, or it may not be read.
    """
    if name == STANDARD_INPUT:
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            shutil.copyfileobj(stdin, spool)
            yield LogSource("standard input", spool, spool.tell())  # type: ignore[arg-type]
        return
    path = Path(name)
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error
    with file:
        yield LogSource(name, file, path.stat().st_size)
