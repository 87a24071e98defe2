"""What a site uses of AWS, as it was metered, and between what was metered.

units.json has, for each metered month, what 1,000 events use, by consumer, and what a look at the
numbers and a seal read and write. `python -m benchmarks.cost --write` makes it of the figures in
benchmarks/results.json.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

UNITS = Path(__file__).parent / "units.json"

CONSUMERS = ("stats", "realtime", "archive")
USED = ("write_units", "read_units", "requests", "batches")
PER_EVENTS = tuple(f"{consumer}: {unit}" for consumer in CONSUMERS for unit in USED)
"""Of 1,000 events."""
OF_SITE = (
    *("live view: read_units", "today: read_units"),
    *("sealing a day: write_units", "sealing a day: read_units"),
    *("sealing a month: write_units", "sealing a month: read_units"),
)
"""Of one look, or one seal."""
NAMES = (*PER_EVENTS, *OF_SITE)


@dataclass(frozen=True, slots=True)
class Metered:
    """The months that were metered.

    Attributes:
        record_bytes: of a record on the stream.
        months: units by name (NAMES), of each number of pages by views in the month, in order.
    """

    record_bytes: float
    months: Mapping[int, Sequence[tuple[float, Mapping[str, float]]]]

    def used(self, views: float, pages: float) -> dict[str, float]:
        """Return what a site uses, by name.

        Between two metered months, and between two numbers of pages, along the logarithm; beyond
        the first and the last as those.
        """
        sizes = sorted(self.months)
        below, above, share = _between([float(size) for size in sizes], pages)
        low, high = (self._of(sizes[at], views) for at in (below, above))
        return {name: low[name] + share * (high[name] - low[name]) for name in NAMES}

    def _of(self, size: int, views: float) -> dict[str, float]:
        months = self.months[size]
        below, above, share = _between([month for month, _ in months], views)
        low, high = months[below][1], months[above][1]
        return {name: low[name] + share * (high[name] - low[name]) for name in NAMES}


@cache
def metered() -> Metered:
    """Return what was metered."""
    kept = json.loads(UNITS.read_text())
    months: dict[int, list[tuple[float, Mapping[str, float]]]] = {}
    for month in kept["months"]:
        months.setdefault(month["pages"], []).append((month["views"], month["units"]))
    for one in months.values():
        one.sort(key=lambda month: month[0])
    return Metered(kept["record_bytes"], months)


def _between(points: Sequence[float], value: float) -> tuple[int, int, float]:
    """Return the places of the points around a value, and its share of the way between them."""
    above = bisect_right(points, value)
    if above == 0:
        return 0, 0, 0.0
    if above == len(points):
        return above - 1, above - 1, 0.0
    low, high = points[above - 1], points[above]
    return above - 1, above, math.log(value / low) / math.log(high / low)
