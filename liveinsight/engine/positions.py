"""How far each consumer has read each shard: what Lambda's event source mapping remembers.

The table lies in the same file as the rollups. After a loss of power both are back at the same
moment, so that a position is never ahead of what was counted.
"""

from collections.abc import Collection
from datetime import datetime

from runtime.sqlite import Database

CONSUMERS = ARCHIVE, REALTIME, STATS = "archive", "realtime", "stats"
"""What positions are kept under."""

TABLE = """CREATE TABLE IF NOT EXISTS positions (
    consumer TEXT NOT NULL, shard TEXT NOT NULL, sequence INTEGER NOT NULL,
    advanced_at INTEGER NOT NULL, PRIMARY KEY (consumer, shard)) WITHOUT ROWID"""


class Positions:
    """The highest sequence number that a consumer is done with, per shard."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.writing() as connection:
            connection.execute(TABLE)

    def get(self, consumer: str, shard: str) -> int:
        """Return the position, 0 for the start of the shard."""
        query = "SELECT sequence FROM positions WHERE consumer = ? AND shard = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, (consumer, shard)).fetchone()
        return 0 if row is None else int(row[0])

    def moved_at(self, consumer: str) -> int:
        """Return when the consumer moved last, on whatever shard: epoch seconds, 0 for never."""
        query = "SELECT max(advanced_at) FROM positions WHERE consumer = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, (consumer,)).fetchone()
        return int(row[0] or 0)

    def furthest(self) -> dict[str, int]:
        """Return how far some consumer has come, by shard."""
        query = "SELECT shard, max(sequence) FROM positions GROUP BY shard"
        with self._database.reading() as connection:
            return dict(connection.execute(query))

    def advance(self, consumer: str, shard: str, sequence: int, *, now: float) -> None:
        """Move the position forward; never back. `now`: epoch seconds."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO positions (consumer, shard, sequence, advanced_at)"
                " VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET sequence = max(sequence, excluded.sequence),"
                " advanced_at = excluded.advanced_at",
                (consumer, shard, sequence, int(now)),
            )

    def forget(self, *, before: datetime, but: Collection[str]) -> None:
        """Forget the shards where no consumer came further since a moment, but for some."""
        seconds = int(before.timestamp())
        query = "SELECT shard FROM positions GROUP BY shard HAVING max(advanced_at) < ?"
        with self._database.writing() as connection:
            old = connection.execute(query, (seconds,)).fetchall()
            gone = [(shard,) for (shard,) in old if shard not in but]
            connection.executemany("DELETE FROM positions WHERE shard = ?", gone)
