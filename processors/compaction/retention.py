"""Takes out of the archive what its sites keep no longer, once a day."""

import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

from aggregates.window import day_start
from processors.archive.chain import Chain
from processors.erasure.archive import ArchiveEraser, ErasedRecords
from processors.erasure.selection import Erased, Selection
from runtime.sites.retention import FOR_EVER
from runtime.sites.site import DAY, Site, SiteStore

LOGGER = logging.getLogger(__name__)

MARGIN = timedelta(days=2)
"""Of what remains, the days that are not whole: events come up to 24 hours late, and visits span a
midnight."""


class ArchiveRetention:
    """Erases from an archive what has been there for long.

    It reads the whole archive, so it does so when a day has gone, for all sites at once. Totals
    stay: from then on the site knows from which day on they could be counted anew.

    Args:
        sites: say how long.
        chain: of the archive.
        remaining: how many seconds are left.
    """

    def __init__(
        self, sites: SiteStore, chain: Chain, remaining: Callable[[], float] = lambda: math.inf
    ) -> None:
        self._sites, self._chain, self._remaining = sites, chain, remaining

    def run(self, *, now: datetime) -> ErasedRecords:
        """Erase what is due.

        Raises:
            BrokenArchiveError: objects of the archive are missing or changed.
            RetryableError: a store did not answer, or the time did not suffice: the next run begins
                again, with less to do.
        """
        due = {
            site.site_id: first
            for site in self._sites.list()
            if (first := first_kept(site, now))
            and first + MARGIN > (site.archived_from or date.min)
        }
        if not due:
            return ErasedRecords()
        selections = [self._begun(site_id, first) for site_id, first in due.items()]
        erased = ArchiveEraser(self._chain, any_of(selections), self._remaining).run()
        for site_id, first in due.items():
            self._sites.update(site_id, partial(_archived_from, day=first + MARGIN))
        if erased.records:
            LOGGER.info("retention: %d records left the archive", erased.records)
        return erased

    def _begun(self, site_id: str, first: date) -> Selection:
        """Say that the days are not whole any more, before they are not; return what goes."""
        before = first + MARGIN - DAY  # that of the run before, at most: the mark of being done
        site = self._sites.update(site_id, partial(_archived_from, day=before))
        zone = site.timezone if site else "UTC"
        return Selection(site_id, before=day_start(first, zone))


def first_kept(site: Site, now: datetime) -> date | None:
    """Return the first day of a site that the archive keeps; None: it keeps all."""
    days = site.retention.archive
    return None if days == FOR_EVER else site.local_day(now) - days * DAY


def any_of(selections: Iterable[Selection]) -> Callable[[str, bytes, int], Erased | None]:
    """Return what erases the records of several sites."""
    of_site = {selection.site_id: selection for selection in selections}

    def erase(partition_key: str, data: bytes, arrived_at: int) -> Erased | None:
        selection = of_site.get(partition_key.rpartition("/")[0])
        return None if selection is None else selection.erase(partition_key, data, arrived_at)

    return erase


def _archived_from(site: Site, day: date) -> Site:
    return replace(site, archived_from=max(day, site.archived_from or day))
