"""What two generations of a site's rollups differ in, by day, dimension and metric."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from aggregates.rollup import ZERO, Counters, Dimension
from aggregates.seal import FIRST_DAY, LAST_DAY
from aggregates.stores.reading import Reading


@dataclass(frozen=True, slots=True)
class Difference:
    """How a metric of a dimension differs on a day."""

    day: date
    dimension: Dimension
    metric: str
    values: int
    """How many values of the dimension have another number."""
    before: int
    after: int
    """The sums over these values."""


def days_of(reading: Reading, site_id: str, generations: Iterable[int]) -> list[date]:
    """Return the days of which any of these generations has something, in order."""
    return sorted(
        {
            day
            for generation in generations
            for day in reading.days(generation, site_id, FIRST_DAY, LAST_DAY).days()
        }
    )


def differences(
    reading: Reading,
    site_id: str,
    generations: tuple[int, int],
    days: Iterable[date],
    report: Callable[[int], object] = lambda _: None,
) -> Iterator[Difference]:
    """Compare two generations.

    Args:
        reading: reads both.
        site_id: of the site.
        generations: the numbers of both, the older one first.
        days: what is compared.
        report: takes the number of days that have been compared.
    """
    for number, day in enumerate(days, 1):
        before, after = (reading.days(generation, site_id, day, day) for generation in generations)
        for dimension in Dimension:
            if dimension is not Dimension.INTAKE:
                yield from _of_rows(day, dimension, before.table(dimension), after.table(dimension))
        report(number)


def _of_rows(
    day: date, dimension: Dimension, before: dict[str, Counters], after: dict[str, Counters]
) -> Iterator[Difference]:
    changed = [
        (before.get(value, ZERO), after.get(value, ZERO))
        for value in before.keys() | after.keys()
        if before.get(value) != after.get(value)
    ]
    for place, metric in enumerate(Counters._fields):
        numbers = [(old[place], new[place]) for old, new in changed if old[place] != new[place]]
        if numbers:
            yield Difference(
                day,
                dimension,
                metric,
                len(numbers),
                sum(old for old, _ in numbers),
                sum(new for _, new in numbers),
            )
