"""The raw archive: every record verbatim, in objects that tile each shard's sequence space.

An object is named by its predecessor, `<shard>/after=<sequence number>.avro`, and is created only
if nothing stands there. So two writers of one shard never write the same record into two objects,
and no record between two objects is missing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol

import fastavro

from liveinsight.runtime import files
from liveinsight.runtime.errors import RetryableError
from schemas import registry

BEGINNING = 0
"""The predecessor of a shard's first object: below every sequence number."""

LAST_KEY = "liveinsight.last_sequence_number"
SEQUENCE_WIDTH = 64
"""Kinesis sequence numbers have up to 56 digits; padded, names sort as the numbers do."""


@dataclass(frozen=True, slots=True)
class ArchivedRecord:
    """One stream record with its place on the stream. `arrived_at`: epoch milliseconds."""

    shard: str
    sequence_number: int
    partition_key: str
    arrived_at: int
    data: bytes


class ArchiveStore(Protocol):
    """Keeps records for ever."""

    def tail(self, shard: str) -> int:
        """Return the last archived sequence number of a shard, or BEGINNING."""

    def append(self, shard: str, after: int, records: Sequence[ArchivedRecord]) -> int:
        """Write the object that follows `after`, unless one stands there already.

        Returns:
            The last sequence number of the object that stands there now.

        Raises:
            RetryableError: it was not written, or may not have been; appending again is safe.
        """

    def shards(self) -> list[str]:
        """Return the shards that have objects."""

    def records(self, shard: str) -> Iterator[ArchivedRecord]:
        """Return a shard's records in order."""


class FileArchiveStore:
    """An ArchiveStore in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tails: dict[str, int] = {}

    def tail(self, shard: str) -> int:
        """Return the last archived sequence number of a shard, or BEGINNING."""
        if shard not in self._tails:
            names = sorted((self._folder / shard).glob("after=*.avro"))
            self._tails[shard] = last_sequence(names[-1].read_bytes()) if names else BEGINNING
        return self._tails[shard]

    def append(self, shard: str, after: int, records: Sequence[ArchivedRecord]) -> int:
        """Write the object that follows `after`, unless one stands there already."""
        path = self._path(shard, after)
        try:
            standing = files.create(path, encode_object(shard, after, records))
        except OSError as error:
            raise RetryableError(f"archive object not written: {error}") from error
        self._tails[shard] = last_sequence(standing)
        return self._tails[shard]

    def shards(self) -> list[str]:
        """Return the shards that have objects."""
        return sorted(path.name for path in self._folder.glob("*") if path.is_dir())

    def records(self, shard: str) -> Iterator[ArchivedRecord]:
        """Return a shard's records in order."""
        after = BEGINNING
        while (path := self._path(shard, after)).exists():
            standing = path.read_bytes()
            yield from decode_object(standing)
            after = last_sequence(standing)

    def _path(self, shard: str, after: int) -> Path:
        return self._folder / object_name(shard, after)


def object_name(shard: str, after: int) -> str:
    """Return the name of the object that follows a sequence number."""
    return f"{shard}/after={after:0{SEQUENCE_WIDTH}d}.avro"


def predecessor(name: str) -> int:
    """Return the sequence number that an object follows."""
    return int(name.rpartition("after=")[2].removesuffix(".avro"))


def encode_object(shard: str, after: int, records: Sequence[ArchivedRecord]) -> bytes:
    """Return an Avro object container file; equal records give equal bytes."""
    out = BytesIO()
    raw = [{**asdict(record), "sequence_number": str(record.sequence_number)} for record in records]
    fastavro.writer(
        out,
        registry.latest("archived_record").schema,
        raw,
        codec="deflate",
        metadata={LAST_KEY: str(records[-1].sequence_number)},
        sync_marker=hashlib.sha256(f"{shard}|{after}".encode()).digest()[:16],
    )
    return out.getvalue()


def decode_object(encoded: bytes) -> Iterator[ArchivedRecord]:
    """Read an object's records."""
    for raw in fastavro.reader(BytesIO(encoded), registry.latest("archived_record").schema):
        if isinstance(raw, dict):
            yield ArchivedRecord(**{**raw, "sequence_number": int(raw["sequence_number"])})


def last_sequence(encoded: bytes) -> int:
    """Return the last sequence number that an object holds."""
    return int(fastavro.reader(BytesIO(encoded)).metadata[LAST_KEY])
