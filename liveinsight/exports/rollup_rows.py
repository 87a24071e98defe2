"""Reads what is counted of a site, day after day, as rows."""

from collections.abc import Iterator, Mapping
from datetime import date

from aggregates.rollup import Counters, Dimension
from aggregates.seal import Period
from aggregates.stores.ports import RollupStore, SealStore
from aggregates.stores.reading import Counted, Reading
from aggregates.value import kind_of
from liveinsight.exports.columns import COUNTERS
from query.columns import Row, Value
from runtime.sites.site import Site


def days_counted(
    site: Site, rollups: RollupStore, seals: SealStore, first: date, last: date
) -> list[date]:
    """Return the days of a range that anything is counted on, in order."""
    of = site.generation, site.site_id
    sealed = {key.first for key in seals.versions(*of, Period.DAY, first, last)}
    opened = {key.day for key in rollups.items(*of, first, last)}
    return sorted(sealed | opened)


def rollup_rows(site: Site, reading: Reading, day: date) -> Iterator[Row]:
    """Give what is counted of a day: dimension by dimension, values in order.

    Raises:
        RetryableError: the stores did not answer.
    """
    counted = reading.days(site.generation, site.site_id, day, day)
    yield _row(day, Dimension.TOTAL, "", counted.total())
    for dimension in Dimension:
        if dimension is not Dimension.TOTAL:
            for value, counters in sorted(_table(counted, dimension).items()):
                yield _row(day, dimension, value, counters)


def _table(counted: Counted, dimension: Dimension) -> Mapping[str, Counters]:
    if dimension is not Dimension.INTAKE:
        return counted.table(dimension)
    stages: dict[str, int] = {}
    for part in counted.parts.values():
        for stage, hits in part.intake.items():
            stages[stage] = stages.get(stage, 0) + hits
    return {stage: Counters(events=hits) for stage, hits in stages.items()}


def _row(day: date, dimension: Dimension, value: str, counters: Counters) -> Row:
    row: dict[str, Value] = {"day": day.isoformat(), "dimension": dimension.value}
    kind = kind_of(value)
    if kind is not None:
        row |= {"value": kind.value, "kind": kind.name.lower()}
    elif value:
        row["value"] = value
    row.update(zip(COUNTERS, counters, strict=True))
    return row
