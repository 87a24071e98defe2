"""A Kinesis stream in memory: shards with ranges of hash keys that split and merge.

https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from aggregates.progress import Position
from processors.record import Record

HASH_KEYS = 1 << 128
LONGEST = 10**55
"""The first number of 56 digits. A shard's numbers begin shorter and grow past a power of ten, so
that comparing them as strings that are not padded is wrong."""


@dataclass(eq=False)
class Shard:
    """One shard. `low` and `high` are hash keys, `high` not included."""

    name: str
    low: int
    high: int
    parents: tuple["Shard", ...]
    last_number: int
    stride: int
    records: list[Record] = field(default_factory=list)
    closed: bool = False


class Stream:
    """The shards, and what was put on them.

    Args:
        rng: decides everything.
        shards: how many there are at first.
        number: makes a sequence number; a broken variant compares it differently.
    """

    def __init__(self, rng: Random, shards: int, number: Callable[[int], int] = int) -> None:
        self._rng = rng
        self._number = number
        self.shards: list[Shard] = []
        self.changes = 0
        """How often anything was done to it."""
        edges = [HASH_KEYS * one // shards for one in range(shards + 1)]
        for low, high in pairwise(edges):
            self._open(low, high, ())

    def open_shards(self) -> list[Shard]:
        """Return the shards that take records, by hash key."""
        return sorted((s for s in self.shards if not s.closed), key=lambda shard: shard.low)

    def put(self, partition_key: str, data: bytes, arrived_at: int) -> Record:
        """Put one record on the shard that has its partition key."""
        self.changes += 1
        key = hash_key(partition_key)
        shard = next(s for s in self.shards if not s.closed and s.low <= key < s.high)
        shard.last_number += self._rng.randrange(1, shard.stride)
        position = Position(shard.name, self._number(shard.last_number))
        record = Record(position, partition_key, arrived_at, data)
        shard.records.append(record)
        return record

    def split(self, shard: Shard, at: int) -> None:
        """Close a shard and give its hash keys to two children."""
        shard.closed = True
        self._open(shard.low, at, (shard,))
        self._open(at, shard.high, (shard,))

    def merge(self, left: Shard, right: Shard) -> None:
        """Close two neighbours and give their hash keys to one child."""
        left.closed = right.closed = True
        self._open(left.low, right.high, (left, right))

    def _open(self, low: int, high: int, parents: tuple[Shard, ...]) -> None:
        self.changes += 1
        shorter = LONGEST // 10 ** self._rng.choice([0, 0, 0, 1, 7, 20])
        start = shorter * self._rng.randrange(90, 99) // 100
        name = f"shardId-{len(self.shards):012d}"
        self.shards.append(Shard(name, low, high, parents, start, shorter // 20))


def hash_key(partition_key: str) -> int:
    """Return the place of a partition key among the hash keys."""
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest())
