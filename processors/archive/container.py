"""An archive object: an Avro object container file of records. Equal records give equal bytes."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

import fastavro

from runtime.errors import LiveInsightError
from schemas import registry

BEGINNING = 0
"""The predecessor of a shard's first object: below every sequence number."""

LAST_KEY = "liveinsight.last_sequence_number"


class BrokenArchiveError(LiveInsightError):
    """Objects are missing or changed, and only somebody outside can have done that."""


Raw = dict[str, Any]
"""A record as fastavro reads and writes it."""


@dataclass(frozen=True, slots=True)
class ArchivedRecord:
    """One stream record with its place on the stream. `arrived_at`: epoch milliseconds."""

    shard: str
    sequence_number: int
    partition_key: str
    arrived_at: int
    data: bytes


def encode_object(shard: str, after: int, records: Sequence[ArchivedRecord]) -> bytes:
    """Return the object that follows `after`."""
    raw = [{**asdict(record), "sequence_number": str(record.sequence_number)} for record in records]
    return encode_raw(shard, after, records[-1].sequence_number, raw)


def encode_raw(shard: str, after: int, last: int, records: Iterable[Raw]) -> bytes:
    """Return the object that follows `after`; `last`: the sequence number of its last record."""
    out = BytesIO()
    fastavro.writer(
        out,
        registry.latest("archived_record").schema,
        records,
        codec="deflate",
        metadata={LAST_KEY: str(last)},
        sync_marker=hashlib.sha256(f"{shard}|{after}".encode()).digest()[:16],
    )
    return out.getvalue()


def decode_object(encoded: bytes) -> Iterator[ArchivedRecord]:
    """Read an object's records."""
    for raw in decode_raw(encoded):
        yield ArchivedRecord(**{**raw, "sequence_number": int(raw["sequence_number"])})


def decode_raw(encoded: bytes) -> Iterator[Raw]:
    """Read an object's records, without giving them a type."""
    with _translated():
        for raw in fastavro.reader(BytesIO(encoded), registry.latest("archived_record").schema):
            if isinstance(raw, dict):
                yield raw


def last_sequence(encoded: bytes) -> int:
    """Return the last sequence number that an object holds."""
    with _translated():
        return int(fastavro.reader(BytesIO(encoded)).metadata[LAST_KEY])


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (ValueError, LookupError, EOFError, zlib.error) as error:
        raise BrokenArchiveError(f"no archive object: {error}") from error
