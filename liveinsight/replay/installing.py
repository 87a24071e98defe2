"""Writes a generation: what was folded, what is taken over, and the longer seals of both."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from itertools import islice

from aggregates.progress import Progress, moved
from aggregates.rollup import Rollup, merge
from aggregates.seal import (
    FIRST_DAY,
    LAST_DAY,
    LONGER,
    UNSEALED,
    Part,
    Period,
    Place,
    Seal,
    joined,
    whole_of,
)
from aggregates.stores.layers import READS, open_days
from aggregates.stores.ports import SealKey, StoredSeal, Versioned
from liveinsight.replay.plan import Span
from liveinsight.replay.share import ShareFile
from processors.seal.processor import closed_day, is_open
from processors.stats.processor import StatsStores
from runtime.errors import RetryableError
from runtime.patience import patiently
from runtime.sites.site import Site

STATES_AT_ONCE = 500

NEXT_EPOCH = 1
"""Of a day: the seal that a rebuild writes has the first one, 0, and nothing else."""

Parts = Mapping[Place, Part]


class Installer:
    """Writes a generation of a site that nobody reads yet. What stands already is left.

    Args:
        stats: the stores.
        site: as it will be.
        clock: what the time is.
        report: takes the number of days that have been written.
    """

    def __init__(
        self,
        stats: StatsStores,
        site: Site,
        clock: Callable[[], datetime],
        report: Callable[[int], object],
    ) -> None:
        self._stats, self._site, self._clock, self._report = stats, site, clock, report
        self._parts: dict[date, Parts] = {}
        """What the days that have been written hold."""
        self._taken: set[date] = set()

    def folded(self, files: Sequence[ShareFile]) -> None:
        """Write the days that were folded."""
        first = self._site.counted_from(self._clock())
        for day in sorted({day for one in files for day in one.days(self._site.site_id)}):
            if day < first:
                continue  # it is not kept so long
            self._write(day, self._folded_day(day, files))

    def taken_over(self, generation: int, span: Span) -> None:
        """Write days as another generation has them, each with all that is counted by now.

        Args:
            generation: which.
            span: the days that are not taken over.

        Raises:
            RetryableError: the rollups change faster than they can be read.
        """
        for day in self._days_of(generation):
            if span.has(day):
                continue
            self._write(day, self._whole_day(self._key(Period.DAY, day, generation)))
            self._taken.add(day)

    def longer(self, generation: int) -> None:
        """Write the seals of closed weeks and months; as a generation has them, where that holds.

        Args:
            generation: of which days were taken over.
        """
        closed = closed_day(self._site, self._clock())
        for period in LONGER:
            within: dict[date, list[date]] = {}
            for day in sorted(self._parts):
                within.setdefault(period.first_day(day), []).append(day)
            for first, days in within.items():
                if period.last_day(first) <= closed:
                    self._write_longer(period, first, days, generation)

    def states(self, file: ShareFile) -> None:
        """Write the states of visitors of whom more may come."""
        states = iter(file.states(self._site))
        while some := dict(islice(states, STATES_AT_ONCE)):
            changes = {key: Versioned(state, 0) for key, state in some.items()}
            patiently(partial(self._stats.visitors.save, changes))

    def _write(self, day: date, seal: Seal) -> None:
        self._parts[day] = self._save(self._key(Period.DAY, day), seal).parts
        self._report(len(self._parts))

    def _folded_day(self, day: date, files: Iterable[ShareFile]) -> Seal:
        found: dict[int, list[tuple[Rollup, Progress]]] = {}
        for file in files:
            for partition, rollup, progress in file.pieces(self._site.site_id, day):
                found.setdefault(partition, []).append((rollup, progress))
        parts: dict[Place, tuple[Rollup, int, Progress]] = {
            (day, partition): (
                merge(rollup for rollup, _ in pieces),
                NEXT_EPOCH,
                _of_all([progress for _, progress in pieces]),
            )
            for partition, pieces in sorted(found.items())
        }
        return joined(UNSEALED, parts)

    def _days_of(self, generation: int) -> Iterator[date]:
        """Yield the days that a generation has, in order."""
        site_id, stats = self._site.site_id, self._stats
        items = stats.rollups.items(generation, site_id, FIRST_DAY, LAST_DAY)
        seals = stats.seals.versions(generation, site_id, Period.DAY, FIRST_DAY, LAST_DAY)
        yield from sorted({key.day for key in items} | {key.first for key in seals})

    def _whole_day(self, key: SealKey) -> Seal:
        """Return a day's seal as it would be if it were sealed now. Nothing is changed."""
        for _ in range(READS):
            # Items first: a seal is written before the items that it holds are dropped.
            items = self._stats.rollups.items(key.generation, key.site_id, key.first, key.first)
            days = open_days(items)
            sealed = self._stats.seals.load([key])[key].value.seal
            if all(day.fits(sealed.epoch(place)) for place, day in days.items()):
                return joined(
                    sealed,
                    {
                        place: (
                            day.rollup(sealed.epoch(place)),
                            max(day.recent.epoch, day.base.epoch) + 1,
                            day.progress,
                        )
                        for place, day in days.items()
                        if is_open(day, sealed.epoch(place))
                    },
                )
        raise RetryableError("the rollups change faster than they can be read")

    def _write_longer(
        self, period: Period, first: date, days: Sequence[date], generation: int
    ) -> None:
        parts = {place: part for day in days for place, part in self._parts[day].items()}
        seal = UNSEALED
        if self._taken.issuperset(days):
            standing = self._key(period, first, generation)
            seal = self._stats.seals.load([standing])[standing].value.seal
        if seal.parts != parts:
            keys = [self._key(Period.DAY, day) for day in days]
            loaded = self._stats.seals.load(keys)
            seal = whole_of(loaded[key].value.seal for key in keys)
        self._save(self._key(period, first), seal)

    def _key(self, period: Period, first: date, generation: int | None = None) -> SealKey:
        number = self._site.generation if generation is None else generation
        return SealKey(number, self._site.site_id, period, first)

    def _save(self, key: SealKey, seal: Seal) -> Seal:
        """Write a seal, unless an earlier run did; return the one that stands."""
        change = {key: Versioned(StoredSeal(seal, int(self._clock().timestamp())), 0)}
        if patiently(lambda: self._stats.seals.save(change)):
            return self._stats.seals.load([key])[key].value.seal
        return seal


def _of_all(progresses: Sequence[Progress]) -> Progress:
    newest = max(progresses, key=lambda one: one.arrived_at)
    positions = [position for one in progresses for position in one.positions()]
    return Progress(moved({}, positions), newest.arrived_at, newest.processed_at)
