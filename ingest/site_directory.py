"""Which site a request belongs to, and the salts of its days."""

from datetime import date, datetime, timedelta

from ingest.salts.salts import SaltStore
from runtime.sites.cache import LIFETIME, SiteCache
from runtime.sites.site import Site, SiteStore

MAX_LABELS = 8
"""How far up from a subdomain its site is looked for."""
DAY = timedelta(days=1)


class SiteDirectory:
    """Answers from the stores, and remembers what it may. Safe to share between threads.

    Its methods raise RetryableError where a store does not answer.
    """

    def __init__(self, sites: SiteStore, salts: SaltStore) -> None:
        self._sites, self._store_of_salts = sites, salts
        self._cache = SiteCache(sites)
        self._salts: dict[tuple[str, date], bytes] = {}
        self._listing: tuple[datetime, tuple[Site, ...]] | None = None

    def get(self, site_id: str, *, now: datetime) -> Site | None:
        """Return a site's settings, or None; there is none that is closed."""
        site = self._cache.get(site_id, now=now)
        return None if site is None or site.closed else site

    def of_host(self, hostname: str, *, now: datetime) -> Site | None:
        """Return the site of a host: its own, of a domain above it, or one that allows it."""
        labels = hostname.removeprefix("www.").split(".")[-MAX_LABELS:]
        for start in range(len(labels)):
            site = self.get(".".join(labels[start:]), now=now)
            if site is not None:
                return site
        listed = (site for site in self._listed(now) if not site.closed)
        return next((site for site in listed if site.accepts_host(hostname)), None)

    def any_sandboxed(self, *, now: datetime) -> bool:
        """Say whether a site lets pages send events whose browser hides where they are."""
        return any(site.sandboxed and not site.closed for site in self._listed(now))

    def _listed(self, now: datetime) -> tuple[Site, ...]:
        """Return all sites, as of at most LIFETIME ago: listing reads a whole table on AWS."""
        known = self._listing
        if known is None or now - known[0] >= LIFETIME:
            known = self._listing = (now, tuple(self._sites.list()))
        return known[1]

    def salt(self, site_id: str, day: date, *, fresh: bytes, now: datetime) -> bytes:
        """Return the salt of a site's day; `fresh` becomes the salt of a day that has none."""
        salt = self._salts.get((site_id, day))
        if salt is None:
            salt = self._store_of_salts.salt(site_id, day, fresh=fresh, now=now)
            # What the store has deleted must not live on here.
            recent = {key: kept for key, kept in self._salts.items() if abs(key[1] - day) <= DAY}
            self._salts = {**recent, (site_id, day): salt}
        return salt
