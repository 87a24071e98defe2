"""The port of the event stream's reading end: what a replay reads, beside the consumers."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol


class StreamRecord(NamedTuple):
    """A record and its place on the stream. `arrived_at`: epoch milliseconds."""

    shard: str
    sequence_number: int
    partition_key: str
    arrived_at: int
    data: bytes


class StreamReader(Protocol):
    """Reads the records that the stream still has. Each method raises RetryableError."""

    def shards(self) -> list[str]:
        """Return the shards, each after those that it was split or merged from."""

    def read(self, shard: str, after: int) -> Sequence[StreamRecord]:
        """Return some records of a shard behind a sequence number; none where there are no more.

        Args:
            shard: of which.
            after: the sequence number; 0: from the oldest record on that the stream has.
        """

    def since(self, shard: str, moment: datetime) -> Sequence[StreamRecord]:
        """Return some records of a shard, the first that arrived at a moment or later.

        None where there are no such records.
        """
