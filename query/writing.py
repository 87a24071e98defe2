"""Writes the files of the columns of events."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregates.seal import DAY, FIRST_DAY
from aggregates.window import HOUR_MS, OFFSET_STEP_MS
from query.database import listed, quoted, translated
from query.stored import (
    EVENT_COLUMNS,
    LINE_COLUMNS,
    VISIT_COLUMNS,
    VISIT_OF_EVENT,
    StoredEvent,
    from_lines,
    line_of,
)
from query.visits import EVENTS_WITH_VISITS, VISITS_OF_EVENTS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PARQUET = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
STEPS_OF_DAY = 24 * HOUR_MS // OFFSET_STEP_MS

VISITS_ORDER = "ORDER BY step, visitor_id"
EVENTS_ORDER = "ORDER BY visit_started_at, visitor_id, occurred_at, event_id"

_EVENT = ", ".join(f'"{name}"' for name in EVENT_COLUMNS)
_WITH_VISIT = ", ".join(f'"{name}"' for name in (*EVENT_COLUMNS, *VISIT_OF_EVENT))
_OF_VISIT = ", ".join(VISIT_OF_EVENT)
_VISIT = ", ".join(VISIT_COLUMNS)


def copy(database: "DuckDBPyConnection", select: str, path: Path) -> int:
    """Write what a statement gives; return how many rows that is.

    Raises:
        RetryableError: the disk refused, or a file cannot be read.
    """
    found = run(database, f"COPY ({select}) TO {quoted(str(path))} {PARQUET}")
    return int(found[0][0])


def run(database: "DuckDBPyConnection", sql: str) -> list[tuple[Any, ...]]:
    """Run a statement."""
    with translated("the columns of events cannot be written"):
        return database.execute(sql).fetchall()


class EventFiles:
    """Writes files of events as they came.

    Args:
        database: may read and write the folders.
        scratch: a folder of its own.
    """

    def __init__(self, database: "DuckDBPyConnection", scratch: Path) -> None:
        self._database, self._scratch = database, scratch

    def write(self, path: Path, events: Iterable[StoredEvent]) -> int:
        """Write events as they came; return how many there are.

        Raises:
            RetryableError: the disk refused.
        """
        lines, rows = self._scratch / "events.ndjson", 0
        with lines.open("wb") as file:
            for event in events:
                file.write(line_of(event))
                rows += 1
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in LINE_COLUMNS.items())
        copy(
            self._database,
            f"SELECT {from_lines()} FROM read_json({quoted(str(lines))},"
            f" format = 'newline_delimited', columns = {{{columns}}})",
            path,
        )
        lines.unlink()
        return rows

    def join(self, path: Path, parts: Sequence[Path], where: str = "TRUE") -> int:
        """Write what several files have into one; return how many events there are.

        Args:
            path: of the one.
            parts: the several.
            where: SQL that says which events.
        """
        select = f"SELECT {_EVENT} FROM read_parquet({listed(parts)}) WHERE {where}"
        return copy(self._database, select, path)

    def join_merged(
        self, parts: Sequence[tuple[Path, Path]], events: Path, visits: Path, where: str = "TRUE"
    ) -> int:
        """Write what several merged parts have into one; return how many events there are.

        Args:
            parts: the events and the visits of each.
            events: of the one.
            visits: of the one.
            where: SQL that says of which visitors.
        """
        of_events, of_visits = (listed(list(paths)) for paths in zip(*parts, strict=True))
        select = f"SELECT {_VISIT} FROM read_parquet({of_visits}) WHERE {where} {VISITS_ORDER}"
        copy(self._database, select, visits)
        select = f"SELECT {_WITH_VISIT} FROM read_parquet({of_events}) WHERE {where} {EVENTS_ORDER}"
        return copy(self._database, select, events)

    def count(self, path: Path, where: str) -> int:
        """Return how many events of a file are such."""
        sql = f"SELECT count(*) FROM read_parquet({listed([path])}) WHERE {where}"
        return int(run(self._database, sql)[0][0])


class DayMerge:
    """Merges what all files have of some days: each event once, with its visit.

    Args:
        database: a connection of its own, which may read and write the folders.
        own: all files that have events of these days.
        around: the files of the days around, as far as a visitor lives.
    """

    def __init__(
        self, database: "DuckDBPyConnection", own: Sequence[Path], around: Sequence[Path]
    ) -> None:
        self._database = database
        of_visitors = f"SELECT DISTINCT visitor_id FROM read_parquet({listed(own)})"
        run(self._database, f"CREATE TEMP TABLE visitors AS {of_visitors}")
        run(
            self._database,
            f"CREATE TEMP TABLE raw AS SELECT {_EVENT} FROM read_parquet({listed([*own, *around])})"
            " SEMI JOIN visitors USING (visitor_id)",
        )
        run(self._database, f"CREATE TEMP TABLE merged AS {EVENTS_WITH_VISITS.format(raw='raw')}")
        run(self._database, "DROP TABLE raw")
        run(
            self._database,
            f"CREATE TEMP TABLE visits AS {VISITS_OF_EVENTS.format(events='merged')}",
        )

    def is_true(self, events: Path, visits: Path) -> bool:
        """Say whether merged files of another day say the same of the visits of these visitors."""
        of_events = f"visitor_id, event_id, {_OF_VISIT}"
        return not (
            self._differs(events, of_events, "merged") or self._differs(visits, _VISIT, "visits")
        )

    def _differs(self, path: Path, columns: str, table: str) -> bool:
        said = f"SELECT {columns} FROM read_parquet({listed([path])}) SEMI JOIN visitors"
        sql = f"{said} USING (visitor_id) EXCEPT SELECT {columns} FROM {table} LIMIT 1"
        return bool(run(self._database, sql))

    def write(self, first: date, last: date, events: Path, visits: Path) -> int:
        """Write the two files of a range of days; return how many events there are.

        Raises:
            RetryableError: the disk refused.
        """
        start, end = ((day - FIRST_DAY).days * STEPS_OF_DAY for day in (first, last + DAY))
        copy(
            self._database,
            f"SELECT {_VISIT} FROM visits WHERE step >= {start} AND step < {end} {VISITS_ORDER}",
            visits,
        )
        return copy(
            self._database,
            f"SELECT {_WITH_VISIT} FROM merged"
            f" WHERE occurred_at >= DATE '{first}' AND occurred_at < DATE '{last + DAY}'"
            f" {EVENTS_ORDER}",
            events,
        )

    def close(self) -> None:
        """Let go of what is in memory."""
        self._database.close()
