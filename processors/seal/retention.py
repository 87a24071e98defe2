"""Deletes the rollups of days that are over for long."""

from datetime import date, timedelta

from aggregates.seal import LONGER, Period
from aggregates.stores.ports import RollupStore, SealStore

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9999, 12, 31)


def drop_days(
    rollups: RollupStore, seals: SealStore, generation: int, site_id: str, before: date
) -> int:
    """Delete the rollups of the days before one; return of how many days there were some.

    Weeks and months go that have such a day: readers take the days that are left of them. Longer
    seals go first, so that no reader adds up what is gone and what is not.

    Raises:
        RetryableError: some may be gone and some not; dropping again is safe.
    """
    if before <= FIRST_DAY:
        return 0
    last = before - timedelta(days=1)
    for period in LONGER:
        seals.delete(seals.versions(generation, site_id, period, FIRST_DAY, last))
    items = rollups.items(generation, site_id, FIRST_DAY, last)
    days = seals.versions(generation, site_id, Period.DAY, FIRST_DAY, last)
    rollups.drop({key: stored.version for key, stored in items.items()})
    seals.delete(days)
    return len({key.day for key in items} | {key.first for key in days})
