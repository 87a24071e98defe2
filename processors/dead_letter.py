"""Dead letters: poison, kept with its reason and its place on the stream."""

import json
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from liveinsight.runtime import files
from liveinsight.runtime.errors import RetryableError
from processors.record import Poison


class DeadLetterStore(Protocol):
    """Keeps poison. Putting the same record again changes nothing."""

    def put(self, poison: Iterable[Poison]) -> None:
        """Keep each record with its reason.

        Raises:
            RetryableError: some may be kept and some not; putting again is safe.
        """


class FileDeadLetterStore:
    """A DeadLetterStore in a folder: one JSON file for each record, named by its position."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, poison: Iterable[Poison]) -> None:
        """Keep each record with its reason; a record that is there already stays as it is."""
        for one in poison:
            try:
                self._put(one)
            except OSError as error:
                raise RetryableError(f"dead letter not written: {error}") from error

    def _put(self, poison: Poison) -> None:
        position = poison.record.position
        path = self._folder / position.shard / f"{position.sequence_number:064d}.json"
        if not path.exists():
            files.create(path, json.dumps(document(poison), indent=2).encode())


def document(poison: Poison) -> dict[str, str | int]:
    """Return what is kept of a record."""
    record = poison.record
    return {
        "reason": poison.reason,
        "shard": record.position.shard,
        "sequence_number": str(record.position.sequence_number),
        "partition_key": record.partition_key,
        "arrived_at": record.arrived_at,
        "data": b64encode(record.data).decode(),
    }
