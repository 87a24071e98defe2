"""Salts in a SQLite file of their own."""

from datetime import date, datetime
from pathlib import Path

from ingest.salts.salts import SALT_LIFETIME
from runtime.sqlite import Database

TABLES = """
CREATE TABLE IF NOT EXISTS salts (
    site_id TEXT NOT NULL, day TEXT NOT NULL, salt BLOB NOT NULL, made_at REAL NOT NULL,
    PRIMARY KEY (site_id, day)
) WITHOUT ROWID
"""


class SqliteSaltStore:
    """A SaltStore in one SQLite file, of which nothing that was deleted can be read."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, TABLES, durability="power_loss")

    def salt(self, site_id: str, day: date, *, fresh: bytes, now: datetime) -> bytes:
        """Return the salt of a site's day; the first caller's `fresh` becomes the salt."""
        oldest = (now - SALT_LIFETIME).timestamp()
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO salts (site_id, day, salt, made_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET salt = excluded.salt, made_at = excluded.made_at"
                " WHERE made_at < ?",
                (site_id, day.isoformat(), fresh, now.timestamp(), oldest),
            )
            row = connection.execute(
                "SELECT salt FROM salts WHERE site_id = ? AND day = ?", (site_id, day.isoformat())
            ).fetchone()
        return bytes(row[0])

    def erase(self, site_id: str) -> int:
        """Delete the salts of a site; return how many there were."""
        return self._delete("DELETE FROM salts WHERE site_id = ?", site_id)

    def delete_expired(self, now: datetime) -> int:
        """Delete the salts that were made more than SALT_LIFETIME before `now`; return how many."""
        made_before = (now - SALT_LIFETIME).timestamp()
        return self._delete("DELETE FROM salts WHERE made_at < ?", made_before)

    def _delete(self, statement: str, value: str | float) -> int:
        with self._database.writing() as connection:
            deleted = connection.execute(statement, (value,)).rowcount
        if deleted:
            self._database.vacuum()
        return deleted
