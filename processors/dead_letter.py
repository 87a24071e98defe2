"""Dead letters: poison, kept with its reason and its place on the stream, until it is redriven."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregates.progress import Position
from processors.record import Poison, Record
from runtime.errors import UsageError
from runtime.objects.opener import objects
from runtime.objects.port import Objects
from runtime.settings import Settings
from schemas import registry

NAME = re.compile(r"(?<![\w.-])(?!\.)[\w.-]++/[0-9]{64}", re.ASCII)
"""A shard and a sequence number; nothing that leads out of the folder."""

SUFFIX = ".json"
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
    """Keeps poison, as far as the consumers are concerned."""

    def put(self, poison: Iterable[Poison]) -> None:
        """Keep each record with its reason; a record that is there already stays as it is.

        Raises:
            RetryableError: some may be kept and some not; putting again is safe.
        """


class DeadLetters:
    """A DeadLetterStore of objects: a JSON object for each record, named by its position.

    Each method raises RetryableError where the objects do not answer; repeating it is safe.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, poison: Iterable[Poison]) -> None:
        """Keep each record with its reason; a record that is there already stays as it is."""
        for one in poison:
            self._objects.create(name_of(one) + SUFFIX, content(one))

    def names(self) -> Iterator[str]:
        """Return the names of what is kept, by shard and place."""
        after = ""
        while page := self._objects.keys("", after=after):
            names = (key.removesuffix(SUFFIX) for key in page if key.endswith(SUFFIX))
            yield from filter(NAME.fullmatch, names)
            after = page[-1]

    def get(self, name: str) -> DeadLetter | None:
        """Return one letter, or None."""
        if not NAME.fullmatch(name):
            return None
        kept, mark = self._objects.read_many([name + SUFFIX, name + REDRIVEN])
        return None if kept is None else letter(name, kept, redriven=mark is not None)

    def delete(self, names: Sequence[str]) -> None:
        """Delete at most 500 letters, with their marks."""
        self._objects.delete([name + suffix for name in names for suffix in (SUFFIX, REDRIVEN)])

    def rewrite(self, one: DeadLetter, data: bytes) -> None:
        """Put other bytes in the place of those of a letter's record, if it is still there."""
        key = one.name + SUFFIX
        kept = self._objects.read(key)
        if kept is not None:
            document = {**json.loads(kept), "data": b64encode(data).decode()}
            self._objects.replace(key, json.dumps(document, indent=2).encode(), expected=kept)

    def mark_redriven(self, name: str) -> None:
        """Remember that a letter's record is on the stream again."""
        self._objects.create(name + REDRIVEN, b"")


def dead_letters(settings: Settings) -> DeadLetters:
    """Return the records that could not be decoded or counted."""
    return DeadLetters(objects(settings, "dead-letters"))


def malformed(settings: Settings) -> DeadLetters:
    """Return the records with hits that the collector refused for their form, and kept."""
    return DeadLetters(objects(settings, "malformed"))


def name_of(poison: Poison) -> str:
    """Return the name of a letter: its record's place on the stream."""
    position = poison.record.position
    return f"{position.shard}/{position.sequence_number:064d}"


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
    """Read what is kept of a record.

    Raises:
        UsageError: it is no letter.
    """
    try:
        document = json.loads(kept)
        record = Record(
            position=Position(document["shard"], int(document["sequence_number"])),
            partition_key=document["partition_key"],
            arrived_at=document["arrived_at"],
            data=b64decode(document["data"]),
        )
        return DeadLetter(name, document["reason"], record, document["reader_version"], redriven)
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(f"the dead letter {name} cannot be read: put it back, or away") from error
