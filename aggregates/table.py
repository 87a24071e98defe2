"""Tables: the rows of one dimension, column by column, packed as they are stored.

A year of rows is read for the few that are shown, so a table gives its columns one by one, and
unpacks a column when it is asked for; and of a sum of tables only the visitors, by which values
are ranked, are added up at once.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import ItemsView, Iterable, Iterator, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from itertools import product, repeat
from operator import add

from aggregates.rollup import ZERO, Counters, Dimension, Rollup, RowKey
from runtime.errors import PermanentError

SEPARATOR = "\n"
"""Between two values. No value has it (`aggregates.value.value_of`)."""

UNSIGNED = (("B", 0xFF), ("H", 0xFFFF), ("I", 0xFFFFFFFF))
"""Type codes of arrays, and the largest number that each holds."""

WIDEST = "q"

VISITORS = Counters._fields.index("visitors")

FEW = 8
"""Rows that are fewer than this part of a table are searched for, instead of looking at all."""

MOST_KNOWN = 2000
"""Rows of a sum that are remembered."""

KNOWN_BYTES = 250
"""Of memory, such a row, about."""


@dataclass(frozen=True, slots=True)
class Table:
    """Values with their counters.

    Args:
        text: the values in order, SEPARATOR between two.
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
        return _unpacked(self.packed[counter])

    def visitors(self) -> Sequence[int]:
        """Return the visitors of all values; nothing where all are 0."""
        return self.column(VISITORS)

    def add_to(self, rows: Mapping[str, MutableSequence[int]]) -> None:
        """Add the counters of some values, which are the keys, to what these have."""
        places = _places(self.values(), rows)
        for counter in range(len(ZERO)) if places else ():
            column = self.column(counter)
            if column:
                for place, row in places:
                    row[counter] += column[place]

    def rows(self) -> Iterator[Counters]:
        """Return the counters, in the order of the values."""
        columns = [self.column(counter) for counter in range(len(ZERO))]
        size = max(map(len, columns), default=0)
        zeros = [0] * size
        return map(Counters._make, zip(*(column or zeros for column in columns), strict=True))


def _places(
    values: Sequence[str], rows: Mapping[str, MutableSequence[int]]
) -> list[tuple[int, MutableSequence[int]]]:
    """Return where rows stand in a table, as far as it has them."""
    if len(rows) * FEW > len(values):
        return [(place, rows[value]) for place, value in enumerate(values) if value in rows]
    found = [(bisect_left(values, value), value, row) for value, row in rows.items()]
    end = len(values)
    return [(place, row) for place, value, row in found if place < end and values[place] == value]


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


class Sum:
    """The sum of tables of one dimension. Rows are added up when they are asked for, and kept.

    Safe to share between threads.

    Args:
        tables: what is added up.
    """

    __slots__ = ("_known", "_tables", "_text", "_visitors")

    def __init__(self, tables: "Sequence[Table | Sum]") -> None:
        visitors = visitors_by_value(tables)
        self._tables = tables
        self._text = SEPARATOR.join(visitors)
        self._visitors = _packed(visitors.values())
        self._known: Mapping[str, Sequence[int]] = {}

    @property
    def size(self) -> int:
        """How many bytes of memory it takes, about, with its tables and with rows that it keeps."""
        known = min(MOST_KNOWN, self._text.count(SEPARATOR) + 1)
        own = len(self._text) + len(self._visitors) + known * KNOWN_BYTES
        return own + sum(table.size for table in self._tables)

    def values(self) -> list[str]:
        """Return the values."""
        return self._text.split(SEPARATOR)

    def visitors(self) -> Sequence[int]:
        """Return the visitors of all values; nothing where all are 0."""
        return _unpacked(self._visitors)

    def add_to(self, rows: Mapping[str, MutableSequence[int]]) -> None:
        """Add the counters of some values, which are the keys, to what these have."""
        known = self._known
        unknown = {value: [0] * len(ZERO) for value in rows if value not in known}
        if unknown:
            for table in self._tables:
                table.add_to(unknown)
            known = {**known, **unknown}
            if len(known) <= MOST_KNOWN:
                self._known = known
        for value, row in rows.items():
            row[:] = map(add, row, known[value])


def visitors_by_value(tables: Iterable[Table | Sum]) -> dict[str, int]:
    """Add up the visitors of all values."""
    sums: dict[str, int] = {}
    for table in tables:
        values, column = table.values(), table.visitors()
        if not column:
            sums = {**dict.fromkeys(values, 0), **sums}
        elif not sums:
            sums = dict(zip(values, column, strict=True))
        else:  # with no step of Python for each value, in half the time
            sums.update(
                zip(values, map(add, map(sums.get, values, repeat(0)), column), strict=True)
            )
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


def _unpacked(packed: bytes) -> Sequence[int]:
    if not packed:
        return ()
    numbers = array(chr(packed[0]))
    numbers.frombytes(packed[1:])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
