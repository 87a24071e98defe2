"""The open days of a store, each as one rollup, by day and partition."""

from datetime import date

from aggregates.stores.layers import READS, open_days
from aggregates.stores.ports import RollupKey, RollupStore, StoredRollup


def whole_days(
    store: RollupStore, generation: int, site_id: str, first: date, last: date
) -> list[tuple[RollupKey, StoredRollup]]:
    for _ in range(READS):
        days = open_days(store.items(generation, site_id, first, last))
        if all(day.fits() for day in days.values()):
            return [
                (RollupKey(generation, site_id, *place), StoredRollup(day.rollup(), day.progress))
                for place, day in days.items()
            ]
    raise AssertionError("the items do not fit together")
