"""The collector's own count in a SQLite file of its own."""

import atexit
import logging
import threading
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from ingest.accepted.port import Accepted
from runtime.errors import LiveInsightError
from runtime.sqlite import Database, has_content

LOGGER = logging.getLogger(__name__)

WRITTEN_EVERY = timedelta(seconds=1)
"""So that counting costs a request nothing; a crash forgets at most so much."""

PATIENCE = timedelta(seconds=5)
"""A process must be able to stop within 15 s, and what was not written then is only forgotten."""

TABLES = """
CREATE TABLE IF NOT EXISTS accepted (
    site TEXT NOT NULL, day TEXT NOT NULL, events INTEGER NOT NULL, PRIMARY KEY (site, day)
) WITHOUT ROWID
"""


class SqliteAcceptedCounts:
    """AcceptedCounts in a file, written every second and when the process ends.

    Several processes may count in the same file.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, TABLES, patience=PATIENCE)
        self._lock = threading.Lock()
        self._counted: Counter[tuple[str, date]] = Counter()
        self._timer: threading.Timer | None = None
        self._ends_with_process = False

    def add(self, accepted: Iterable[Accepted]) -> None:
        """Count what was just acknowledged."""
        with self._lock:
            for one in accepted:
                self._counted[one.site_id, one.day] += one.events
            if self._timer is None and self._counted:
                self._begin_timer()

    def flush(self) -> None:
        """Write down what was counted. What cannot be written waits for the next time."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
        try:
            self._write(counted)
        except LiveInsightError as error:
            LOGGER.warning("what was accepted is not written down yet: %s", error)
            with self._lock:
                self._counted += counted
                if self._timer is None:
                    self._begin_timer()

    def by_day(self, site_id: str, first: date, last: date) -> dict[date, int]:
        """Return what was written down of a range of days, both ends included."""
        query = "SELECT day, events FROM accepted WHERE site = ? AND day BETWEEN ? AND ?"
        if not has_content(self._database.path):
            return {}
        days = first.isoformat(), last.isoformat()
        with self._database.reading() as connection:
            rows = connection.execute(query, (site_id, *days)).fetchall()
        return {date.fromisoformat(day): events for day, events in rows}

    def erase(self, site_id: str, before: date) -> int:
        """Forget the days of a site before one; return of how many there was a count."""
        if not has_content(self._database.path):
            return 0
        with self._database.writing() as connection:
            statement = "DELETE FROM accepted WHERE site = ? AND day < ?"
            return connection.execute(statement, (site_id, before.isoformat())).rowcount

    def _begin_timer(self) -> None:
        self._timer = threading.Timer(WRITTEN_EVERY.total_seconds(), self.flush)
        self._timer.daemon = True
        self._timer.start()
        if not self._ends_with_process:
            self._ends_with_process = True
            atexit.register(self.flush)

    def _write(self, counted: Counter[tuple[str, date]]) -> None:
        rows = [(site, day.isoformat(), events) for (site, day), events in counted.items()]
        if not rows:
            return
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT INTO accepted (site, day, events) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET events = events + excluded.events",
                rows,
            )
