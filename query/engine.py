"""Answers from raw events: exactly what the rollups would say, of any part of the visits.

A question gets a connection of its own to one database in memory, which all share: its memory and
threads are bounded for all together.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING

from query.counted import CountedEvents
from query.library import Library
from query.question import Question
from query.session import Session
from runtime.errors import RetryableError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_AT_ONCE = 2
"""Questions that are worked on; more would take each other's memory."""

WAIT_SECONDS = 5.0
"""How long another one waits for its turn."""


class QueryEngine:
    """Asks the files of a library.

    Args:
        connect: opens the database, when the first question is asked.
        library: the files.
        wait_seconds: how long a question waits for its turn.
    """

    def __init__(
        self,
        connect: Callable[[], "DuckDBPyConnection"],
        library: Library,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._connect, self._library = connect, library
        self._wait_seconds = wait_seconds
        self._database: DuckDBPyConnection | None = None
        self._lock = Lock()
        self._turns = BoundedSemaphore(MOST_AT_ONCE)

    def counted(self, question: Question) -> CountedEvents:
        """Return the answers to a question. They are found out as they are asked for.

        Raises:
            RetryableError: the files cannot be read, or too many ask at the same time.
            UsageError: DuckDB is not installed.
        """
        with self._lock:
            if self._database is None:
                self._database = self._connect()
        database = self._database
        return CountedEvents(
            lambda: Session(database.cursor(), self._library, question), self._turn
        )

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._wait_seconds):
            raise RetryableError("too many questions are asked at the same time: ask again")
        try:
            yield
        finally:
            self._turns.release()
