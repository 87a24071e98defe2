"""Rows as Parquet, by DuckDB, which is imported when the first one is written or read.

DuckDB takes rows fastest from a file: so they are written as NDJSON, some at a time, and each lot
becomes Parquet. In the end the lots are joined, in order.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from liveinsight.exports.event_row import moment
from liveinsight.exports.formats import check_columns, encode_line
from query.columns import Column, Kind, Row, Sheet, Value
from query.database import quoted
from runtime.errors import RetryableError, UsageError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LOT_ROWS = 100_000
FETCHED_ROWS = 2000
MEMORY_LIMIT = "512MB"
COMPRESSION = "(FORMAT parquet, COMPRESSION zstd)"


class ParquetWriter:
    """Writes one Parquet file. RetryableError says that the disk refused.

    Args:
        path: of the file, which is whole after `close`.
        sheet: its columns.
        scratch: a folder for the lots, of its own.
    """

    def __init__(self, path: Path, sheet: Sheet, scratch: Path) -> None:
        self._path, self._sheet, self._scratch = path, sheet, scratch
        self._database = connect()
        self._lots: list[Path] = []
        self._rows = 0
        self._lines = (scratch / "lot.ndjson").open("wb")

    def write(self, row: Row) -> None:
        """Take a row."""
        self._lines.write(encode_line(row))
        self._rows += 1
        if self._rows == LOT_ROWS:
            self._end_lot()

    def close(self) -> None:
        """Join the lots."""
        if self._rows or not self._lots:
            self._end_lot()
        self._lines.close()
        lots = ", ".join(map(_quoted, self._lots))
        self._run(
            f"COPY (SELECT * FROM read_parquet([{lots}])) TO {_quoted(self._path)} {COMPRESSION}"  # noqa: S608
        )
        self._database.close()
        for lot in self._lots:
            lot.unlink()

    def discard(self) -> None:
        """Let go of what was written."""
        self._lines.close()
        self._database.close()

    def _run(self, statement: str) -> None:
        import duckdb  # noqa: PLC0415 - see connect

        try:
            self._database.execute(statement)
        except duckdb.Error as error:
            raise RetryableError(f"{self._path.name} was not written: {error}") from error

    def _end_lot(self) -> None:
        self._lines.close()
        lines = Path(self._lines.name)
        lot = self._scratch / f"lot-{len(self._lots)}.parquet"
        columns = ", ".join(f"{_name(one)}: '{one.kind}'" for one in self._sheet.columns)
        self._run(
            f"COPY (SELECT * FROM read_json({_quoted(lines)}, format = 'newline_delimited',"  # noqa: S608
            f" columns = {{{columns}}})) TO {_quoted(lot)} {COMPRESSION}"
        )
        self._lots.append(lot)
        self._rows = 0
        self._lines = lines.open("wb")


def read_parquet(path: Path, sheet: Sheet) -> Iterator[Row]:
    """Give the rows of a Parquet file.

    Raises:
        UsageError: it is not the Parquet of such a sheet.
    """
    import duckdb  # noqa: PLC0415 - see connect

    with connect() as database:
        try:
            found = database.execute(f"DESCRIBE SELECT * FROM read_parquet({_quoted(path)})")  # noqa: S608
            check_columns([str(column[0]) for column in found.fetchall()], str(path), sheet)
            wanted = ", ".join(map(_read_as, sheet.columns))
            rows = database.execute(f"SELECT {wanted} FROM read_parquet({_quoted(path)})")  # noqa: S608
            while fetched := rows.fetchmany(FETCHED_ROWS):
                for values in fetched:
                    yield dict(_values(sheet, values))
        except duckdb.Error as error:
            raise UsageError(f"{path} cannot be read: {error}") from error


def connect() -> "DuckDBPyConnection":
    """Return a database in memory.

    Raises:
        UsageError: DuckDB is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 - takes a tenth of a second, and only Parquet needs it
    except ImportError as error:
        raise UsageError(
            "Parquet needs DuckDB, which is not installed: install liveinsight[local], or choose"
            " --format ndjson or csv"
        ) from error
    database = duckdb.connect(":memory:")
    for setting in (
        f"memory_limit = '{MEMORY_LIMIT}'",
        "threads = 1",
        "preserve_insertion_order = true",
        "TimeZone = 'UTC'",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
    ):
        database.execute(f"SET {setting}")
    return database


def _values(sheet: Sheet, values: tuple[Value | None, ...]) -> Iterator[tuple[str, Value]]:
    for column, value in zip(sheet.columns, values, strict=True):
        if isinstance(value, int) and column.kind is Kind.MOMENT:
            yield column.name, moment(value)
        elif value is not None:
            yield column.name, value


def _read_as(column: Column) -> str:
    match column.kind:
        case Kind.MOMENT:
            return f"epoch_ms({_name(column)})"
        case Kind.DAY:
            return f"CAST({_name(column)} AS VARCHAR)"
        case _:
            return _name(column)


def _name(column: Column) -> str:
    return f'"{column.name}"'


def _quoted(path: Path) -> str:
    return quoted(str(path))
