"""The embedded event stream: an append-only SQLite log with shards, as Kinesis has them.

The collector appends; the consumer process reads each shard in order. What was acknowledged
survives a loss of power.

Shards are named for the log that they are of, so that nobody takes the records of another log for
those that were counted before. A new file is a new log. So is, from then on, one that has gone
back: the shards that it has are closed, and others are opened (`ingest/stream/witness.py`).
"""

import hashlib
import logging
import math
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ingest.stream.reader import StreamRecord
from ingest.stream.sink import SinkRecord
from ingest.stream.witness import Witness
from runtime.errors import RetryableError, UsageError
from runtime.sqlite import BUSY_TIMEOUT, Database

LOGGER = logging.getLogger(__name__)

MAX_INTEGER = 2**63 - 1
"""Of SQLite."""

SHARDS = 2
"""Shards of a new log."""

TABLES = """
CREATE TABLE IF NOT EXISTS shards (
    shard INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, closed INTEGER NOT NULL,
    next_sequence INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS records (
    shard INTEGER NOT NULL, sequence INTEGER NOT NULL, partition_key TEXT NOT NULL,
    arrived_at INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (shard, sequence)
) WITHOUT ROWID
"""

INSERT = "INSERT INTO records (shard, sequence, partition_key, arrived_at, data) VALUES "
ONE_ROW = "(?, ?, ?, ?, ?)"
ROWS_OF_A_STATEMENT = 100

WITNESS = "shown.sqlite"
"""Not `stream...`: who puts the files of the stream back should not put this one back with them."""

Ends = Mapping[str, int]
"""The sequence number of the newest record, by shard; 0 where there is none. Shards that were
closed come first: what they hold came before what is in the others."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of the log. `arrived_at`: when it was acknowledged, epoch milliseconds."""

    sequence_number: int
    partition_key: str
    arrived_at: int
    data: bytes


class Behind(NamedTuple):
    """What lies behind a place of a shard: how many records, and how many of them are gone.

    `oldest_at`: when the first of them arrived, epoch milliseconds; 0 where there is none.
    """

    records: int
    missing: int
    oldest_at: int


@dataclass(frozen=True, slots=True)
class _Shard:
    number: int
    name: str
    next_sequence: int


class SqliteEventLog:
    """An EventSink, and the reading end of the same log.

    Args:
        path: the SQLite file; the witness lies beside it.
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
        self._witness = Witness(path.with_name(WITNESS), patience)
        self._clock = clock
        self._new_shards = shards

    def put(self, records: Sequence[SinkRecord]) -> None:
        """Append records, all or none; return once they are on the disk.

        Raises:
            RetryableError: the log could not be written.
        """
        arrived_at = int(self._clock().timestamp() * 1000)
        try:
            with self._database.writing() as connection:
                _append(connection, records, self._open_shards(connection), arrived_at)
        except UsageError as error:  # no file of ours: until it is, the spill takes the records
            raise RetryableError(str(error)) from error

    def shards(self) -> list[str]:
        """Return the names of the shards, closed ones first."""
        return list(self.ends())

    def read(
        self,
        shard: str,
        *,
        after: int,
        limit: int,
        through: float = math.inf,
        max_bytes: float = math.inf,
    ) -> list[LogRecord]:
        """Return the next records of a shard behind a sequence number (0: from the start).

        Args:
            shard: of which.
            after: the sequence number.
            limit: at most so many records.
            through: none behind this sequence number.
            max_bytes: at most so much data; the first record comes whatever its size is.
        """
        query = (
            "SELECT sequence, partition_key, arrived_at, data FROM records"
            " WHERE shard = (SELECT shard FROM shards WHERE name = ?) AND sequence > ?"
            " AND sequence <= ? ORDER BY sequence LIMIT ?"
        )
        last = MAX_INTEGER if through == math.inf else int(through)
        found: list[LogRecord] = []
        size = 0
        with self._database.reading() as connection, closing(connection.cursor()) as cursor:
            for row in cursor.execute(query, (shard, after, last, limit)):
                record = LogRecord(*row)
                size += len(record.data)
                if found and size > max_bytes:
                    break
                found.append(record)
        return found

    def before(self, shard: str, moment: datetime) -> int:
        """Return the sequence number of a shard behind which all lies that arrived since."""
        query = (
            "SELECT MIN(sequence) FROM records WHERE arrived_at >= ?"
            " AND shard = (SELECT shard FROM shards WHERE name = ?)"
        )
        with self._database.reading() as connection:
            first = connection.execute(query, (int(moment.timestamp() * 1000), shard)).fetchone()
        return self.ends().get(shard, 0) if first[0] is None else int(first[0]) - 1

    def behind(self, shard: str, after: int, most: int) -> Behind:
        """Return how much of a shard lies behind a sequence number, with a bounded read.

        Args:
            shard: which.
            after: the sequence number.
            most: behind so many, nothing is looked at for what is missing.
        """
        with self._database.reading() as connection:
            (end,) = connection.execute(
                "SELECT next_sequence - 1 FROM shards WHERE name = ?", (shard,)
            ).fetchone() or (0,)
            through = min(end, after + most)
            found, oldest_at = connection.execute(
                "SELECT count(*), min(arrived_at) FROM records"
                " WHERE shard = (SELECT shard FROM shards WHERE name = ?)"
                " AND sequence > ? AND sequence <= ?",
                (shard, after, through),
            ).fetchone()
        return Behind(max(0, end - after), max(0, through - after) - found, oldest_at or 0)

    def ends(self) -> Ends:
        """Return where each shard ends."""
        while not (ends := self._ends()):
            with self._database.writing() as connection:
                self._open_shards(connection)
        return ends

    def show(self) -> Ends:
        """Return where each shard ends, for somebody who keeps how far it has come.

        Records behind these ends must not be shown to it. Up to there, no number is given twice.
        """
        ends = self.ends()
        self._witness.show(ends, now=self._clock())
        return ends

    def has_shown(self, ends: Ends) -> None:
        """Note what somebody says that it has been shown; the witness may have been lost."""
        known = self._witness.shown()
        if any(end > known.get(shard, -1) for shard, end in ends.items()):
            self._witness.show(ends, now=self._clock())

    def changes(self) -> object:
        """Return something that is another after others have written to the log.

        Only what the same thread got can be compared.
        """
        return self._database.changes()

    def trim(self, shard: str, *, through: int, arrived_before: datetime) -> int:
        """Delete records at or below a sequence number that arrived before a moment."""
        before = int(arrived_before.timestamp() * 1000)
        with self._database.writing() as connection:
            deleted = connection.execute(
                "DELETE FROM records WHERE shard = (SELECT shard FROM shards WHERE name = ?)"
                " AND sequence <= ? AND arrived_at < ?",
                (shard, through, before),
            )
            return deleted.rowcount

    def erase(
        self,
        erase: Callable[[str, bytes, int], tuple[bytes | None] | None],
        *,
        through: Mapping[str, int],
        dry: bool = False,
    ) -> int:
        """Put in the place of records what is left of them; return how many there were.

        Args:
            erase: says, by partition key, bytes and arrival, what is left: None in a tuple means
                nothing, and None that the record stays as it is.
            through: by shard: only up to there may records go; those behind stay until then.
            dry: change nothing.
        """
        query = (
            "SELECT shard, sequence, name, partition_key, data, arrived_at FROM records"
            " JOIN shards USING (shard)"
        )
        with self._database.writing() as connection:
            changed: list[tuple[bytes, int, int]] = []
            gone: list[tuple[int, int]] = []
            waiting = 0
            for shard, sequence, name, *record in connection.execute(query):
                left = erase(*record)
                if left is None:
                    continue
                if left[0] is not None:
                    changed.append((left[0], shard, sequence))
                elif sequence <= through.get(name, 0):
                    gone.append((shard, sequence))
                else:
                    waiting += 1
            if not dry:
                connection.executemany(
                    "UPDATE records SET data = ? WHERE shard = ? AND sequence = ?", changed
                )
                connection.executemany("DELETE FROM records WHERE shard = ? AND sequence = ?", gone)
        return len(changed) + len(gone) + (waiting if dry else 0)

    def shrink(self) -> int:
        """Give the room of what was deleted back to the disk (`Database.shrink`)."""
        return self._database.shrink()

    def vacuum(self) -> None:
        """Write the file anew without what was deleted (`Database.vacuum`)."""
        self._database.vacuum()

    def forget(self, *, before: datetime) -> None:
        """Forget closed shards without records, and others that were shown last before a moment."""
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM shards WHERE closed AND shard NOT IN (SELECT shard FROM records)"
            )
        self._witness.forget(before=before, but=self.shards())

    def _ends(self) -> Ends:
        with self._database.reading() as connection:
            return dict(
                connection.execute("SELECT name, next_sequence - 1 FROM shards ORDER BY shard")
            )

    def _open_shards(self, connection: sqlite3.Connection) -> list[_Shard]:
        """Return the shards that records may be appended to; open new ones where none may."""
        known, shown = _not_closed(connection), self._witness.shown()
        if known and all(one.next_sequence > shown.get(one.name, math.inf) for one in known):
            return known
        if known:
            LOGGER.warning("the log went back, and goes on in new shards; before: %s", known)
        now = self._clock()
        identity = f"{int(now.timestamp()):08x}{secrets.token_hex(4)}"
        names = [shard_name(identity, number) for number in range(len(known) or self._new_shards)]
        # First, so that they are known if the log has them.
        self._witness.show(dict.fromkeys(names, 0), now=now)
        connection.execute("UPDATE shards SET closed = 1")
        connection.executemany(
            "INSERT INTO shards (name, closed, next_sequence) VALUES (?, 0, 1)",
            [(name,) for name in names],
        )
        return _not_closed(connection)


def shard_name(identity: str, number: int) -> str:
    """Return the name of a shard: as Kinesis', and with the identity of the log that it is of."""
    return f"shardId-{identity}-{number:012d}"


def identity_of(shard: str) -> str:
    """Return the identity of the log that a shard is of."""
    return shard.rpartition("-")[0]


def _not_closed(connection: sqlite3.Connection) -> list[_Shard]:
    query = "SELECT shard, name, next_sequence FROM shards WHERE NOT closed ORDER BY shard"
    return [_Shard(*row) for row in connection.execute(query)]


class SqliteStreamReader:
    """A StreamReader of the log. It gives nothing behind what the log has shown."""

    PAGE = 2000

    def __init__(self, log: SqliteEventLog) -> None:
        self._log = log

    def shards(self) -> list[str]:
        """Return the shards, closed ones first."""
        return self._log.shards()

    def read(self, shard: str, after: int) -> list[StreamRecord]:
        """Return some records of a shard behind a sequence number."""
        end = self._log.show().get(shard, 0)
        found = self._log.read(shard, after=after, limit=self.PAGE, through=end)
        return [
            StreamRecord(shard, one.sequence_number, one.partition_key, one.arrived_at, one.data)
            for one in found
        ]

    def since(self, shard: str, moment: datetime) -> list[StreamRecord]:
        """Return some records of a shard, the first that arrived at a moment or later."""
        return self.read(shard, self._log.before(shard, moment))


def shard_of(partition_key: str, shards: int) -> int:
    """Return the shard of a partition key: equal ranges of its MD5, as Kinesis has them.

    https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html#partition-key
    """
    digest = hashlib.md5(partition_key.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest) * shards >> 128


def _append(
    connection: sqlite3.Connection,
    records: Sequence[SinkRecord],
    shards: Sequence[_Shard],
    arrived_at: int,
) -> None:
    following = {one.number: one.next_sequence for one in shards}
    rows: list[tuple[int, int, str, int, bytes]] = []
    for record in records:
        shard = shards[shard_of(record.partition_key, len(shards))].number
        rows.append((shard, following[shard], record.partition_key, arrived_at, record.data))
        following[shard] += 1
    # Many in one statement: at each, another thread of this process may take the interpreter.
    for start in range(0, len(rows), ROWS_OF_A_STATEMENT):
        some = rows[start : start + ROWS_OF_A_STATEMENT]
        connection.execute(INSERT + ", ".join([ONE_ROW] * len(some)), list(chain(*some)))
    connection.executemany(
        "UPDATE shards SET next_sequence = ? WHERE shard = ?",
        [(sequence, shard) for shard, sequence in following.items()],
    )
