"""The port of the collector's own count: what was acknowledged, whatever becomes of it.

It is a witness: what it says was accepted must be in the archive, on its way there, or a dead
letter. It may lag, never lead: an event is counted after the stream, or else the spill, has
acknowledged it, and a crash forgets what was not yet written down. So that less was archived than
it says proves a loss; that more was proves nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Accepted:
    """Events of one site that arrived on one site-local day."""

    site_id: str
    day: date
    events: int


class AcceptedCounts(Protocol):
    """Counts accepted events by site and day of arrival. Safe to share between threads."""

    def add(self, accepted: Iterable[Accepted]) -> None:
        """Count what was just acknowledged. It never fails, and waits for no disk."""

    def flush(self) -> None:
        """Write down what was counted, which also happens by itself, every second."""

    def erase(self, site_id: str, before: date) -> int:
        """Forget the days of a site before one; return of how many there was a count."""

    def by_day(self, site_id: str, first: date, last: date) -> Mapping[date, int]:
        """Return what was written down of a range of days, both ends included.

        Raises:
            RetryableError: it cannot be read now.
            UsageError: what stands there is none of this version's.
        """
