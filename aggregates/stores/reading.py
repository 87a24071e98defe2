"""Reads what is counted of a range of days: what is sealed, and what is open beside it.

Open items are read first, then the seals of months and weeks that lie in the range, then those of
the days outside these. What an open day holds beyond the seal that is used for it is added. Since a
seal is written before the items that it holds are dropped, nothing is missed; an epoch that both
have is in once, because a seal says which it has.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from aggregates.listing import USUAL, Listing, Order, listed, rows_of
from aggregates.progress import Progress
from aggregates.rollup import ZERO, Counters, Dimension
from aggregates.seal import DAY, LONGER, NO_PART, Part, Period, Place, Seal
from aggregates.stores.cache import VersionCache
from aggregates.stores.layers import READS, OpenDay, open_days
from aggregates.stores.ports import (
    RollupKey,
    RollupStore,
    SealKey,
    SealStore,
    StoredRollup,
    Versioned,
)
from aggregates.table import Sum, Table, Tables, tables_in
from aggregates.window import LocalHour
from runtime.errors import RetryableError

PART_BYTES = 1500
"""Of memory, a part of a seal, about."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the seals of a range of days come to."""

    tables: Mapping[Dimension, Table | Sum] = field(default_factory=dict)
    parts: Mapping[Place, Part] = field(default_factory=dict)
    versions: Mapping[SealKey, int] = field(default_factory=dict)
    """Of the seals."""

    def epoch(self, place: Place) -> int:
        """Return the first epoch of a day of a partition that is not in."""
        return self.parts.get(place, NO_PART).epoch


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted of a range of days."""

    tables: Mapping[Dimension, Sequence[Table | Sum]]
    """To be added up. Without the ledger; without hours where longer seals than days are used."""
    parts: Mapping[Place, Part]
    """What it is of each day of a partition."""
    versions: object = None
    """Of all that was read: equal only where it is the same. None: what is counted is no whole."""

    def listing(
        self,
        dimension: Dimension,
        limit: int | None,
        offset: int = 0,
        search: str = "",
        order: Order = USUAL,
    ) -> Listing:
        """Rank the values of a dimension (`aggregates.listing`)."""
        return listed(self.tables.get(dimension, ()), limit, offset, search, order)

    def rows(self, dimension: Dimension, values: Collection[str]) -> dict[str, Counters]:
        """Return the counters of some values, ZERO where there are none."""
        return rows_of(self.tables.get(dimension, ()), values)

    def table(self, dimension: Dimension) -> dict[str, Counters]:
        """Return all values of a dimension with their counters."""
        return dict(listed(self.tables.get(dimension, ()), limit=None).rows)

    def total(self) -> Counters:
        """Return the counters of everything."""
        total = ZERO
        for part in self.parts.values():
            total = total.plus(part.total)
        return total

    def days(self) -> dict[date, Counters]:
        """Return the counters of each day that has any."""
        days: dict[date, Counters] = {}
        for (day, _), part in self.parts.items():
            days[day] = days.get(day, ZERO).plus(part.total)
        return days

    def progresses(self) -> Iterator[Progress]:
        """Return how far each part has come on the stream."""
        return (part.progress for part in self.parts.values())


class Reading:
    """Reads rollups, be they open or sealed.

    Args:
        rollups: what is open.
        seals: what is sealed.
        cache: remembers seals, and what ranges of them come to.
    """

    def __init__(
        self, rollups: RollupStore, seals: SealStore, cache: VersionCache | None = None
    ) -> None:
        self._rollups, self._seals = rollups, seals
        self._cache = cache or VersionCache(0)

    def days(self, generation: int, site_id: str, first: date, last: date) -> Counted:
        """Return what is counted of a range of days, both ends included.

        Raises:
            RetryableError: the stores did not answer, or change faster than they can be read.
        """
        for attempt in range(READS):
            items = self._rollups.items(generation, site_id, first, last)
            days = open_days(items)
            # A month may lack for a while what the seal of a day has: then its days are read.
            sealed = self._sealed(generation, site_id, first, last, () if attempt else LONGER)
            if all(day.fits(sealed.epoch(place)) for place, day in days.items()):
                return self._counted((generation, site_id, first, last), sealed, items, days)
        raise RetryableError("the rollups change faster than they can be read")

    def remembered(self, key: object, counted: Counted, make: Callable[[], str]) -> str:
        """Return a text that is made of what is counted, and kept until that changes.

        Args:
            key: of the text: with all that it is made of beside what is counted.
            counted: what `days` has given.
            make: makes the text.
        """
        return self._cache.get((Counted, key), counted.versions, make, len)

    def hours(
        self, generation: int, site_id: str, first: date, last: date
    ) -> dict[LocalHour, Counters]:
        """Return what is counted in each hour of a range of days that has any, both ends included.

        It reads the seals of days, because those of weeks and months have no hours.

        Raises:
            RetryableError: the stores did not answer, or change faster than they can be read.
        """
        for _ in range(READS):
            items = self._rollups.items(generation, site_id, first, last)
            days = open_days(items)
            seals = self._read(self._versions(generation, site_id, first, last, ()))
            sealed = {key.first: seal for key, (_, seal) in seals.items()}
            epochs = {
                place: sealed[place[0]].epoch(place) if place[0] in sealed else 0 for place in days
            }
            if all(day.fits(epochs[place]) for place, day in days.items()):
                return _hours(sealed, days, epochs)
        raise RetryableError("the rollups change faster than they can be read")

    def _sealed(
        self, generation: int, site_id: str, first: date, last: date, longer: Iterable[Period]
    ) -> Sealed:
        versions = self._versions(generation, site_id, first, last, longer)
        if not versions:
            return Sealed()
        of = generation, site_id, first, last
        known: Sealed | None = self._cache.known(of, versions)
        if known is not None:
            return known
        seals = self._read(versions)
        sealed = _added_up(seals)
        if versions == sealed.versions:
            self._cache.keep(of, versions, sealed, _size(sealed))
        return sealed

    def _counted(
        self,
        of: object,
        sealed: Sealed,
        items: Mapping[RollupKey, Versioned[StoredRollup]],
        days: Mapping[Place, OpenDay],
    ) -> Counted:
        """Add to what is sealed what open days hold beyond it.

        What is not of the newest day seldom changes, and is remembered added up.
        """
        every = sealed.versions, {key: one.version for key, one in items.items()}
        newest = max((day for day, _ in days), default=None)
        older = {place: day for place, day in days.items() if place[0] != newest}
        if older:
            of_older = {key: one.version for key, one in items.items() if key.day != newest}
            versions = sealed.versions, of_older
            known: Sealed | None = self._cache.known((of, newest), versions)
            if known is None:
                beyond = _beyond(sealed, older)
                known = Sealed(_sums(beyond.tables), beyond.parts)
                self._cache.keep((of, newest), versions, known, _size(known))
            sealed = known
        of_newest = {place: days[place] for place in days.keys() - older.keys()}
        return replace(_beyond(sealed, of_newest), versions=every)

    def _versions(
        self, generation: int, site_id: str, first: date, last: date, longer: Iterable[Period]
    ) -> dict[SealKey, int]:
        """Return the seals to be used: of whole longer periods, and of the days outside them."""
        used: dict[SealKey, int] = {}
        gaps = [(first, last)]
        for period in longer:
            stored = self._seals.versions(generation, site_id, period, first, last)
            whole = {
                key: version
                for key, version in stored.items()
                if any(
                    start <= key.first and period.last_day(key.first) <= end for start, end in gaps
                )
            }
            gaps = [part for gap in gaps for part in _without(gap, whole)]
            used |= whole
        for start, end in gaps:
            used |= self._seals.versions(generation, site_id, Period.DAY, start, end)
        return used

    def _read(self, versions: Mapping[SealKey, int]) -> dict[SealKey, tuple[int, Seal]]:
        """Return seals, at these versions or, where they have been changed since, at later ones."""
        found: dict[SealKey, tuple[int, Seal]] = {}
        unknown: list[SealKey] = []
        for key, version in versions.items():
            seal: Seal | None = self._cache.known(key, version)
            if seal is None:
                unknown.append(key)
            else:
                found[key] = version, seal
        for key, stored in self._seals.load(unknown).items() if unknown else ():
            seal = stored.value.seal
            self._cache.keep(key, stored.version, seal, _size(seal))
            found[key] = stored.version, seal
        return found


def _added_up(seals: Mapping[SealKey, tuple[int, Seal]]) -> Sealed:
    dimensions: dict[Dimension, list[Table | Sum]] = {}
    parts: dict[Place, Part] = {}
    for _, seal in seals.values():
        parts |= seal.parts
        for dimension, table in seal.tables.items():
            dimensions.setdefault(dimension, []).append(table)
    return Sealed(_sums(dimensions), parts, {key: version for key, (version, _) in seals.items()})


def _sums(dimensions: Mapping[Dimension, Sequence[Table | Sum]]) -> dict[Dimension, Table | Sum]:
    return {
        dimension: tables[0] if len(tables) == 1 else Sum(tables)
        for dimension, tables in dimensions.items()
    }


def _hours(
    sealed: Mapping[date, Seal], days: Mapping[Place, OpenDay], epochs: Mapping[Place, int]
) -> dict[LocalHour, Counters]:
    """Add up what days have by the hour."""
    parts: list[tuple[date, Tables]] = [(day, seal.tables) for day, seal in sealed.items()]
    for place, open_day in days.items():
        parts += [(place[0], tables_in(one)) for one in open_day.rollups(epochs[place])]
    hours: dict[LocalHour, Counters] = {}
    for day, tables in parts:
        table = tables.get(Dimension.HOUR)
        for value, row in zip(table.values(), table.rows(), strict=True) if table else ():
            hour = LocalHour(day, int(value))
            hours[hour] = hours.get(hour, ZERO).plus(row)
    return hours


def _beyond(sealed: Sealed, days: Mapping[Place, OpenDay]) -> Counted:
    """Add to what is sealed what open days hold beyond it."""
    tables: dict[Dimension, list[Table | Sum]] = {
        dimension: [table] for dimension, table in sealed.tables.items()
    }
    parts = dict(sealed.parts)
    for place, day in days.items():
        part = parts.get(place, NO_PART)
        beyond = [tables_in(rollup) for rollup in day.rollups(part.epoch)]
        parts[place] = _grown(part, beyond, day)
        for one in beyond:
            for dimension, table in one.items():
                if dimension is not Dimension.INTAKE:
                    tables.setdefault(dimension, []).append(table)
    return Counted(tables, dict(sorted(parts.items())))


def _grown(part: Part, beyond: Sequence[Tables], day: OpenDay) -> Part:
    total, intake = part.total, dict(part.intake)
    for tables in beyond:
        for row in tables[Dimension.TOTAL].rows() if Dimension.TOTAL in tables else ():
            total = total.plus(row)
        ledger = tables.get(Dimension.INTAKE)
        for stage, row in zip(ledger.values(), ledger.rows(), strict=True) if ledger else ():
            intake[stage] = intake.get(stage, 0) + row.events
    newest = max(part.progress, day.progress, key=lambda progress: progress.arrived_at)
    return Part(max(part.epoch, day.recent.epoch), newest, total, intake)


def _without(gap: tuple[date, date], seals: Iterable[SealKey]) -> Iterator[tuple[date, date]]:
    """Yield what is left of a range of days without the seals that lie in it, in order."""
    first, last = gap
    for key in sorted(seals):
        if first <= key.first <= last:
            if first < key.first:
                yield first, key.first - DAY
            first = key.period.last_day(key.first) + DAY
    if first <= last:
        yield first, last


def _size(counted: Seal | Sealed) -> int:
    return sum(table.size for table in counted.tables.values()) + PART_BYTES * len(counted.parts)
