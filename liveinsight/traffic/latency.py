"""Latencies, to two percent, in a memory that does not grow with their number."""

import math
from collections import Counter
from collections.abc import Iterable

GROWTH = 1.02
"""Each bucket reaches this much further than the one before."""
SHORTEST_SECONDS = 1e-6


class LatencyHistogram:
    """Counts latencies in buckets of equal relative width."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count one latency."""
        bucket = math.ceil(math.log(max(seconds, SHORTEST_SECONDS)) / math.log(GROWTH))
        self._counts[bucket] += 1

    def percentile(self, percent: float) -> float:
        """Return the seconds that so many percent of the latencies do not exceed; 0 for none."""
        wanted = math.ceil(self._counts.total() * percent / 100)
        passed = 0
        for bucket in sorted(self._counts):
            passed += self._counts[bucket]
            if passed >= wanted:
                return float(GROWTH**bucket)
        return 0.0


def merged(histograms: Iterable[LatencyHistogram]) -> LatencyHistogram:
    """Return all of them in one."""
    total = LatencyHistogram()
    for histogram in histograms:
        total._counts.update(histogram._counts.copy())  # noqa: SLF001 - its own class
    return total
