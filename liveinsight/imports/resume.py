"""Finds how far a log has been imported before, and reads on from there."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol, TypeVar

from liveinsight.imports.checkpoint import (
    CHECK_LENGTH,
    Checkpoint,
    ImportCheckpoints,
)
from liveinsight.imports.options import ImportOptions
from runtime.errors import UsageError

PROGRESS_LINES = 10_000
"""Lines between two reports of progress while the imported part of a log is checked."""


class Reader(Protocol):
    """Reads the lines of a log once, and keeps a running digest of them."""

    lines_read: int

    def __iter__(self) -> Iterator[Any]:
        """Give the lines."""

    def digest(self) -> bytes:
        """Return the SHA-256 of the lines as given so far."""


R = TypeVar("R", bound=Reader)


class Resumption:
    """The import of one log into one site, as far as it has come.

    Args:
        checkpoints: of all imports.
        site_id: the site.
        log: SHA-256 of the log's first line.
        options: which lines become which events.
        name: of the log, as its user knows it.
    """

    def __init__(
        self,
        checkpoints: ImportCheckpoints,
        site_id: str,
        log: bytes,
        options: ImportOptions,
        name: str,
    ) -> None:
        self._checkpoints, self._options = checkpoints, options
        self._site_id, self._log, self._name = site_id, log, name

    def resume(self, read: Callable[[], R], on_lines: Callable[[R], None]) -> tuple[Checkpoint, R]:
        """Return the log's checkpoint, and a reader that stands behind the imported lines.

        Args:
            read: starts to read the log at its beginning.
            on_lines: told from time to time how far a reader has come.

        Raises:
            UsageError: the log was imported with other options.
        """
        for checkpoint in self._checkpoints.find(self._site_id, self._log):
            reader = read()
            for _ in islice(reader, checkpoint.lines):
                if reader.lines_read % PROGRESS_LINES == 0:
                    on_lines(reader)
            if self._is_continued(checkpoint, reader):
                self._refuse_other_options(checkpoint)
                return checkpoint, reader
        reader = read()
        begun = self._checkpoints.begin(self._site_id, self._log, self._options, reader.digest())
        return begun, reader

    def _is_continued(self, checkpoint: Checkpoint, reader: Reader) -> bool:
        """Say whether the lines read are those that the checkpoint stands for, or their start."""
        if reader.lines_read == checkpoint.lines:
            return reader.digest() == checkpoint.digest
        if reader.lines_read == 0:
            return True  # an older copy, so short that its only line has no end
        check = self._checkpoints.check(checkpoint, reader.lines_read)
        return reader.digest()[:CHECK_LENGTH] == check

    def _refuse_other_options(self, checkpoint: Checkpoint) -> None:
        if checkpoint.options != self._options:
            raise UsageError(
                f"{self._name} has been imported into {self._site_id} with "
                f"{checkpoint.options.flags()}: import it with the same options, or into another "
                "site"
            )
