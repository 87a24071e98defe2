"""Deletes the rollups of days that are over for long."""

from collections.abc import Mapping
from datetime import date, timedelta

from aggregates.seal import FIRST_DAY, LONGER, Period, whole_of
from aggregates.stores.ports import RollupStore, SealKey, SealStore, StoredSeal, Versioned
from processors.commit import repeat


def drop_days(
    rollups: RollupStore, seals: SealStore, generation: int, site_id: str, before: date
) -> int:
    """Delete the rollups of the days before one; return of how many days there were some.

    A week or month that has that day as well is sealed anew without those before it. It is not
    deleted: one that is sealed later would have a version again that readers know of it.

    Raises:
        RetryableError: some may be gone and some not; dropping again is safe.
    """
    if before <= FIRST_DAY:
        return 0
    last = before - timedelta(days=1)
    items = rollups.items(generation, site_id, FIRST_DAY, last)
    days = seals.versions(generation, site_id, Period.DAY, FIRST_DAY, last)
    if not items and not days:
        return 0
    for period in LONGER:
        for key in seals.versions(generation, site_id, period, FIRST_DAY, last):
            if period.last_day(key.first) < before:
                seals.delete([key])
            else:
                _reseal(seals, key, before)
    rollups.drop({key: stored.version for key, stored in items.items()})
    seals.delete(days)
    return len({key.day for key in items} | {key.first for key in days})


def _reseal(seals: SealStore, key: SealKey, before: date) -> None:
    """Let the seal of a week or month hold the days of it from one on."""

    def attempt(_: Mapping[SealKey, None]) -> set[SealKey]:
        versioned = seals.load([key])[key]
        last = key.period.last_day(key.first)
        kept = seals.seals(key.generation, key.site_id, Period.DAY, before, last)
        whole = whole_of(one.seal for one in kept.values())
        change = StoredSeal(whole, versioned.value.sealed_at)
        return seals.save({key: Versioned(change, versioned.version)})

    repeat({key: None}, attempt)
