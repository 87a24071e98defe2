"""Waiting longer after each failure, by a random part, so that many clients do not come at once.

https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: between nothing and a bound that doubles. Durations are seconds."""

    first: float = 0.05
    longest: float = 1.0
    chance: Callable[[], float] = random.random
    """Gives a number from 0 to 1."""
    sleep: Callable[[float], None] = time.sleep

    def wait(self, failures: int) -> None:
        """Wait after so many failures in a row (1 is the first)."""
        bound = min(self.longest, self.first * 2 ** (failures - 1))
        self.sleep(self.chance() * bound)
