"""Tables: the rows of one dimension, column by column, packed as they are stored.

A year of rows is read for the few that are shown, so a table gives its columns one by one, and
unpacks a column when it is asked for.
"""

import sys
from array import array
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from aggregates.rollup import ZERO, Counters, Dimension, Rollup, RowKey
from runtime.errors import PermanentError

SEPARATOR = "\n"
"""Between two values. No value has it (`aggregates.value.value_of`)."""

UNSIGNED = (("B", 0xFF), ("H", 0xFFFF), ("I", 0xFFFFFFFF))
"""Type codes of arrays, and the largest number that each holds."""

WIDEST = "q"


@dataclass(frozen=True, slots=True)
class Table:
    """Values with their counters.

    Args:
        text: the values, SEPARATOR between two.
        packed: a column for each of the counters, in their order; empty where all are 0.
    """

    text: str
    packed: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """How many bytes of memory it takes, about."""
        return len(self.text) + sum(map(len, self.packed))

    def values(self) -> list[str]:
        """Return the values, in the order of the columns."""
        return self.text.split(SEPARATOR)

    def column(self, counter: int) -> Sequence[int]:
        """Return a counter (its place in Counters) of all values; nothing where all are 0."""
        packed = self.packed[counter]
        if not packed:
            return ()
        numbers = array(chr(packed[0]))
        numbers.frombytes(packed[1:])
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers

    def rows(self) -> Iterator[Counters]:
        """Return the counters, in the order of the values."""
        columns = [self.column(counter) for counter in range(len(ZERO))]
        size = max(map(len, columns), default=0)
        zeros = [0] * size
        return map(Counters._make, zip(*(column or zeros for column in columns), strict=True))


def table_of(rows: Mapping[str, Counters]) -> Table:
    """Return a table of rows, of which there is one at least and none is ZERO.

    Raises:
        PermanentError: a value has the separator in it, or a number has more than 63 bits.
    """
    values = sorted(rows)
    text = SEPARATOR.join(values)
    if text.count(SEPARATOR) != len(values) - 1:
        raise PermanentError("a value with a line feed cannot be kept")
    columns = zip(*[rows[value] for value in values], strict=True)
    return Table(text, tuple(map(_packed, columns)))


Tables = Mapping[Dimension, Table]


class PackedRows(Mapping[RowKey, Counters]):
    """The rows of tables, unpacked all at once when one is asked for."""

    __slots__ = ("_rows", "tables")

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._rows: dict[RowKey, Counters] | None = None

    def __getitem__(self, key: RowKey) -> Counters:
        """Return the counters of a value."""
        return self._unpacked()[key]

    def __iter__(self) -> Iterator[RowKey]:
        """Yield the values."""
        return iter(self._unpacked())

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self._unpacked())

    def __bool__(self) -> bool:
        """Say whether there is a row, which takes no unpacking: no table is empty."""
        return bool(self.tables)

    def items(self) -> ItemsView[RowKey, Counters]:
        """Return the values with their counters."""
        return self._unpacked().items()

    def __repr__(self) -> str:
        """Return the rows."""
        return repr(self._unpacked())

    def _unpacked(self) -> dict[RowKey, Counters]:
        if self._rows is None:
            rows: dict[RowKey, Counters] = {}
            for dimension, table in self.tables.items():
                rows.update(zip(product((dimension,), table.values()), table.rows(), strict=True))
            self._rows = rows
        return self._rows


def tables_in(rollup: Rollup) -> Tables:
    """Return the tables of a rollup: as they are, where its rows are packed.

    Raises:
        PermanentError: its rows cannot be kept.
    """
    if isinstance(rollup.rows, PackedRows):
        return rollup.rows.tables
    dimensions: dict[Dimension, dict[str, Counters]] = {}
    for (dimension, value), row in rollup.rows.items():
        dimensions.setdefault(dimension, {})[value] = row
    return {dimension: table_of(dimensions[dimension]) for dimension in sorted(dimensions)}


def added_up(tables: Sequence[Table]) -> Table | None:
    """Return the sum of tables of one dimension, column by column; None where nothing is left."""
    if len(tables) == 1:
        return tables[0]
    places: dict[str, int] = {}
    places_of = [
        [places.setdefault(value, len(places)) for value in table.values()] for table in tables
    ]
    columns = [_sum(tables, places_of, len(places), counter) for counter in range(len(ZERO))]
    kept = [any(row) for row in zip(*columns, strict=True)]
    values: Iterable[str] = places
    if not all(kept):
        values = [value for value, stays in zip(places, kept, strict=True) if stays]
        columns = [
            [number for number, stays in zip(column, kept, strict=True) if stays]
            for column in columns
        ]
    return Table(SEPARATOR.join(values), tuple(map(_packed, columns))) if any(kept) else None


def _sum(
    tables: Sequence[Table], places_of: Sequence[Sequence[int]], size: int, counter: int
) -> list[int]:
    sums = [0] * size
    for table, places in zip(tables, places_of, strict=True):
        for place, number in zip(places, table.column(counter), strict=False):
            sums[place] += number
    return sums


def _packed(column: Iterable[int]) -> bytes:
    numbers = tuple(column)
    least, most = min(numbers), max(numbers)
    if not (least or most):
        return b""
    codes = (code for code, limit in UNSIGNED if least >= 0 and most <= limit)
    code = next(codes, WIDEST)
    try:
        packed = array(code, numbers)
    except OverflowError as error:
        raise PermanentError(f"{most} has too many digits to be kept") from error
    if sys.byteorder == "big":
        packed.byteswap()
    return code.encode() + packed.tobytes()
