"""The embedded event stream: an append-only SQLite log with shards, as Kinesis has them.

The collector appends; the consumer process reads each shard in order. What was acknowledged
survives a loss of power.
"""

import hashlib
import math
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from ingest.stream.reader import StreamRecord
from ingest.stream.sink import SinkRecord
from runtime.errors import RetryableError, UsageError
from runtime.sqlite import BUSY_TIMEOUT, Database

SHARDS = 2
"""Shards of a new log."""

TABLES = """
CREATE TABLE IF NOT EXISTS shards (
    shard INTEGER PRIMARY KEY, next_sequence INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS records (
    shard INTEGER NOT NULL, sequence INTEGER NOT NULL, partition_key TEXT NOT NULL,
    arrived_at INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (shard, sequence)
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of the log. `arrived_at`: when it was acknowledged, epoch milliseconds."""

    sequence_number: int
    partition_key: str
    arrived_at: int
    data: bytes


@dataclass(slots=True)
class _Append:
    records: Sequence[SinkRecord]
    done: bool = False
    acknowledged: bool = False


@dataclass(slots=True)
class _Queue:
    lock: threading.Lock = field(default_factory=threading.Lock)
    commit: threading.Lock = field(default_factory=threading.Lock)
    waiting: list[_Append] = field(default_factory=list)


class SqliteEventLog:
    """An EventSink, and the reading end of the same log.

    Args:
        path: the SQLite file.
        clock: gives the arrival time.
        shards: how many shards a new log gets; an old one keeps its own.
        patience: how long an append waits for another process that writes.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime],
        shards: int = SHARDS,
        patience: timedelta = BUSY_TIMEOUT,
    ) -> None:
        self._database = Database(path, TABLES, durability="power_loss", patience=patience)
        self._clock = clock
        self._new_shards = shards
        self._shards = 0
        self._queue = _Queue()

    def put(self, records: Sequence[SinkRecord]) -> None:
        """Append records, all or none; return once they are on the disk.

        Threads that append at the same time share one commit, so that the cost of an fsync is
        divided among them.

        Raises:
            RetryableError: the log could not be written.
        """
        append = _Append(records)
        with self._queue.lock:
            self._queue.waiting.append(append)
        with self._queue.commit:
            if not append.done:
                with self._queue.lock:
                    together, self._queue.waiting = self._queue.waiting, []
                self._commit(together)
        if not append.acknowledged:
            raise RetryableError(f"the event log did not take {len(records)} records")

    def shards(self) -> list[int]:
        """Return the shard numbers."""
        return list(range(self._shard_count()))

    def read(
        self, shard: int, *, after: int, limit: int, max_bytes: float = math.inf
    ) -> list[LogRecord]:
        """Return the next records of a shard behind a sequence number (0: from the start).

        Args:
            shard: of which.
            after: the sequence number.
            limit: at most so many records.
            max_bytes: at most so much data; the first record comes whatever its size is.
        """
        query = (
            "SELECT sequence, partition_key, arrived_at, data FROM records"
            " WHERE shard = ? AND sequence > ? ORDER BY sequence LIMIT ?"
        )
        found: list[LogRecord] = []
        size = 0
        with self._database.reading() as connection, closing(connection.cursor()) as cursor:
            for row in cursor.execute(query, (shard, after, limit)):
                record = LogRecord(*row)
                size += len(record.data)
                if found and size > max_bytes:
                    break
                found.append(record)
        return found

    def before(self, shard: int, moment: datetime) -> int:
        """Return the sequence number of a shard behind which all lies that arrived since."""
        query = "SELECT MIN(sequence) FROM records WHERE shard = ? AND arrived_at >= ?"
        with self._database.reading() as connection:
            first = connection.execute(query, (shard, int(moment.timestamp() * 1000))).fetchone()
        return self.last_sequence(shard) if first[0] is None else int(first[0]) - 1

    def last_sequence(self, shard: int) -> int:
        """Return the sequence number of the newest record of a shard, 0 when there is none."""
        return self.ends()[shard]

    def ends(self) -> dict[int, int]:
        """Return the sequence number of the newest record of each shard, 0 where there is none."""
        self._shard_count()
        with self._database.reading() as connection:
            return dict(connection.execute("SELECT shard, next_sequence - 1 FROM shards"))

    def changes(self) -> int:
        """Return a number that is another one after others have written to the log.

        Only numbers that the same thread got can be compared.
        """
        return self._database.changes()

    def trim(self, shard: int, *, through: int, arrived_before: datetime) -> int:
        """Delete records at or below a sequence number that arrived before a moment."""
        before = int(arrived_before.timestamp() * 1000)
        with self._database.writing() as connection:
            deleted = connection.execute(
                "DELETE FROM records WHERE shard = ? AND sequence <= ? AND arrived_at < ?",
                (shard, through, before),
            )
            return deleted.rowcount

    def _commit(self, together: list[_Append]) -> None:
        try:
            count = self._shard_count()
            arrived_at = int(self._clock().timestamp() * 1000)
            with self._database.writing() as connection:
                _append(connection, [r for a in together for r in a.records], count, arrived_at)
            for append in together:
                append.acknowledged = True
        except UsageError as error:  # no file of ours: until it is, the spill takes the records
            raise RetryableError(str(error)) from error
        finally:
            for append in together:
                append.done = True

    def _shard_count(self) -> int:
        if not self._shards:
            with self._database.writing() as connection:
                count = connection.execute("SELECT COUNT(*) FROM shards").fetchone()[0]
                if not count:
                    count = self._new_shards
                    connection.executemany(
                        "INSERT INTO shards VALUES (?, 1)", [(shard,) for shard in range(count)]
                    )
            self._shards = count
        return self._shards


class SqliteStreamReader:
    """A StreamReader of the log."""

    PAGE = 2000

    def __init__(self, log: SqliteEventLog) -> None:
        self._log = log

    def shards(self) -> list[str]:
        """Return the shards."""
        return list(map(shard_name, self._log.shards()))

    def read(self, shard: str, after: int) -> list[StreamRecord]:
        """Return some records of a shard behind a sequence number."""
        found = self._log.read(shard_number(shard), after=after, limit=self.PAGE)
        return [StreamRecord(shard, *astuple(record)) for record in found]

    def since(self, shard: str, moment: datetime) -> list[StreamRecord]:
        """Return some records of a shard, the first that arrived at a moment or later."""
        return self.read(shard, self._log.before(shard_number(shard), moment))


def shard_name(number: int) -> str:
    """Return what a shard is called wherever records of the stream are kept."""
    return f"shardId-{number:012d}"


def shard_number(name: str) -> int:
    """Return which shard is called so."""
    return int(name.rpartition("-")[2])


def shard_of(partition_key: str, shards: int) -> int:
    """Return the shard of a partition key: equal ranges of its MD5, as Kinesis has them.

    https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html#partition-key
    """
    digest = hashlib.md5(partition_key.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest) * shards >> 128


def _append(
    connection: sqlite3.Connection, records: Sequence[SinkRecord], shards: int, arrived_at: int
) -> None:
    following: dict[int, int] = dict(connection.execute("SELECT * FROM shards"))
    rows = []
    for record in records:
        shard = shard_of(record.partition_key, shards)
        rows.append((shard, following[shard], record.partition_key, arrived_at, record.data))
        following[shard] += 1
    connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", rows)
    connection.executemany(
        "UPDATE shards SET next_sequence = ? WHERE shard = ?",
        [(sequence, shard) for shard, sequence in following.items()],
    )
