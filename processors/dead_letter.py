"""Dead letters: poison, kept with its reason and its place on the stream, until it is redriven."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from aggregates.progress import Position
from processors.record import Poison, Record
from runtime import files
from runtime.errors import RetryableError
from schemas import registry

NAME = re.compile(r"[A-Za-z0-9-]+/[0-9]{64}")
"""A shard and a sequence number; nothing that leads out of the folder."""

REDRIVEN = ".redriven"
"""Ends the name of the mark that a redriven letter gets."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What is kept of a record."""

    name: str
    """`shard/sequence number`, as long as the longest."""
    reason: str
    record: Record
    reader_version: int
    """The latest schema of event batches that the consumer knew."""
    redriven: bool


class DeadLetterStore(Protocol):
    """Keeps poison. Putting the same record again changes nothing.

    Each method raises RetryableError where the store does not answer; repeating it is safe.
    """

    def put(self, poison: Iterable[Poison]) -> None:
        """Keep each record with its reason."""

    def names(self) -> Iterator[str]:
        """Return the names of what is kept, by shard and place."""

    def get(self, name: str) -> DeadLetter | None:
        """Return one letter, or None."""

    def mark_redriven(self, name: str) -> None:
        """Remember that a letter's record is on the stream again."""


class FileDeadLetterStore:
    """A DeadLetterStore in a folder: one JSON file for each record, named by its position."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, poison: Iterable[Poison]) -> None:
        """Keep each record with its reason; a record that is there already stays as it is."""
        for one in poison:
            self._create(file_name(one), content(one))

    def names(self) -> Iterator[str]:
        """Return the names of what is kept, by shard and place."""
        for path in sorted(self._folder.glob("*/*.json")):
            yield f"{path.parent.name}/{path.stem}"

    def get(self, name: str) -> DeadLetter | None:
        """Return one letter, or None."""
        path = self._folder / f"{name}.json"
        if not NAME.fullmatch(name) or not path.is_file():
            return None
        return letter(name, path.read_bytes(), redriven=path.with_suffix(REDRIVEN).exists())

    def mark_redriven(self, name: str) -> None:
        """Remember that a letter's record is on the stream again."""
        self._create(f"{name}{REDRIVEN}", b"")

    def delete_before(self, moment: datetime) -> None:
        """Delete what was written before a moment, and its marks.

        Raises:
            RetryableError: the disk refused.
        """
        try:
            for path in self._folder.glob("*/*"):
                if path.stat().st_mtime < moment.timestamp():
                    path.unlink()
        except OSError as error:
            raise RetryableError(f"malformed hits not deleted: {error}") from error

    def _create(self, name: str, kept: bytes) -> None:
        path = self._folder / name
        try:
            if not path.exists():
                files.create(path, kept)
        except OSError as error:
            raise RetryableError(f"dead letter not written: {error}") from error


def file_name(poison: Poison) -> str:
    """Return the name of the file: the record's place on the stream."""
    position = poison.record.position
    return f"{position.shard}/{position.sequence_number:064d}.json"


def content(poison: Poison) -> bytes:
    """Return what is kept of a record, as JSON."""
    record = poison.record
    document = {
        "reason": poison.reason,
        "shard": record.position.shard,
        "sequence_number": str(record.position.sequence_number),
        "partition_key": record.partition_key,
        "arrived_at": record.arrived_at,
        "reader_version": registry.latest("event_batch").number,
        "data": b64encode(record.data).decode(),
    }
    return json.dumps(document, indent=2).encode()


def letter(name: str, kept: bytes, *, redriven: bool) -> DeadLetter:
    """Read what is kept of a record."""
    document = json.loads(kept)
    record = Record(
        position=Position(document["shard"], int(document["sequence_number"])),
        partition_key=document["partition_key"],
        arrived_at=document["arrived_at"],
        data=b64decode(document["data"]),
    )
    return DeadLetter(name, document["reason"], record, document["reader_version"], redriven)
