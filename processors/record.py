"""Records as the consumers see them, parsed once from the event that Lambda sends."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aggregates.progress import Arrival, Position
from runtime.errors import PermanentError
from schemas.event import EventBatch, UndecodableError, decode_batch

UNFOLDABLE = (ValueError, OverflowError, OSError)
"""What a record with impossible values (a time beyond the calendar) raises where it is counted."""


UNWRITABLE = "cannot be kept"
"""Begins the reason of a dead letter that no table took. Part of it may be counted."""


@dataclass(frozen=True, slots=True)
class Record:
    """One stream entry. `arrived_at`: when the stream acknowledged it, epoch milliseconds."""

    position: Position
    partition_key: str
    arrived_at: int
    data: bytes

    @property
    def arrival(self) -> Arrival:
        """Its place, and when it came there."""
        return self.position, self.arrived_at


@dataclass(frozen=True, slots=True)
class Decoded:
    """A record and the event batch in it."""

    record: Record
    batch: EventBatch
    partition: int


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that can never be decoded or folded, and why."""

    record: Record
    reason: str


def records_of(event: Mapping[str, Any]) -> list[Record]:
    """Read the records of a Kinesis event.

    https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html

    Raises:
        PermanentError: it is not a Kinesis event.
    """
    try:
        return [_record(entry) for entry in event["Records"]]
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise PermanentError(f"not a Kinesis event: {type(error).__name__}: {error}") from error


def decode(records: Iterable[Record]) -> tuple[list[Decoded], list[Poison]]:
    """Decode records in order; what cannot be decoded comes back as poison."""
    decoded: list[Decoded] = []
    poison: list[Poison] = []
    for record in records:
        match _decode(record):
            case Decoded() as one:
                decoded.append(one)
            case Poison() as one:
                poison.append(one)
    return decoded, poison


def retry_from(records: Sequence[Record]) -> dict[str, Any]:
    """Tell Lambda to send these records again, from the first one on."""
    first = min(records, key=lambda record: record.position.sequence_number)
    return {"batchItemFailures": [{"itemIdentifier": str(first.position.sequence_number)}]}


def success() -> dict[str, Any]:
    """Tell Lambda that every record of the batch is done."""
    return {"batchItemFailures": []}


def _record(entry: Mapping[str, Any]) -> Record:
    kinesis = entry["kinesis"]
    return Record(
        position=Position(_shard(entry), int(kinesis["sequenceNumber"])),
        partition_key=str(kinesis["partitionKey"]),
        arrived_at=round(float(kinesis["approximateArrivalTimestamp"]) * 1000),
        data=base64.b64decode(kinesis["data"], validate=True),
    )


def shard_name(stream: str, shard_id: str) -> str:
    """Return the name of a shard, in which its stream's is."""
    kind, _, number = shard_id.rpartition("-")
    return f"{kind}-{stream}-{number}"


def _shard(entry: Mapping[str, Any]) -> str:
    """Return the name of a record's shard, in which the stream's is.

    Every stream begins with shardId-000000000000, so the id alone would say that the records of a
    stream are those of another, which stood in its place before.
    """
    stream = str(entry["eventSourceARN"]).rpartition("/")[2]
    shard, _, _ = str(entry["eventID"]).partition(":")
    return shard_name(stream, shard)


def _decode(record: Record) -> Decoded | Poison:
    try:
        batch = decode_batch(record.data)
    except UndecodableError as error:
        return Poison(record, f"undecodable: {error}")
    site_id, _, partition = record.partition_key.rpartition("/")
    if site_id != batch.site_id or not partition.isdecimal():
        return Poison(record, f"partition key {record.partition_key!r} is not of {batch.site_id!r}")
    return Decoded(record, batch, int(partition))
