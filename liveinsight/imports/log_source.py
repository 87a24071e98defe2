"""Where the lines of a log come from: a file, plain or compressed, or standard input."""

import gzip
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from liveinsight.imports.access_log import MAX_LINE_LENGTH
from liveinsight.imports.formats.fields import decode_line
from runtime.errors import UsageError

STANDARD_INPUT = "-"
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SPOOL_BYTES = 32 * 1024 * 1024
"""Standard input is kept in memory up to this size, then on disk."""
SAMPLE_LINES, SAMPLE_BYTES = 500, 1024 * 1024
"""How much of a log is looked at to see what it is."""

_READ_LIMIT = MAX_LINE_LENGTH + 2
"""One character more than a line may have, and the end of the line."""


class RawLine(NamedTuple):
    """One line without its ending. The first has number 1."""

    number: int
    content: bytes


class LineReader:
    """Reads the lines of a log once.

    Iteration gives the lines that end with a line feed; `rest` is what follows the last of them.
    A line longer than MAX_LINE_LENGTH is cut behind that length.
    """

    def __init__(self, lines: BinaryIO, name: str) -> None:
        self._lines = lines
        self._name = name
        self.lines_read = 0
        self.rest: RawLine | None = None

    def __iter__(self) -> Iterator[RawLine]:
        number = self.lines_read
        while line := self._readline():
            end = line
            while len(end) == _READ_LIMIT and not end.endswith(b"\n"):
                end = self._readline()
            content = line.rstrip(b"\r\n")
            number += 1
            if not end.endswith(b"\n"):
                self.rest = RawLine(number, content)
                return
            self.lines_read = number
            yield RawLine(number, content)

    def _readline(self) -> bytes:
        try:
            return self._lines.readline(_READ_LIMIT)
        except (OSError, EOFError, zlib.error) as error:
            raise self._broken(error) from error
        except Exception as error:
            if type(error).__name__ != "ZstdError":
                raise
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> UsageError:
        return UsageError(
            f"{self._name} cannot be read after line {self.lines_read:,} ({error}): repair the file"
            " and import it again; lines that were imported are not repeated"
        )


@dataclass(frozen=True, slots=True)
class LogSource:
    """A log that can be read from its start as often as needed."""

    name: str
    file: BinaryIO
    size: int
    """Bytes of the file as it lies there, compressed or not."""

    @property
    def position(self) -> int:
        """How many of these bytes have been read."""
        return self.file.tell()

    @property
    def compressed(self) -> bool:
        """Whether it is gzip or zstd."""
        return self._magic()[:2] == GZIP_MAGIC or self._magic() == ZSTD_MAGIC

    def read(self) -> LineReader:
        """Start to read at the first line; readers made before must not be used any more."""
        magic = self._magic()
        self.file.seek(0)
        if magic.startswith(GZIP_MAGIC):
            unzipped = gzip.GzipFile(fileobj=self.file, mode="rb")
            return LineReader(io.BufferedReader(unzipped), self.name)
        if magic == ZSTD_MAGIC:
            return LineReader(io.BufferedReader(_zstd(self.file)), self.name)
        return LineReader(self.file, self.name)

    def sample(self) -> list[str]:
        """Return the first lines, decoded: at most SAMPLE_LINES, and about SAMPLE_BYTES."""
        reader, lines, size = self.read(), list[str](), 0
        try:
            for line in reader:
                lines.append(decode_line(line.content))
                size += len(line.content)
                if len(lines) == SAMPLE_LINES or size > SAMPLE_BYTES:
                    return lines
        except UsageError:
            if not lines:
                raise
        return lines if reader.rest is None else [*lines, decode_line(reader.rest.content)]

    def _magic(self) -> bytes:
        place = self.file.tell()
        self.file.seek(0)
        magic = self.file.read(len(ZSTD_MAGIC))
        self.file.seek(place)
        return magic


def _zstd(file: BinaryIO) -> io.RawIOBase:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415
    else:
        from backports import zstd  # noqa: PLC0415 - few logs need it
    return zstd.ZstdFile(file, mode="r")  # type: ignore[return-value, no-any-return, unused-ignore]


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
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error
    with file:
        yield LogSource(name, file, size)


class Followed:
    """The whole lines of a log that grows, as they come: it does not end by itself.

    Iteration gives None where there is nothing more to read for now. A log that was rotated or cut
    ends the iteration; the next one begins with the new file.

    Args:
        path: of the log, which is not compressed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lines_read = 0

    def __iter__(self) -> Iterator[RawLine | None]:
        self.lines_read = 0
        with self._opened() as file:
            node = os.fstat(file.fileno()).st_ino
            while True:
                at = file.tell()
                line = file.readline(_READ_LIMIT)
                if line.endswith(b"\n") or len(line) == _READ_LIMIT:
                    self.lines_read += 1
                    yield RawLine(self.lines_read, line.rstrip(b"\r\n"))
                    continue
                file.seek(at)  # half a line: its writer has not finished
                yield None
                if self._is_another(node, at):
                    return

    def _opened(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except OSError as error:
            raise UsageError(f"{self._path} cannot be read: {error.strerror}") from error

    def _is_another(self, node: int, at: int) -> bool:
        try:
            now = self._path.stat()
        except OSError:
            return False  # between two files of a rotation
        return now.st_ino != node or now.st_size < at
