"""What is kept of hits that were refused for their form: scrubbed, and only so many of them.

They can be redriven once what made them malformed is mended.
"""

import json
import re
import threading
from datetime import datetime, timedelta

from ingest.hits.page import kept_query
from ingest.hits.rejection import RejectionCode
from schemas.event import RejectedHit
from schemas.hit import MAX_BODY_BYTES

REFUSED_ON_PURPOSE = frozenset(
    {
        RejectionCode.BOT,
        RejectionCode.TIMESTAMP_OUT_OF_RANGE,
        RejectionCode.HOST_NOT_ALLOWED,
        RejectionCode.SITE_MISMATCH,
        RejectionCode.SESSION_MISMATCH,
    }
)
"""Well-formed hits: the same verdict would be given again."""

BURST = 60
KEPT_PER_SECOND = 1.0

TOKEN = re.compile(r'("csrf_token"\s*:\s*)"[^"]*"?')
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++(?:@|%40)[\w-]++(?:\.[\w-]++)++")
"""Looks for a local part only where one begins: from each of its letters would be quadratic."""
URL = re.compile(r'(https?:(?:\\?/){2})([^\s"]*)')


class MalformedHits:
    """Decides what is kept of refused hits, a limited number a second for each site.

    Every refused hit is counted; `hit` is empty where it is not kept.
    """

    def __init__(self, *, burst: int = BURST, per_second: float = KEPT_PER_SECOND) -> None:
        self._burst, self._per_second = burst, per_second
        self._lock = threading.Lock()
        self._budgets: dict[str, tuple[float, datetime]] = {}

    def rejected(
        self, site_id: str, code: str, field: str, raw: object, *, now: datetime
    ) -> RejectedHit:
        """Return the account of a refused hit.

        Args:
            site_id: the site that it was sent to.
            code: why it was refused.
            field: what gave the reason.
            raw: the hit, as JSON or, where it is none, as text.
            now: when it arrived.
        """
        if code in REFUSED_ON_PURPOSE or not self._admits(site_id, now):
            return RejectedHit(code, field)
        text = raw if isinstance(raw, str) else json.dumps(raw)
        kept = scrub(text) if len(text) <= MAX_BODY_BYTES else ""
        return RejectedHit(code, field, kept)

    def _admits(self, site_id: str, now: datetime) -> bool:
        """Take one from the site's budget, which fills up again with time."""
        with self._lock:
            left, since = self._budgets.get(site_id, (float(self._burst), now))
            passed = max(timedelta(), now - since).total_seconds()
            left = min(float(self._burst), left + passed * self._per_second)
            admitted = left >= 1
            self._budgets[site_id] = (left - admitted, now)
        return admitted


def scrub(text: str) -> str:
    """Take out what may name a person: tokens, mail addresses, userinfo, queries and fragments.

    Works on text that is no JSON as well. Of a query, the parameters stay that pages keep.
    """
    text = text.encode(errors="replace").decode()
    return EMAIL.sub("[email]", URL.sub(_scrubbed_url, TOKEN.sub(r'\1""', text)))


def _scrubbed_url(found: re.Match[str]) -> str:
    scheme, rest = found.groups()
    rest, _, _ = rest.partition("#")
    place, _, query = rest.partition("?")
    authority, slash, path = place.partition("/")
    kept = kept_query(query)
    return f"{scheme}{authority.rpartition('@')[2]}{slash}{path}{'?' if kept else ''}{kept}"
