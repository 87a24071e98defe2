"""The witness: how far the log has been shown to consumers, kept apart from the log.

A log that was restored from a backup, or whose last writes are lost, would give sequence numbers
once more that items have as their checkpoints. So before a record is shown to a consumer its number
is written here; and no record is appended at or below such a number, nor to a shard that is not
known here: `ingest/stream/sqlite.py` begins new shards then.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from runtime.sqlite import BUSY_TIMEOUT, Database

TABLES = """
CREATE TABLE IF NOT EXISTS shown (
    shard TEXT PRIMARY KEY, sequence INTEGER NOT NULL, shown_at INTEGER NOT NULL
) WITHOUT ROWID
"""


class Witness:
    """The highest sequence number, by shard, that a consumer may have seen.

    Each method raises RetryableError where the file could not be used now.
    """

    def __init__(self, path: Path, patience: timedelta = BUSY_TIMEOUT) -> None:
        self._database = Database(path, TABLES, patience=patience)

    def shown(self) -> dict[str, int]:
        """Return the numbers of all shards that are known."""
        with self._database.reading() as connection:
            return dict(connection.execute("SELECT shard, sequence FROM shown"))

    def show(self, ends: Mapping[str, int], *, now: datetime) -> None:
        """Note that records up to these numbers are about to be shown. No number goes back."""
        seconds = int(now.timestamp())
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT INTO shown (shard, sequence, shown_at) VALUES (?, ?, ?)"
                " ON CONFLICT (shard) DO UPDATE SET"
                " sequence = max(sequence, excluded.sequence), shown_at = excluded.shown_at",
                [(shard, sequence, seconds) for shard, sequence in ends.items()],
            )

    def forget(self, *, before: datetime, but: Collection[str]) -> None:
        """Forget shards that were shown last before a moment, but for some."""
        seconds = int(before.timestamp())
        with self._database.writing() as connection:
            old = connection.execute("SELECT shard FROM shown WHERE shown_at < ?", (seconds,))
            gone = [(shard,) for (shard,) in old.fetchall() if shard not in but]
            connection.executemany("DELETE FROM shown WHERE shard = ?", gone)
