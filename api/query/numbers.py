"""Where the numbers of a range of days come from: rollups, single events, or both added up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol, TypeVar

from aggregates.listing import USUAL, Listing, Order, listed, rows_of
from aggregates.progress import Progress
from aggregates.rollup import ZERO, Counters, Dimension
from aggregates.stores.reading import Reading
from aggregates.table import Sum, Table, table_of
from aggregates.window import LocalHour
from api.days import Range
from query.counted import CountedEvents
from runtime.sites.site import Site


class Numbers(Protocol):
    """What is counted of a range of days."""

    def total(self) -> Counters:
        """Return the counters of everything."""

    def days(self) -> dict[date, Counters]:
        """Return the counters of each day that has any."""

    def hours(self) -> dict[LocalHour, Counters]:
        """Return the counters of each hour that has any."""

    def listing(
        self,
        dimension: str,
        limit: int | None,
        offset: int = 0,
        search: str = "",
        order: Order = USUAL,
    ) -> Listing:
        """Rank the values of a dimension."""

    def listings(self, dimensions: Sequence[str], limit: int) -> Mapping[str, Listing]:
        """Rank the values of several dimensions at once, by visitors."""

    def rows_of(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Mapping[str, Mapping[str, Counters]]:
        """Return the counters of some values of some dimensions, ZERO where there are none."""

    def progresses(self) -> Iterable[Progress]:
        """Return how far what was read has come on the stream."""


class RollupNumbers:
    """Reads rollups, which hold whole days."""

    def __init__(self, reading: Reading, site: Site, days: Range) -> None:
        self._reading, self._site, self._days = reading, site, days
        self._counted = reading.days(site.generation, site.site_id, *days)

    def total(self) -> Counters:
        """Return the counters of everything."""
        return self._counted.total()

    def days(self) -> dict[date, Counters]:
        """Return the counters of each day that has any."""
        return {day: row for day, row in self._counted.days().items() if row != ZERO}

    def hours(self) -> dict[LocalHour, Counters]:
        """Return the counters of each hour that has any."""
        return self._reading.hours(self._site.generation, self._site.site_id, *self._days)

    def tables(self, dimension: str) -> Sequence[Table | Sum]:
        """Return what is to be added up of a dimension."""
        return self._counted.tables.get(Dimension(dimension), ())

    def listing(
        self,
        dimension: str,
        limit: int | None,
        offset: int = 0,
        search: str = "",
        order: Order = USUAL,
    ) -> Listing:
        """Rank the values of a dimension."""
        return listed(self.tables(dimension), limit, offset, search, order)

    def listings(self, dimensions: Sequence[str], limit: int) -> Mapping[str, Listing]:
        """Rank the values of several dimensions at once, by visitors."""
        return {dimension: self.listing(dimension, limit) for dimension in dimensions}

    def rows_of(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Mapping[str, Mapping[str, Counters]]:
        """Return the counters of some values of some dimensions, ZERO where there are none."""
        return {name: rows_of(self.tables(name), values) for name, values in wanted.items()}

    def progresses(self) -> Iterable[Progress]:
        """Return how far each part has come on the stream."""
        return self._counted.progresses()


class EventNumbers:
    """Asks the raw events."""

    def __init__(self, counted: CountedEvents) -> None:
        self.counted = counted

    def total(self) -> Counters:
        """Return the counters of everything."""
        return self.counted.total()

    def days(self) -> dict[date, Counters]:
        """Return the counters of each day that has any."""
        return self.counted.days()

    def hours(self) -> dict[LocalHour, Counters]:
        """Return the counters of each hour that has any."""
        return self.counted.hours()

    def listing(
        self,
        dimension: str,
        limit: int | None,
        offset: int = 0,
        search: str = "",
        order: Order = USUAL,
    ) -> Listing:
        """Rank the values of a dimension."""
        return self.counted.listing(
            dimension, limit, offset, search, order.sort, descending=order.descending
        )

    def listings(self, dimensions: Sequence[str], limit: int) -> Mapping[str, Listing]:
        """Rank the values of several dimensions at once, by visitors."""
        return self.counted.listings(dimensions, limit)

    def rows_of(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Mapping[str, Mapping[str, Counters]]:
        """Return the counters of some values of some dimensions, ZERO where there are none."""
        found = self.counted.rows_of(wanted)
        return {
            name: {value: found[name].get(value, ZERO) for value in values}
            for name, values in wanted.items()
        }

    def progresses(self) -> Iterable[Progress]:
        """Return how far what was read has come on the stream."""
        return self.counted.progresses()


class CutNumbers:
    """Adds whole days, from rollups, and a last one of which only the beginning counts.

    Args:
        whole: the days before, None: there are none.
        cut: of the last day, what happened before the cut.
    """

    def __init__(self, whole: RollupNumbers | None, cut: EventNumbers) -> None:
        self._whole, self._cut = whole, cut
        self._parts: list[Numbers] = [cut] if whole is None else [whole, cut]

    def total(self) -> Counters:
        """Return the counters of everything."""
        total = ZERO
        for part in self._parts:
            total = total.plus(part.total())
        return total

    def days(self) -> dict[date, Counters]:
        """Return the counters of each day that has any."""
        return _added_up(part.days() for part in self._parts)

    def hours(self) -> dict[LocalHour, Counters]:
        """Return the counters of each hour that has any."""
        return _added_up(part.hours() for part in self._parts)

    def listing(
        self,
        dimension: str,
        limit: int | None,
        offset: int = 0,
        search: str = "",
        order: Order = USUAL,
    ) -> Listing:
        """Rank the values of a dimension."""
        cut = self._cut.listing(dimension, None)
        return listed(self._tables(dimension, cut), limit, offset, search, order)

    def listings(self, dimensions: Sequence[str], limit: int) -> Mapping[str, Listing]:
        """Rank the values of several dimensions at once, by visitors."""
        cuts = self._cut.counted.listings(dimensions, None)
        return {name: listed(self._tables(name, cut), limit) for name, cut in cuts.items()}

    def _tables(self, dimension: str, cut: Listing) -> list[Table | Sum]:
        tables = [] if self._whole is None else [*self._whole.tables(dimension)]
        if cut.rows:
            tables.append(table_of(dict(cut.rows)))
        return tables

    def rows_of(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Mapping[str, Mapping[str, Counters]]:
        """Return the counters of some values of some dimensions, ZERO where there are none."""
        parts = [part.rows_of(wanted) for part in self._parts]
        return {name: _added_up(part[name] for part in parts) for name in wanted}

    def progresses(self) -> Iterable[Progress]:
        """Return how far what was read has come on the stream."""
        return (progress for part in self._parts for progress in part.progresses())


Key = TypeVar("Key")


def _added_up(parts: Iterable[Mapping[Key, Counters]]) -> dict[Key, Counters]:
    sums: dict[Key, Counters] = {}
    for part in parts:
        for key, row in part.items():
            sums[key] = sums.get(key, ZERO).plus(row)
    return sums
