"""A circuit breaker: what has just failed is left alone for a while, then one caller tries again.

https://learn.microsoft.com/en-us/azure/architecture/patterns/circuit-breaker
"""

import threading
import time
from collections.abc import Callable

from runtime.backoff import Backoff

PAUSES = Backoff(first=5.0, longest=30.0)


class Breaker:
    """Says who may try. Safe to share between threads.

    The pause doubles with each try that fails, up to that of PAUSES.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        """In a row; 0: what is guarded works."""
        self._is_trying = False
        self._next_try_at = 0.0

    def admits(self) -> bool:
        """Say whether the caller may try; it tells then how that went."""
        with self._lock:
            if not self._failures:
                return True
            if self._clock() < self._next_try_at:
                return False
            self._is_trying = True
            # Should this caller never come back, another one may try after a while.
            self._next_try_at = self._clock() + PAUSES.longest
            return True

    def succeeded(self) -> None:
        """Admit everybody."""
        with self._lock:
            self._failures, self._is_trying = 0, False

    def failed(self) -> None:
        """Admit nobody for a while."""
        with self._lock:
            if self._failures and not self._is_trying:
                return  # this caller was admitted before the pause, and says nothing new
            self._failures += 1
            self._next_try_at = self._clock() + PAUSES.bound(self._failures)
            self._is_trying = False
