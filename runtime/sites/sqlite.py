"""Site settings and salts in SQLite."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path

from runtime.sites.encoding import decode_site, encode_site
from runtime.sites.site import SALT_LIFETIME, Site
from runtime.sqlite import Database

TABLES = """
CREATE TABLE IF NOT EXISTS sites (site_id TEXT PRIMARY KEY, settings TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS salts (
    site_id TEXT NOT NULL, day TEXT NOT NULL, salt BLOB NOT NULL, made_at REAL NOT NULL,
    PRIMARY KEY (site_id, day)
) WITHOUT ROWID
"""


class SqliteSiteStore:
    """A SiteStore in one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, TABLES, durability="power_loss")

    def get(self, site_id: str) -> Site | None:
        """Return a site's settings, or None."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT settings FROM sites WHERE site_id = ?", (site_id,)
            ).fetchone()
        return None if row is None else decode_site(row[0])

    def add(self, site: Site) -> bool:
        """Add a site; return False, and change nothing, where it exists already."""
        with self._database.writing() as connection:
            added = connection.execute(
                "INSERT INTO sites (site_id, settings) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (site.site_id, encode_site(site)),
            )
            return added.rowcount == 1

    def update(self, site_id: str, change: Callable[[Site], Site]) -> Site | None:
        """Change the settings of a site, with all others waiting."""
        with self._database.writing() as connection:
            row = connection.execute(
                "SELECT settings FROM sites WHERE site_id = ?", (site_id,)
            ).fetchone()
            if row is None:
                return None
            changed = change(decode_site(row[0]))
            connection.execute(
                "UPDATE sites SET settings = ? WHERE site_id = ?", (encode_site(changed), site_id)
            )
        return changed

    def list(self) -> Iterable[Site]:
        """Return all sites by site id."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT settings FROM sites ORDER BY site_id").fetchall()
        return [decode_site(row[0]) for row in rows]

    def salt(self, site_id: str, day: date, *, fresh: bytes, now: datetime) -> bytes:
        """Return the salt of a site's day; the first caller's `fresh` becomes the salt."""
        self.delete_expired(now)
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO salts (site_id, day, salt, made_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (site_id, day.isoformat(), fresh, now.timestamp()),
            )
            row = connection.execute(
                "SELECT salt FROM salts WHERE site_id = ? AND day = ?", (site_id, day.isoformat())
            ).fetchone()
        return bytes(row[0])

    def delete_expired(self, now: datetime) -> int:
        """Delete the salts that were made more than SALT_LIFETIME before `now`; return how many."""
        made_before = (now - SALT_LIFETIME).timestamp()
        with self._database.writing() as connection:
            deleted = connection.execute("DELETE FROM salts WHERE made_at < ?", (made_before,))
            return deleted.rowcount
