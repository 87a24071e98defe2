"""How many hits are kept that were refused for their form; shape.py says what of them.

They can be redriven once what made them malformed is mended.
"""

import logging
import threading
from datetime import datetime, timedelta

from ingest.hits.client import Client
from ingest.hits.rejection import RejectionCode
from ingest.hits.shape import kept_of
from schemas.event import RejectedHit

LOGGER = logging.getLogger(__name__)

REFUSED_ON_PURPOSE = frozenset(
    {
        RejectionCode.BOT,
        RejectionCode.TIMESTAMP_OUT_OF_RANGE,
        RejectionCode.HOST_NOT_ALLOWED,
        RejectionCode.SITE_MISMATCH,
        RejectionCode.SESSION_MISMATCH,
        RejectionCode.BLOCKED_ADDRESS,
        RejectionCode.BLOCKED_COUNTRY,
        RejectionCode.BLOCKED_AGENT,
        RejectionCode.BLOCKED_PAGE,
        RejectionCode.BLOCKED_HOST,
        RejectionCode.OVER_QUOTA,
    }
)
"""Well-formed hits: the same verdict would be given again."""

PROGRAMS = f"{RejectionCode.BOT}_"
"""What the reasons begin with under which programs are refused."""

BURST = 60
KEPT_PER_SECOND = 1.0


class MalformedHits:
    """Decides what is kept of refused hits, a limited number a second for each site.

    Every refused hit is counted; `hit` is empty where it is not kept.
    """

    def __init__(self, *, burst: int = BURST, per_second: float = KEPT_PER_SECOND) -> None:
        self._burst, self._per_second = burst, per_second
        self._lock = threading.Lock()
        self._budgets: dict[str, tuple[float, datetime]] = {}

    def rejected(
        self, site_id: str, why: RejectedHit, raw: object, *, client: Client, now: datetime
    ) -> RejectedHit:
        """Return the account of a refused hit.

        Args:
            site_id: the site that it was sent to.
            why: the reason, and the field that gave it.
            raw: the hit, as JSON or, where it is none, as text.
            client: who sent it, of whom nothing is kept.
            now: when it arrived.
        """
        if why.field.startswith("props."):  # what follows is a name of the sender's own
            why = RejectedHit(why.code, "props")
        if (
            why.code.startswith(PROGRAMS)
            or why.code in REFUSED_ON_PURPOSE
            or not self._admits(site_id, now)
        ):
            return why
        try:
            kept = kept_of(raw, client)
        except Exception as error:  # noqa: BLE001 - the good hits are not to be lost with this one
            # Neither the message nor the stack: they may quote the hit.
            LOGGER.error("of a refused hit nothing is kept: %s", type(error).__name__)  # noqa: TRY400
            kept = ""
        return RejectedHit(why.code, why.field, kept)

    def _admits(self, site_id: str, now: datetime) -> bool:
        """Take one from the site's budget, which fills up again with time."""
        with self._lock:
            left, since = self._budgets.get(site_id, (float(self._burst), now))
            passed = max(timedelta(), now - since).total_seconds()
            left = min(float(self._burst), left + passed * self._per_second)
            admitted = left >= 1
            self._budgets[site_id] = (left - admitted, now)
        return admitted
