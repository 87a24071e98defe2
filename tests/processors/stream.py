"""A stream's records, as the consumers get them."""

from collections.abc import Iterable, Sequence

from aggregates.progress import Position
from processors.record import Record
from schemas.event import EventBatch, encode_batch

SITE = "my.site"
ARRIVED = 1_777_000_000_000


def records(batches: Iterable[EventBatch], shard: str = "shardId-0") -> list[Record]:
    """Put batches on one shard; a visitor's partition is the parity of its id."""
    return [
        record(encode_batch(batch), number, f"{batch.site_id}/{batch.visitor_id[-1] % 2}", shard)
        for number, batch in enumerate(batches, 1)
    ]


def record(
    data: bytes, number: int, partition_key: str = f"{SITE}/0", shard: str = "shardId-0"
) -> Record:
    """One record; sequence numbers are as long as Kinesis makes them, and grow in length."""
    return Record(Position(shard, 10**50 * number), partition_key, ARRIVED + number, data)


def numbers(of: Sequence[Record]) -> list[int]:
    """The places of records made above."""
    return [one.position.sequence_number // 10**50 for one in of]
