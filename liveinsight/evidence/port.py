"""The port of the stream's backlog."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from api.reconciliation.evidence import Break, Waiting


class UnarchivedRecord(NamedTuple):
    """A record that waits for the archive consumer."""

    partition_key: str
    data: bytes


class Backlog(Protocol):
    """What waits in the stream, by consumer. Each method raises RetryableError or UsageError."""

    def look(self) -> tuple[Sequence[Waiting], Sequence[Break]]:
        """Return what waits for each consumer, and what should and is gone."""

    def unarchived(self) -> Iterator[UnarchivedRecord]:
        """Return the records that wait for the archive consumer, as of the first one or later."""
