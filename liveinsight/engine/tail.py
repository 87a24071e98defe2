"""How far a log reaches, looked up once for all that read it."""

from datetime import timedelta
from threading import Condition, Event

from ingest.stream.sqlite import Ends, SqliteEventLog

POLL = timedelta(milliseconds=50)


class Tail:
    """The end of a log as one thread sees it, and many wait for.

    What lies behind it, nobody who reads has been shown (`SqliteEventLog.show`).
    """

    def __init__(self, log: SqliteEventLog) -> None:
        self._log = log
        self._moved = Condition()
        self._changes: object = None
        self._ends: Ends = log.show()
        self._is_over = False

    def ends(self) -> Ends:
        """Return the ends that were seen last."""
        return self._ends

    def wait(self, seen: Ends, seconds: float | None) -> None:
        """Wait for other ends than those, for so long (None: for ever), or until all is over."""
        with self._moved:
            self._moved.wait_for(lambda: self._ends != seen or self._is_over, seconds)

    def run(self, stop: Event) -> None:
        """Look again and again until told to stop; whoever waits goes on then.

        Raises:
            RetryableError: the log could not be read.
        """
        try:
            while not stop.wait(POLL.total_seconds()):
                self._look()
        finally:
            with self._moved:
                self._is_over = True
                self._moved.notify_all()

    def _look(self) -> None:
        changes = self._log.changes()
        if changes == self._changes:
            return
        ends = self._log.show()
        with self._moved:
            self._changes, self._ends = changes, ends
            self._moved.notify_all()
