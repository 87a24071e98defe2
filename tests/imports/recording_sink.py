"""A stream that remembers every chunk put on it, and can break at any of them."""

from collections import Counter
from collections.abc import Sequence

from ingest.stream.sink import SinkRecord
from runtime.errors import RetryableError
from schemas.event import Event, EventBatch, decode_batch


class RecordingSink:
    """Args: fails_at: the number of the put that fails, from 0 on, after it has taken records."""

    def __init__(self, fails_at: int | None = None, *, takes: int = 10**9) -> None:
        self.puts: list[list[SinkRecord]] = []
        self.fails_at = fails_at
        self._takes = takes

    def put(self, records: Sequence[SinkRecord]) -> None:
        number = len(self.puts)
        fails = number == self.fails_at
        self.puts.append(list(records[: self._takes] if fails else records))
        if fails:
            raise RetryableError("the stream is down")

    @property
    def batches(self) -> list[EventBatch]:
        return [decode_batch(record.data) for put in self.puts for record in put]

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch.events]

    def event_ids(self) -> Counter[bytes]:
        return Counter(event.event_id for event in self.events)
