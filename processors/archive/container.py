"""An archive object: an Avro object container file of records. Equal records give equal bytes."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from typing import Any, NamedTuple

import fastavro

from aggregates.stores.heads import LostObjects
from runtime.errors import LiveInsightError
from schemas import registry

BEGINNING = 0
"""The predecessor of a shard's first object: below every sequence number."""

LAST_KEY = "liveinsight.last_sequence_number"
LOST_KEY = "liveinsight.lost"
ERASED_KEY = "liveinsight.erased"
"""How many records an object had that were erased."""
BROKEN_KEY = "liveinsight.broken"
"""What stood in the place of an object, and was none."""


class BrokenArchiveError(LiveInsightError):
    """Objects are missing or changed, and only somebody outside can have done that."""


class BrokenObjectError(BrokenArchiveError):
    """An object is not what was written: it ends too early, or is something else.

    Attributes:
        key: where it stands.
    """

    def __init__(self, key: str, reason: object) -> None:
        super().__init__(f"{key} is broken: {reason}")
        self.key = key


Raw = dict[str, Any]
"""A record as fastavro reads and writes it."""


class ArchivedRecord(NamedTuple):
    """One stream record with its place on the stream. `arrived_at`: epoch milliseconds.

    A named tuple: a rebuild makes one for each record of the archive.
    """

    shard: str
    sequence_number: int
    partition_key: str
    arrived_at: int
    data: bytes


def encode_object(
    shard: str,
    after: int,
    records: Sequence[ArchivedRecord],
    lost: LostObjects | None = None,
    broken: bytes | None = None,
) -> bytes:
    """Return the object that follows `after`; the last two as of `encode_lost`."""
    raw = [one._asdict() | {"sequence_number": str(one.sequence_number)} for one in records]
    last = records[-1].sequence_number if records or lost is None else lost.last
    more = {} if broken is None else {BROKEN_KEY: broken.decode("latin-1")}
    return encode_raw(shard, after, last, raw, lost=[lost] if lost else (), more=more)


def encode_lost(shard: str, lost: LostObjects, broken: bytes | None) -> bytes:
    """Return the object that stands for one that is gone: it has no records, and says which.

    Args:
        shard: of which.
        lost: what is gone.
        broken: what stood there; None: nothing did.
    """
    return encode_object(shard, lost.after, (), lost, broken)


def encode_raw(
    shard: str,
    after: int,
    last: int,
    records: Iterable[Raw],
    *,
    lost: Sequence[LostObjects] = (),
    more: Mapping[str, str] | None = None,
) -> bytes:
    """Return the object that follows `after`.

    Args:
        shard: of which.
        after: the sequence number before it.
        last: that of its last record, or of the last of those that are lost.
        records: what it holds.
        lost: what it would hold.
        more: metadata.
    """
    metadata = {LAST_KEY: str(last), **(more or {})}
    if lost:
        metadata[LOST_KEY] = json.dumps([_lost_document(one) for one in lost])
    out = BytesIO()
    fastavro.writer(
        out,
        registry.written("archived_record").schema,
        records,
        codec="deflate",
        metadata=metadata,
        sync_marker=hashlib.sha256(f"{shard}|{after}".encode()).digest()[:16],
    )
    return out.getvalue()


def decode_object(encoded: bytes) -> Iterator[ArchivedRecord]:
    """Read an object's records."""
    for raw in decode_raw(encoded):
        shard, key, arrived_at = raw["shard"], raw["partition_key"], raw["arrived_at"]
        yield ArchivedRecord(shard, int(raw["sequence_number"]), key, arrived_at, raw["data"])


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


def losses(encoded: bytes) -> tuple[LostObjects, ...]:
    """Return which records an object says that it should hold, and that are gone."""
    with _translated():
        found = fastavro.reader(BytesIO(encoded)).metadata.get(LOST_KEY, "[]")
        return tuple(
            LostObjects(**{**one, "after": int(one["after"]), "last": int(one["last"])})
            for one in json.loads(found)
        )


def erased_in(encoded: bytes) -> int:
    """Return how many records an object had that were erased."""
    with _translated():
        return int(fastavro.reader(BytesIO(encoded)).metadata.get(ERASED_KEY, "0"))


def keeps_what_was_broken(encoded: bytes) -> bool:
    """Say whether an object keeps what stood in its place, and was none."""
    with _translated():
        return BROKEN_KEY in fastavro.reader(BytesIO(encoded)).metadata


def _lost_document(lost: LostObjects) -> dict[str, Any]:
    return {**asdict(lost), "after": str(lost.after), "last": str(lost.last)}


@contextmanager
def named(key: str) -> Iterator[None]:
    """Name an object that turns out to be broken.

    Raises:
        BrokenObjectError: instead of a BrokenArchiveError that names none.
    """
    try:
        yield
    except BrokenObjectError:
        raise
    except BrokenArchiveError as error:
        raise BrokenObjectError(key, error) from error


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (ValueError, LookupError, EOFError, zlib.error) as error:
        raise BrokenArchiveError(f"no archive object: {error}") from error
