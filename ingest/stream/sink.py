"""The port through which the collector reaches the event stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SinkRecord:
    """One record on its way to the stream."""

    partition_key: str
    data: bytes


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
