"""Tables: the rows of one dimension, column by column, packed as they are stored.

A year of rows is read for the few that are shown, so a table gives its columns one by one, and
unpacks a column when it is asked for.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aggregates.rollup import ZERO, Counters
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
