"""Until when an invocation may run."""

import math
import time
from collections.abc import Callable

ENOUGH_TIME_SECONDS = 10.0
"""No write is begun with less time left: Lambda might freeze it, and thaw it much later."""


class Deadline:
    """The end of the present invocation. A Lambda container has one invocation at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = math.inf

    def begin(self, seconds: float) -> None:
        """Start an invocation that may run for so long."""
        self._ends_at = self._clock() + seconds

    def remaining(self) -> float:
        """Return how many seconds are left; without end before the first invocation."""
        return self._ends_at - self._clock()

    def has_time_to_write(self) -> bool:
        """Say whether a write may still be begun."""
        return self.remaining() >= ENOUGH_TIME_SECONDS
