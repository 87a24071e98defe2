"""A sink for long work: it does not give up because the stream is busy for a moment."""

from collections.abc import Sequence
from functools import partial

from ingest.stream.sink import EventSink, SinkRecord
from runtime.patience import patiently


class PatientEventSink:
    """An EventSink that puts again what another did not take, for minutes.

    Whoever uses it must put records that are recognised when they are on the stream twice.
    """

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink

    def put(self, records: Sequence[SinkRecord]) -> None:
        """Return once the stream has acknowledged every record.

        Raises:
            RetryableError: it has not taken them for minutes.
        """
        patiently(partial(self._sink.put, records))
