"""Seals what is closed: open days become one day, days a week and a month; then drops the items.

It deletes the days that their site keeps no longer. As it reads all open items anyway, it also lets
sites grow that need more partitions.

Every step may be the last one, and others may be sealing or writing at the same time. A day is
sealed in three conditional writes for each partition and one more:

1. RECENT begins an epoch, so that what it held is final;
2. that is merged into BASE, which is frozen: no writer changes it any more;
3. the seal is written with what it lacks of all frozen bases, and says which epochs it holds.

Whatever has been done twice or in part, readers count each epoch once (aggregates/stores/layers.py,
aggregates/seal.py). What comes later for the day lies in RECENT, and is joined by the next run. The
items are dropped, if they are still as they were read, when the seals have held all of them for a
while.
"""

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from aggregates.ledger import ARCHIVE_GENERATION
from aggregates.progress import Progress
from aggregates.rollup import EMPTY, Dimension, Rollup
from aggregates.seal import FIRST_DAY, LAST_DAY, LONGER, Period, Place, Seal, joined, whole_of
from aggregates.stores.layers import OpenDay
from aggregates.stores.ports import (
    RollupKey,
    RollupStore,
    SealKey,
    SealStore,
    StoredRollup,
    StoredSeal,
    Versioned,
)
from processors.commit import repeat
from processors.growth import PartitionLoad, grow
from processors.rollups import base_of, handing_over, with_handed
from processors.seal.retention import drop_days
from runtime.errors import ConflictError, PermanentError, RetryableError
from runtime.sites.generations import KEPT_FOR
from runtime.sites.site import Site, SiteStore

LOGGER = logging.getLogger(__name__)

CLOSED_AFTER = timedelta(hours=48)
"""How long after its end a day is closed. Events may come 24 h late, and the stream's consumers may
lag; whatever comes after that is joined later."""

GRACE = timedelta(hours=24)
"""How long items stay beside the seal that holds them. Readers may have read seals that are a
moment old, and an invocation that began before lives for minutes at most."""

ENOUGH_TIME_SECONDS = 30.0
"""No site is begun with less time left: its items must be read, merged and written."""


@dataclass(slots=True)
class SealOutcome:
    """What a run came to."""

    days_sealed: int = 0
    periods_sealed: int = 0
    """Weeks and months."""
    items_dropped: int = 0
    generations_deleted: int = 0
    """That counted before a rebuild."""
    partitions_grown: int = 0
    """Sites that get more partitions from their next day on."""
    failures: list[RetryableError | PermanentError] = field(default_factory=list)
    """Why sites are not done. Trying again does not help where it is a PermanentError."""


@dataclass(frozen=True, slots=True)
class _Closed:
    """What is final of a day of a partition, and not in its seal."""

    rollup: Rollup
    epoch: int
    progress: Progress


class SealProcessor:
    """Seals the closed days, weeks and months of all sites.

    Args:
        sites: knows the sites.
        rollups: holds the open items. It must remember nothing.
        seals: holds the seals.
        remaining: how many seconds are left.
    """

    def __init__(
        self,
        sites: SiteStore,
        rollups: RollupStore,
        seals: SealStore,
        remaining: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._sites, self._rollups, self._seals = sites, rollups, seals
        self._remaining = remaining

    def run(self, *, now: datetime) -> SealOutcome:
        """Seal what is closed, and drop what has been sealed for long enough.

        It ends early where time is short; the next run begins with another site.
        """
        outcome = SealOutcome()
        for site in rotated(list(self._sites.list()), now):
            for generation in (site.generation, ARCHIVE_GENERATION):
                if self._remaining() < ENOUGH_TIME_SECONDS:
                    return outcome
                try:
                    self._drop_old(site, generation, now)
                    self._run(site, generation, now, outcome)
                except (RetryableError, PermanentError) as error:
                    LOGGER.warning("%s, generation %d: %s", site.site_id, generation, error)
                    outcome.failures.append(error)
        return outcome

    def _drop_old(self, site: Site, generation: int, now: datetime) -> None:
        """Delete the rollups of days that are kept no longer."""
        first = site.counted_from(now)
        if first > FIRST_DAY:
            drop_days(self._rollups, self._seals, generation, site.site_id, before=first)

    def _delete_kept(self, site: Site, now: datetime, outcome: SealOutcome) -> None:
        """Delete the generation that counted before a rebuild, once it has been kept for long."""
        kept = site.kept
        if kept is None or now.timestamp() - kept.replaced_at < KEPT_FOR.total_seconds():
            return

        def without(known: Site) -> Site:
            return replace(known, kept=None) if known.kept == kept else known

        changed = self._sites.update(site.site_id, without)
        if changed is not None and changed.kept is None:
            delete_generation(self._rollups, self._seals, kept.generation, site.site_id)
            outcome.generations_deleted += 1

    def _run(self, site: Site, generation: int, now: datetime, outcome: SealOutcome) -> None:
        if generation != ARCHIVE_GENERATION:
            self._delete_kept(site, now, outcome)
        closed = closed_day(site, now)
        items = {
            key: versioned.value
            for key, versioned in self._rollups.items(
                generation, site.site_id, FIRST_DAY, LAST_DAY
            ).items()
        }
        if generation != ARCHIVE_GENERATION:
            loads = loads_of(items, since=site.local_day(now) - timedelta(days=1))
            grew = [grow(self._sites, site.site_id, load, now=now) for load in loads]
            outcome.partitions_grown += any(grew)
        days: dict[date, set[int]] = {}
        for key, stored in items.items():
            # A frozen base of a day that is open was sealed by a clock that went wrong.
            if key.day <= closed or stored.frozen:
                days.setdefault(key.day, set()).add(key.partition)
        seals: dict[date, StoredSeal] = {}
        for day, partitions in sorted(days.items()):
            of_day = SealKey(generation, site.site_id, Period.DAY, day)
            seals[day] = self._seal_day(of_day, partitions, now, outcome)
        longer = self._seal_longer(site, generation, seals, now, outcome)
        for day, partitions in sorted(days.items()):
            holding = [seals[day], *longer.get(day, ())]
            for partition in partitions:
                key = RollupKey(generation, site.site_id, day, partition)
                outcome.items_dropped += self._drop(key, holding, now)

    def _seal_day(
        self, key: SealKey, partitions: Iterable[int], now: datetime, outcome: SealOutcome
    ) -> StoredSeal:
        """Bring a day's seal up to date; return it."""
        stored: list[StoredSeal] = []

        def attempt(pending: Mapping[SealKey, Iterable[int]]) -> set[SealKey]:
            versioned = self._seals.load([key])[key]
            sealed = versioned.value.seal
            parts: dict[Place, tuple[Rollup, int, Progress]] = {}
            for partition in pending[key]:
                place = key.first, partition
                closed = self._close(_rollup_key(key, partition), sealed.epoch(place))
                if closed is None:
                    return {key}
                if closed.epoch > sealed.epoch(place):
                    parts[place] = closed.rollup, closed.epoch, closed.progress
            if not parts:
                stored.append(versioned.value)
                return set()
            change = StoredSeal(joined(sealed, parts), int(now.timestamp()))
            if self._seals.save({key: Versioned(change, versioned.version)}):
                return {key}
            stored.append(change)
            outcome.days_sealed += 1
            return set()

        repeat({key: sorted(partitions)}, attempt)
        return stored[-1]

    def _close(self, key: RollupKey, sealed: int) -> _Closed | None:
        """Make what a day of a partition holds final; None where another writer was first.

        Args:
            key: of RECENT.
            sealed: all epochs before this one are in the seal.
        """
        loaded = self._rollups.load([key, base_of(key)])
        recent, base = loaded[key], loaded[base_of(key)]
        if not base.version:
            base = Versioned(StoredRollup(epoch=sealed), 0)
        try:
            if recent.value.rollup.rows:
                base = self._written(base_of(key), base, with_handed(base.value, recent.value))
                if _is_in(recent.value, base.value, sealed):
                    recent = self._written(key, recent, handing_over(recent.value))
            if not base.value.frozen:
                settled = with_handed(base.value, recent.value)
                closed = replace(settled, frozen=True, epoch=recent.value.epoch)
                base = self._written(base_of(key), base, closed)
        except ConflictError:
            return None
        final = OpenDay(replace(recent.value, rollup=EMPTY), base.value)
        return _Closed(final.rollup(sealed), recent.value.epoch, recent.value.progress)

    def _written(
        self, key: RollupKey, known: Versioned[StoredRollup], change: StoredRollup
    ) -> Versioned[StoredRollup]:
        """Write an item, if there is a change.

        Raises:
            ConflictError: another writer was first.
        """
        if change is known.value:
            return known
        if self._rollups.save({key: Versioned(change, known.version)}):
            raise ConflictError(f"{key} was changed by another")
        return Versioned(change, known.version + 1)

    def _seal_longer(
        self,
        site: Site,
        generation: int,
        days: Mapping[date, StoredSeal],
        now: datetime,
        outcome: SealOutcome,
    ) -> dict[date, list[StoredSeal]]:
        """Bring the seals of weeks and months up to date; return them by the days in them."""
        closed = closed_day(site, now)
        longer: dict[date, list[StoredSeal]] = {}
        for period in LONGER:
            within: dict[date, list[date]] = {}
            for day in sorted(days):
                within.setdefault(period.first_day(day), []).append(day)
            # One that is not over was sealed by a clock that went wrong, and is read as any other.
            since = min(within, default=closed)
            standing = self._seals.versions(generation, site.site_id, period, since, LAST_DAY)
            for first, of_period in within.items():
                key = SealKey(generation, site.site_id, period, first)
                if period.last_day(first) <= closed or key in standing:
                    parts = [days[day].seal for day in of_period]
                    sealed = self._seal_period(key, parts, now, outcome)
                    for day in of_period:
                        longer.setdefault(day, []).append(sealed)
        return longer

    def _seal_period(
        self, key: SealKey, days: Iterable[Seal], now: datetime, outcome: SealOutcome
    ) -> StoredSeal:
        """Bring the seal of a week or month up to date with these days; return it."""
        stored: list[StoredSeal] = []

        def attempt(_: object) -> set[SealKey]:
            # Its version first: the days are not older than what stands under it.
            versioned = self._seals.load([key])[key]
            if all(holds(versioned.value.seal, day) for day in days):
                stored.append(versioned.value)
                return set()
            last = key.period.last_day(key.first)
            whole = self._seals.seals(key.generation, key.site_id, Period.DAY, key.first, last)
            change = StoredSeal(whole_of(one.seal for one in whole.values()), int(now.timestamp()))
            if self._seals.save({key: Versioned(change, versioned.version)}):
                return {key}
            stored.append(change)
            outcome.periods_sealed += 1
            return set()

        repeat({key: None}, attempt)
        return stored[-1]

    def _drop(self, key: RollupKey, seals: Iterable[StoredSeal], now: datetime) -> int:
        """Delete a day of a partition, if its seals hold all of it and have done so for a while."""
        loaded = self._rollups.load([key, base_of(key)])
        open_day = OpenDay(loaded[key].value, loaded[base_of(key)].value)
        place = key.day, key.partition
        for sealed in seals:
            lacks = place not in sealed.seal.parts or is_open(open_day, sealed.seal.epoch(place))
            if lacks or now.timestamp() - sealed.sealed_at < GRACE.total_seconds():
                return 0
        # Not the base first: a RECENT that hands over what is sealed would make it anew.
        dropped = 0
        for at in (key, base_of(key)):
            version = loaded[at].version
            if version and self._rollups.drop({at: version}):
                break
            dropped += bool(version)
        return dropped


def delete_generation(
    rollups: RollupStore, seals: SealStore, generation: int, site_id: str
) -> None:
    """Delete the rollups of a generation that does not count. Its visitor states expire.

    Raises:
        RetryableError: some may be gone and some not; deleting again is safe.
    """
    items = rollups.items(generation, site_id, FIRST_DAY, LAST_DAY)
    rollups.drop({key: stored.version for key, stored in items.items()})
    for period in Period:
        seals.delete(seals.versions(generation, site_id, period, FIRST_DAY, LAST_DAY))


def rotated(sites: list[Site], now: datetime) -> list[Site]:
    """Return the sites, beginning with another one in each hour: none waits for ever."""
    first = int(now.timestamp() // 3600) % max(1, len(sites))
    return sites[first:] + sites[:first]


def loads_of(items: Mapping[RollupKey, StoredRollup], since: date) -> list[PartitionLoad]:
    """Return what the partitions of a site carried, by day, from a day on."""
    days: dict[date, list[StoredRollup]] = {}
    for key, stored in items.items():
        if key.day >= since:
            days.setdefault(key.day, []).append(stored)
    return [
        PartitionLoad(
            day=day,
            busiest_hour_records=_busiest_hour(of_day),
            largest_item_bytes=max(len(stored.body) for stored in of_day),
        )
        for day, of_day in days.items()
    ]


def _busiest_hour(items: Iterable[StoredRollup]) -> int:
    """Return the views and events of the busiest hour: as many records, if each came alone."""
    hours: dict[str, int] = {}
    for stored in items:
        for rollup in (stored.rollup, stored.handed):
            for hour, row in rollup.table(Dimension.HOUR):
                hours[hour] = hours.get(hour, 0) + row.pageviews + row.events
    return max(hours.values(), default=0)


def closed_day(site: Site, now: datetime) -> date:
    """Return the last day of a site that is closed."""
    today = (now - CLOSED_AFTER).astimezone(ZoneInfo(site.timezone)).date()
    return today - timedelta(days=1)


def holds(longer: Seal, day: Seal) -> bool:
    """Say whether the seal of a week or month holds all that the seal of a day of it does."""
    return all(longer.epoch(place) >= part.epoch for place, part in day.parts.items())


def is_open(day: OpenDay, sealed: int) -> bool:
    """Say whether a day of a partition has anything that its seal has not."""
    return bool(day.recent.rollup.rows) or max(day.recent.epoch, day.base.epoch) > sealed


def _is_in(recent: StoredRollup, base: StoredRollup, sealed: int) -> bool:
    """Say whether what RECENT handed over is in its base, or in the seal."""
    return not recent.handed.rows or max(base.epoch, sealed) >= recent.epoch


def _rollup_key(key: SealKey, partition: int) -> RollupKey:
    return RollupKey(key.generation, key.site_id, key.first, partition)
