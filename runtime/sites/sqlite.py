"""Site settings in SQLite."""

from collections.abc import Callable, Iterable
from pathlib import Path

from runtime.sites.encoding import decode_site, encode_site
from runtime.sites.site import Site
from runtime.sqlite import Database

TABLES = (
    "CREATE TABLE IF NOT EXISTS sites (site_id TEXT PRIMARY KEY, settings TEXT NOT NULL)"
    " WITHOUT ROWID"
)


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

    def remove(self, site_id: str) -> bool:
        """Remove a site; return whether it was there."""
        with self._database.writing() as connection:
            removed = connection.execute("DELETE FROM sites WHERE site_id = ?", (site_id,))
            return removed.rowcount == 1
