"""Lambda's event source mapping on this machine: reads a log and calls a consumer's handler.

Like the mapping on AWS it delivers at least once and in order: a batch that fails is bisected, what
is reported as failed is sent again, for as long as it takes, and nothing behind it goes first.
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html

Unlike it, it rests after it worked (pace.py): a batch costs what the items that it changes cost,
however few records it has, so the more they cost, the more records a batch should have.
"""

import base64
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

from ingest.stream.sqlite import Ends, LogRecord, SqliteEventLog, identity_of
from liveinsight.engine.gateway import Handler
from liveinsight.engine.lambda_context import LocalContext
from liveinsight.engine.pace import Pace
from liveinsight.engine.positions import Positions
from liveinsight.engine.tail import Tail
from runtime.backoff import Backoff
from runtime.errors import UsageError

logger = logging.getLogger(__name__)

MAX_BATCH_BYTES = 6 * 1024 * 1024
"""As on AWS, where it is the limit of an invocation.
https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html"""

FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which handler gets a stream's records, and in what batches."""

    consumer: str
    handler: Handler
    batch_size: int
    window: timedelta
    """How long a batch that is not full waits for more."""
    longest_rest: timedelta
    """How long it waits at most because the batches before took long."""
    gate: Callable[[], AbstractContextManager[None]] = nullcontext
    """Held while a batch is done and the position moved."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What the time is."""

    epoch: Callable[[], float] = time.time
    """Seconds since 1970, as records carry them; somebody may set it."""
    steady: Callable[[], float] = time.monotonic
    """Seconds that only grow: what a duration is measured by."""


SYSTEM_CLOCK = Clock()


class ShardReader:
    """One mapping's reader of one shard."""

    def __init__(
        self, mapping: Mapping, shard: str, log: SqliteEventLog, positions: Positions, clock: Clock
    ) -> None:
        self._mapping = mapping
        self._shard = shard
        self._log = log
        self._positions = positions
        self._clock = clock
        self._position = positions.get(mapping.consumer, shard)
        self._oldest_at: float | None = None
        self._is_cut = False

    def waits(self, ends: Ends) -> bool:
        """Say whether there are records to deliver."""
        end = ends[self._shard]
        if self._oldest_at is None and self._position < end:
            found = self._log.read(self._shard, after=self._position, limit=1, through=end)
            # Between the position and the first record that is still there, there is nothing.
            self._position = found[0].sequence_number - 1 if found else end
            self._oldest_at = found[0].arrived_at / 1000 if found else None
        return self._oldest_at is not None

    def is_full(self, ends: Ends) -> bool:
        """Say whether what waits is a full batch, or the rest of one that was too large."""
        return self._is_cut or ends[self._shard] - self._position >= self._mapping.batch_size

    def due_in(self) -> float:
        """Return in how many seconds the oldest record will have waited for the window.

        What waited before a crash has waited: a consumer that dies more often than its window
        passes goes on all the same. Nothing waits for a clock that was set back.
        """
        window = self._mapping.window.total_seconds()
        waited = window if self._oldest_at is None else self._clock.epoch() - self._oldest_at
        return window - waited if 0 <= waited < window else 0.0

    def deliver(self, ends: Ends, stop: Event) -> float:
        """Send a batch until the handler is done with all of it, or the process stops.

        Returns:
            How many seconds that took, without the waits after failures.
        """
        size = self._mapping.batch_size
        end = ends[self._shard]
        batch = self._log.read(
            self._shard,
            after=self._position,
            limit=size,
            through=end,
            max_bytes=MAX_BATCH_BYTES,
        )
        self._oldest_at = None
        self._is_cut = 0 < len(batch) < size and batch[-1].sequence_number < end
        return self._deliver(batch, stop)

    def _deliver(self, batch: Sequence[LogRecord], stop: Event) -> float:
        pending, size, failures, worked = list(batch), len(batch), 0, 0.0
        # No part of the wait is random: nobody else sends this shard's batches.
        backoff = Backoff(FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS, lambda: 1.0, stop.wait)
        while pending and not stop.is_set():
            began = self._clock.steady()
            with self._mapping.gate():
                done = self._attempt(pending[:size])
                if done:
                    self._position = pending[done - 1].sequence_number
                    self._positions.advance(
                        self._mapping.consumer,
                        self._shard,
                        self._position,
                        now=self._clock.epoch(),
                    )
            if done:
                pending, size, failures = pending[done:], len(batch), 0
            worked += self._clock.steady() - began
            if not done:
                size, failures = max(1, size // 2), failures + 1
                backoff.wait(failures)
        return worked

    def _attempt(self, records: Sequence[LogRecord]) -> int:
        """Call the handler; return how many records, from the first on, are done."""
        name = self._mapping.consumer
        try:
            answer = self._mapping.handler(kinesis_event(self._shard, records), LocalContext(name))
            failures = [int(failed["itemIdentifier"]) for failed in answer["batchItemFailures"]]
        except UsageError:
            raise
        except Exception:
            logger.exception("consumer_failed", extra={"consumer": name, "records": len(records)})
            return 0
        first_failed = min(failures, default=records[-1].sequence_number + 1)
        return sum(record.sequence_number < first_failed for record in records)


class MappingReader:
    """One mapping's readers of all shards, which share its pace."""

    def __init__(
        self,
        mapping: Mapping,
        log: SqliteEventLog,
        positions: Positions,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._open = partial(ShardReader, mapping, log=log, positions=positions, clock=clock)
        self._shards: dict[str, ShardReader] = {}
        self._pace = Pace(mapping.longest_rest, clock.steady)

    def step(self, ends: Ends, stop: Event) -> float | None:
        """Deliver what is due: a batch of each shard at most.

        A batch is due when it is full, and else when its oldest record has waited for the window
        and the mapping has rested. A full batch is a backlog: a fifth of the time is too little for
        it, so the mapping neither rests before nor from that work.

        Returns:
            0 if something was delivered; else after how many seconds something will be due, if no
            record comes before, and None if nothing will.

        Raises:
            UsageError: no batch can be done before what it says is mended.
        """
        waiting = self._waiting(ends)
        full = [shard for shard in waiting if shard.is_full(ends)]
        rest = 0.0 if full else self._pace.left()
        due_in = {shard: 0.0 if shard in full else max(rest, shard.due_in()) for shard in waiting}
        due = [shard for shard, seconds in due_in.items() if not seconds]
        if due:
            worked = sum(shard.deliver(ends, stop) for shard in due)
            self._pace.rest(0.0 if full else worked)
            return 0.0
        return min(due_in.values(), default=None)

    def _waiting(self, ends: Ends) -> list[ShardReader]:
        """Return the shards with records to deliver.

        Shards that were closed go first: a visitor's records in them are older, and a partition has
        one writer at a time.
        """
        self._shards = {shard: self._shards.get(shard) or self._open(shard) for shard in ends}
        waiting = [shard for shard, reader in self._shards.items() if reader.waits(ends)]
        first = identity_of(waiting[0]) if waiting else ""
        return [self._shards[shard] for shard in waiting if identity_of(shard) == first]


def run(
    mapping: Mapping, log: SqliteEventLog, positions: Positions, tail: Tail, stop: Event
) -> None:
    """Serve a mapping until told to stop.

    Raises:
        UsageError: no batch can be done before what it says is mended.
    """
    reader = MappingReader(mapping, log, positions)
    while not stop.is_set():
        ends = tail.ends()
        pause = reader.step(ends, stop)
        if pause != 0:
            tail.wait(ends, pause)


def kinesis_event(shard: str, records: Sequence[LogRecord]) -> dict[str, Any]:
    """Build the event that Lambda makes of a batch. The stream's name is the log's identity.

    https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
    """
    kind_and_stream, _, number = shard.rpartition("-")
    kind, _, stream = kind_and_stream.partition("-")
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record.partition_key,
                    "sequenceNumber": str(record.sequence_number),
                    "data": base64.b64encode(record.data).decode(),
                    "approximateArrivalTimestamp": record.arrived_at / 1000,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{kind}-{number}:{record.sequence_number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::000000000000:role/local",
                "awsRegion": "local",
                "eventSourceARN": f"arn:aws:kinesis:local:000000000000:stream/{stream}",
            }
            for record in records
        ]
    }
