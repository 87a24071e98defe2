"""One thread that puts on the stream what many requests wait for, with one commit for all of them.

While it commits, the next requests gather. So each waits for two commits at most, and the cost of
bringing a commit to the disk is divided among all that wait: no time is waited for company.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Condition, Thread

from ingest.stream.sink import RequestSink, SinkRecord, StreamError
from runtime.errors import RetryableError

LOGGER = logging.getLogger(__name__)

MOST_TOGETHER = 1000
"""Puts that share a commit."""


Done = Callable[[StreamError | None], object]
"""Told what became of a put; None: acknowledged."""

Announce = Callable[[Callable[[], None]], object]
"""Calls what tells all who waited for a commit: somewhere else than in the committer's thread, say.
Another thread is woken once for a commit so, and not once for each of them."""


@dataclass(frozen=True, slots=True)
class _Put:
    records: Sequence[SinkRecord]
    done: Done


class Committer:
    """Puts records on the stream in a thread of its own.

    Args:
        sink: leads to the stream.
        announce: calls what it is given, once for each commit.
    """

    def __init__(self, sink: RequestSink, announce: Announce = lambda tell: tell()) -> None:
        self._sink, self._announce = sink, announce
        self._waiting: list[_Put] = []
        self._changed = Condition()
        self._stopped = False
        self._thread = Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def put(self, records: Sequence[SinkRecord], done: Done) -> None:
        """Put records on the stream, some time soon."""
        with self._changed:
            self._waiting.append(_Put(records, done))
            self._changed.notify()

    def stop(self) -> None:
        """Put what waits, then end."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while puts := self._next():
            try:
                outcomes = self._sink.put_each([put.records for put in puts])
            except Exception as error:
                # Nobody foresaw it. No answer may wait for ever, and no request stops the others.
                LOGGER.exception("a commit failed")
                outcomes = [RetryableError(f"the commit failed: {error!r}")] * len(puts)
            self._announce(partial(_tell, puts, outcomes))

    def _next(self) -> list[_Put]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopped)
            puts, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        return puts


def _tell(puts: Sequence[_Put], outcomes: Sequence[StreamError | None]) -> None:
    for put, outcome in zip(puts, outcomes, strict=True):
        put.done(outcome)
