"""Site settings, remembered for a moment, so that a batch or request costs no read."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from runtime.sites.site import Site, SiteStore

LIFETIME = timedelta(seconds=10)


class SiteCache:
    """Reads a site's settings from the store at most once in LIFETIME.

    A site that is missing is asked for again each time, so that a new site works at once.
    """

    def __init__(self, store: SiteStore) -> None:
        self._store = store
        self._known: dict[str, tuple[datetime, Site]] = {}

    def get(self, site_id: str, *, now: datetime) -> Site | None:
        """Return a site's settings, or None; they may be LIFETIME old."""
        known = self._known.get(site_id)
        if known is not None and now - known[0] < LIFETIME:
            return known[1]
        site = self._store.get(site_id)
        if site is None:
            self._known.pop(site_id, None)
        else:
            self._known[site_id] = (now, site)
        return site

    def forget(self, site_id: str) -> None:
        """Read a site's settings again at the next request for it: they have been changed here."""
        self._known.pop(site_id, None)


class KnownSites(SiteCache):
    """Settings that are given, and never read.

    Args:
        sites: by site id.
    """

    def __init__(self, sites: Mapping[str, Site]) -> None:
        self._sites = sites

    def get(self, site_id: str, *, now: datetime) -> Site | None:  # noqa: ARG002 - see there
        """Return a site's settings, or None."""
        return self._sites.get(site_id)
