"""The spill: where accepted records wait while the stream takes none.

The collector writes to it; the spill drain (ingest/drain/) puts on the stream later what is there.
"""

import json
import logging
import re
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from ingest.stream.breaker import Breaker
from ingest.stream.sink import EventSink, SinkRecord, StreamError
from runtime.errors import PermanentError, RetryableError
from runtime.objects.port import Objects

LOGGER = logging.getLogger(__name__)

NAME = re.compile(r"[0-9]{13}-[0-9a-f]{32}")
SUFFIX = ".json"


class Spill:
    """Keeps records until they are on the stream: each put is a JSON object with its own name.

    Each method raises RetryableError where the objects do not answer; repeating it is safe.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, name: str, records: Sequence[SinkRecord]) -> None:
        """Return once the records are kept, all of them."""
        # Nobody else makes the name: an object that stands there is this call's first attempt.
        self._objects.create(name + SUFFIX, encode(records))

    def names(self, *, after: str = "") -> list[str]:
        """Return the oldest names behind one; empty: there are no more."""
        start = after + SUFFIX if after else ""
        while keys := self._objects.keys("", after=start):
            names = (key.removesuffix(SUFFIX) for key in keys if key.endswith(SUFFIX))
            if found := [name for name in names if is_name(name)]:
                return found
            start = keys[-1]
        return []

    def read(self, names: Sequence[str]) -> Iterator[bytes | None]:
        """Return what stands under some names, for `decode`, in their order; None where it is gone.

        Objects in S3 are read at the same time.
        """
        return self._objects.read_many([name + SUFFIX for name in names])

    def get(self, name: str) -> list[SinkRecord] | None:
        """Return the records of one put in their order, or None where they are gone.

        Raises:
            PermanentError: what stands under the name was not written by `put`.
        """
        (content,) = self.read([name])
        return None if content is None else decode(content, name)

    def rewrite(self, name: str, records: Sequence[SinkRecord], *, expected: bytes) -> bool:
        """Put other records in the place of a put's; return whether what was expected stood there.

        Without records nothing stands there any more.
        """
        key = name + SUFFIX
        if not self._objects.replace(key, encode(records), expected=expected):
            return False
        if not records:
            self._objects.delete([key])
        return True

    def delete(self, names: Sequence[str]) -> None:
        """Delete what was kept under at most 1,000 names; what is gone already does not matter."""
        self._objects.delete([name + SUFFIX for name in names])


class Tally:
    """Counts since somebody asked last. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def add(self, count: int) -> None:
        """Count."""
        with self._lock:
            self._count += count

    def take(self) -> int:
        """Return what was counted since the last time."""
        with self._lock:
            taken, self._count = self._count, 0
        return taken


class SpillingEventSink:
    """An EventSink that keeps in the spill what the stream does not take.

    After a failure the stream is left alone for some seconds, because a stream that is down
    answers slowly: Kinesis is given 2 s and SQLite 5. Then one request tries it again.

    Args:
        stream: takes the records when it can.
        spill: takes them when the stream cannot.
        new_name: makes the name of a put to the spill.
        tally: counts the requests (puts) that were spilled.
        breaker: says when the stream is tried again.
    """

    def __init__(
        self,
        stream: EventSink,
        spill: Spill,
        new_name: Callable[[], str],
        tally: Tally | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._stream = stream
        self._spill = spill
        self._new_name = new_name
        self._tally = tally or Tally()
        self._breaker = breaker or Breaker()

    def put(self, records: Sequence[SinkRecord]) -> None:
        """Return once the stream, or else the spill, has acknowledged every record.

        A record that is spilled may be on the stream as well, if its acknowledgement was lost.

        Raises:
            RetryableError: neither took them.
            PermanentError: the stream will never take them; they are not spilled.
        """
        if records and not self._is_on_stream(records):
            self._spilled(records)

    def put_each(self, puts: Sequence[Sequence[SinkRecord]]) -> list[StreamError | None]:
        """Put what several requests wait for, together; return what became of each.

        They share one put to the stream. To the spill each goes by itself, because the drain moves
        what was put together as one. None: acknowledged.
        """
        together = [record for records in puts for record in records]
        try:
            if not together or self._is_on_stream(together):
                return [None] * len(puts)
        except PermanentError:
            return [self._outcome(partial(self.put, records)) for records in puts]
        return [self._outcome(partial(self._spilled, records)) for records in puts]

    def _outcome(self, put: Callable[[], None]) -> StreamError | None:
        try:
            put()
        except (RetryableError, PermanentError) as error:
            return error
        return None

    def _spilled(self, records: Sequence[SinkRecord]) -> None:
        try:
            self._spill.put(self._new_name(), records)
        except RetryableError as error:
            raise RetryableError(f"neither the stream nor the spill is there: {error}") from error
        self._tally.add(1)

    def _is_on_stream(self, records: Sequence[SinkRecord]) -> bool:
        if not self._breaker.admits():
            return False
        try:
            self._stream.put(records)
        except RetryableError as error:
            self._breaker.failed()
            LOGGER.warning("the stream is left alone, records go to the spill: %s", error)
            return False
        self._breaker.succeeded()
        return True


def spill_name(now: datetime, unique: UUID) -> str:
    """Return a name that sorts by its time, to the millisecond, and that nobody else makes."""
    return f"{int(now.timestamp() * 1000):013d}-{unique.hex}"


def is_name(name: str) -> bool:
    """Say whether `spill_name` might have made it."""
    return NAME.fullmatch(name) is not None


def encode(records: Sequence[SinkRecord]) -> bytes:
    """Return what is kept of records, as JSON."""
    kept = [
        {"partition_key": record.partition_key, "data": b64encode(record.data).decode()}
        for record in records
    ]
    return json.dumps({"records": kept}).encode()


def decode(content: bytes, source: str) -> list[SinkRecord]:
    """Read what is kept of records; `source` says where it lies in the spill.

    Raises:
        PermanentError: it is something else.
    """
    try:
        return [
            SinkRecord(str(kept["partition_key"]), b64decode(kept["data"], validate=True))
            for kept in json.loads(content)["records"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError(
            f"the spill's {source} holds no records ({error!r}): look at it, then delete it"
        ) from error
