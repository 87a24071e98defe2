"""Does what somebody has asked for on the dashboard: let a generation count, or count again.

The API that takes the wish only writes it down: it reads the numbers of a site, and must not be
able to stop the counting. Whoever may do that, does it: the engine, or on AWS
`liveinsight rebuild --attend`.
"""

import logging
from collections.abc import Callable, Collection
from datetime import datetime

from liveinsight.replay.rebuild import Rebuild
from liveinsight.replay.turning import Report, Turning
from runtime.errors import LiveInsightError
from runtime.sites.generations import ASKED_FOR
from runtime.sites.site import Site, SiteStore

LOGGER = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 2.0


class Attendant:
    """Looks for wishes.

    Args:
        sites: where they are.
        work: a rebuild.
        turning: of that rebuild.
        clock: what the time is.
    """

    def __init__(
        self, sites: SiteStore, work: Rebuild, turning: Turning, clock: Callable[[], datetime]
    ) -> None:
        self._sites, self._work, self._turning, self._clock = sites, work, turning, clock

    def look(self, site_ids: Collection[str] | None = None) -> list[Report]:
        """Do what is asked for; return what it came to.

        What cannot be done is logged, and asked for no more after a while.

        Args:
            site_ids: of which sites; None: of all.
        """
        reports: list[Report] = []
        for site in self._sites.list():
            wanted = self._wanted(site)
            if wanted is None or not (site_ids is None or site.site_id in site_ids):
                continue
            try:
                with self._work.alone():
                    report = wanted(site.site_id)
            except LiveInsightError as error:
                LOGGER.warning("what was asked for %s is not done: %s", site.site_id, error)
                continue
            if report is not None:
                LOGGER.warning("%s: generation %d counts", report.site_id, report.generation)
                reports.append(report)
        return reports

    def _wanted(self, site: Site) -> Callable[[str], Report | None] | None:
        oldest = self._clock().timestamp() - ASKED_FOR.total_seconds()
        if site.building is not None and site.building.asked_at >= oldest:
            return self._turning.finish
        if site.kept is not None and site.kept.asked_at >= oldest:
            return self._turning.turn_back
        return None
