"""The two items of an open day of a partition, and how they make one rollup.

What is counted goes into a small item, RECENT, so that a write costs what the batch has, and not
what the day has. When that has grown, its rows are handed to the large item, BASE. Each handing
over begins an epoch:

1. RECENT is written with its rows as `handed`, no rows, and the next epoch;
2. BASE is written with those rows merged in, and the epoch that RECENT has now: all epochs before
   it are in;
3. the next write of RECENT drops `handed`.

Every write is conditional on the version that it is based on. Whoever reads both items, in any
order and at whatever step, leaves out of RECENT what is of an epoch that BASE has.
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from aggregates.progress import Progress
from aggregates.rollup import Rollup, admitted, merge
from aggregates.stores.ports import Layer, RollupKey, StoredRollup, Versioned

READS = 5
"""How often both items are read until they fit together. A second time is seldom needed."""


class OpenDay(NamedTuple):
    """Both items of a day of a partition."""

    recent: StoredRollup = StoredRollup()
    base: StoredRollup = StoredRollup()

    def fits(self, sealed: int = 0) -> bool:
        """Say whether nothing is missing between the two.

        They may have been read while an epoch went from one to the other.

        Args:
            sealed: all epochs before this one are in the seal of the day.
        """
        oldest = self.recent.epoch - bool(self.recent.handed.rows)
        return oldest <= max(self.base.epoch, sealed)

    def rollups(self, sealed: int = 0) -> list[Rollup]:
        """Return what, added up, both count that the seal of the day has not.

        Args:
            sealed: all epochs before this one are in the seal of the day.
        """
        base = self.base if self.base.epoch > sealed else StoredRollup()
        known = max(base.epoch, sealed)
        added = [base.rollup]
        if self.recent.epoch > known:
            added.append(admitted(base.rollup, self.recent.handed, base.crowded_out))
        if self.recent.epoch >= known:
            added.append(admitted(base.rollup, self.recent.rollup, base.crowded_out))
        return [one for one in added if one.rows]

    def rollup(self, sealed: int = 0) -> Rollup:
        """Return what both count that the seal of the day has not.

        Args:
            sealed: all epochs before this one are in the seal of the day.
        """
        return merge(self.rollups(sealed))

    @property
    def progress(self) -> Progress:
        """How far the day has come on the stream."""
        return self.recent.progress


def open_days(
    items: Mapping[RollupKey, Versioned[StoredRollup]],
) -> dict[tuple[date, int], OpenDay]:
    """Return items by day and partition, in that order."""
    days: dict[tuple[date, int], OpenDay] = {}
    for key, versioned in items.items():
        place, stored = (key.day, key.partition), versioned.value
        known = days.get(place, OpenDay())
        is_base = key.layer is Layer.BASE
        days[place] = known._replace(base=stored) if is_base else known._replace(recent=stored)
    return dict(sorted(days.items()))
