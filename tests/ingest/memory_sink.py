"""An EventSink that keeps its records where a test can look at them."""

from collections.abc import Sequence

from ingest.stream.sink import SinkRecord
from runtime.errors import PermanentError, RetryableError
from schemas.event import EventBatch, decode_batch


class MemoryEventSink:
    """A stream in memory, which can be down, or take no record over a size."""

    def __init__(self) -> None:
        self.puts: list[list[SinkRecord]] = []
        self.is_down = False
        self.most_bytes = 1024 * 1024

    def put(self, records: Sequence[SinkRecord]) -> None:
        if self.is_down:
            raise RetryableError("the stream is down")
        if any(len(record.data) > self.most_bytes for record in records):
            raise PermanentError("a record is too large")
        self.puts.append(list(records))

    @property
    def batches(self) -> list[EventBatch]:
        return [decode_batch(record.data) for put in self.puts for record in put]
