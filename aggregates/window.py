"""Tumbling windows: fixed, not overlapping, half-open `[start, end)`.

Times are epoch milliseconds.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS

VISIT_GAP_MS = 30 * MINUTE_MS
"""Events of one visitor that lie further apart than this are different visits."""

OFFSET_STEP_MS = 15 * MINUTE_MS
"""UTC offsets in use since 1972 are multiples of 15 minutes, so all instants of such a step fall
into the same local hour. https://data.iana.org/time-zones/tz-link.html"""


class LocalHour(NamedTuple):
    """The site-local day of an instant and the hours passed since that day began (0 to 24)."""

    day: date
    hour: int


def tumbling(moment: int, width: int) -> int:
    """Return the start of the window of this width that holds the moment."""
    return moment - moment % width


def local_hour(moment: int, timezone: str) -> LocalHour:
    """Return the site-local day and hour of an instant."""
    return _local_hour(moment // OFFSET_STEP_MS, timezone)


@lru_cache(maxsize=8192)
def _local_hour(step: int, timezone: str) -> LocalHour:
    moment = step * OFFSET_STEP_MS
    instant = datetime.fromtimestamp(moment / SECOND_MS, UTC)
    day = instant.astimezone(ZoneInfo(timezone)).date()
    return LocalHour(day, (moment - day_start(day, timezone)) // HOUR_MS)


@lru_cache(maxsize=1024)
def day_start(day: date, timezone: str) -> int:
    """Return the instant at which a site-local day begins."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone))
    return int(midnight.timestamp()) * SECOND_MS


def hour_start(local: LocalHour, timezone: str) -> datetime:
    """Return the instant at which a local hour begins, in the site's time zone."""
    start = day_start(local.day, timezone) + local.hour * HOUR_MS
    return datetime.fromtimestamp(start / SECOND_MS, ZoneInfo(timezone))


def hours_in(day: date, timezone: str) -> int:
    """Return how many hours a site-local day has: 23, 24 or 25."""
    length = day_start(day + timedelta(days=1), timezone) - day_start(day, timezone)
    return -(-length // HOUR_MS)
