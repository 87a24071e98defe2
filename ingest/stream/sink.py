"""The port through which the collector reaches the event stream."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ingest.accepted.port import Accepted, AcceptedCounts
from runtime.errors import PermanentError, RetryableError

StreamError = RetryableError | PermanentError
"""What a put may come to that was not acknowledged."""


@dataclass(frozen=True, slots=True)
class SinkRecord:
    """One record on its way to the stream."""

    partition_key: str
    data: bytes
    accepted: Accepted | None = field(default=None, compare=False)
    """The events in it that were accepted just now; None: they were counted as such before."""


class EventSink(Protocol):
    """Writes records to the stream, in order for each partition key."""

    def put(self, records: Sequence[SinkRecord]) -> None:
        """Return once the stream has acknowledged every record.

        After an error any subset may be on the stream: putting the same records again is safe,
        because consumers skip event ids that they counted before.

        Raises:
            RetryableError: the stream did not acknowledge all of them.
            PermanentError: it will never take one of them.
        """


class RequestSink(EventSink, Protocol):
    """An EventSink for what several requests wait for."""

    def put_each(self, puts: Sequence[Sequence[SinkRecord]]) -> list[StreamError | None]:
        """Put what each request waits for; return what became of it. None: acknowledged."""


class CountingEventSink:
    """An EventSink that counts what another one has acknowledged."""

    def __init__(self, sink: EventSink, counts: AcceptedCounts) -> None:
        self._sink, self._counts = sink, counts

    def put(self, records: Sequence[SinkRecord]) -> None:
        """Return once every record is acknowledged, and counted."""
        self._sink.put(records)
        self._counts.add(one.accepted for one in records if one.accepted is not None)


class CountingRequestSink(CountingEventSink):
    """The same for a RequestSink."""

    def __init__(self, sink: RequestSink, counts: AcceptedCounts) -> None:
        super().__init__(sink, counts)
        self._requests = sink

    def put_each(self, puts: Sequence[Sequence[SinkRecord]]) -> list[StreamError | None]:
        """Put what each request waits for, and count what was acknowledged."""
        outcomes = self._requests.put_each(puts)
        self._counts.add(
            record.accepted
            for put, outcome in zip(puts, outcomes, strict=True)
            if outcome is None
            for record in put
            if record.accepted is not None
        )
        return outcomes
