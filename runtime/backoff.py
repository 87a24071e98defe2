"""Waiting longer after each failure, by a random part, so that many clients do not come at once.

https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

MOST_DOUBLINGS = 64
"""More would be no number in the end, for who never gives up."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: between nothing and a bound that doubles. Durations are seconds."""

    first: float = 0.05
    longest: float = 1.0
    chance: Callable[[], float] = random.random
    """Gives a number from 0 to 1."""
    sleep: Callable[[float], bool | None] = time.sleep
    """`wait` of an event, where something may end the waiting; it says then that it did."""

    def bound(self, failures: int) -> float:
        """Return the longest wait after so many failures in a row (1 is the first)."""
        return min(self.longest, self.first * 2.0 ** min(failures - 1, MOST_DOUBLINGS))

    def wait(self, failures: int, *, at_least: float = 0.0) -> bool:
        """Wait after so many failures in a row; say whether something ended it before its time.

        Args:
            failures: 1 is the first.
            at_least: what the other side asked for; never longer than `longest`.
        """
        pause = max(self.chance() * self.bound(failures), at_least)
        return bool(self.sleep(min(pause, self.longest)))
