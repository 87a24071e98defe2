"""How many events a site with a daily quota may still be sent today: about, never much more."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from runtime.errors import LiveInsightError
from runtime.sites.site import Site

READ_EVERY = timedelta(seconds=1)


class Counts(Protocol):
    """Knows how many events of a site were accepted."""

    def by_day(self, site_id: str, first: date, last: date) -> Mapping[date, int]:
        """Return how many by day, from all workers, some of the last second missing."""


@dataclass(slots=True)
class _Spent:
    day: date
    events: int
    read_at: datetime


class Quotas:
    """Says how many events may still be accepted.

    What this process accepts it adds at once, what others do it reads every second. Where nobody
    counts (on AWS), or the count cannot be read, nothing is refused.

    Args:
        counts: what was accepted.
    """

    def __init__(self, counts: Counts | None = None) -> None:
        self._counts = counts
        self._spent: dict[str, _Spent] = {}

    def admitted(self, site: Site, events: int, now: datetime) -> int:
        """Return how many of some events of a site may be accepted, and count them as accepted."""
        quota = site.shields.daily_quota
        if not quota or self._counts is None or not events:
            return events
        spent = self._spent_today(site, self._counts, now)
        admitted = max(0, min(events, quota - spent.events))
        spent.events += admitted
        return admitted

    def _spent_today(self, site: Site, counts: Counts, now: datetime) -> _Spent:
        today = site.local_day(now)
        known = self._spent.get(site.site_id)
        events = known.events if known is not None and known.day == today else 0
        if known is None or known.day != today or now - known.read_at >= READ_EVERY:
            with suppress(LiveInsightError):
                events = max(events, counts.by_day(site.site_id, today, today).get(today, 0))
            known = self._spent[site.site_id] = _Spent(today, events, now)
        return known
