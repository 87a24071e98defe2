"""When a mapping works and when it rests, so that writing takes a bounded share of its time."""

from collections.abc import Callable
from datetime import timedelta

REST = 4
"""Times as long as it worked: a fifth of the time is work."""


class Pace:
    """Says how long one mapping has to rest after it worked.

    Of any stretch of time without a backlog at most a fifth is work, and four fifths of the last
    piece of work, as long as no rest would be longer than `longest`.

    Args:
        longest: no rest is longer, however slow the disk is: what was counted must be seen.
        clock: gives seconds that only grow.
    """

    def __init__(self, longest: timedelta, clock: Callable[[], float]) -> None:
        self._longest = longest.total_seconds()
        self._clock = clock
        self._rested_at = clock()

    def rest(self, worked: float) -> None:
        """Begin to rest from so many seconds of work, which ended now."""
        self._rested_at = self._clock() + min(REST * worked, self._longest)

    def left(self) -> float:
        """Return how many seconds of the rest are left."""
        return max(0.0, self._rested_at - self._clock())
