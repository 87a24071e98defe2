"""Lambda's event source mapping on this machine: reads a shard and calls a consumer's handler.

Like the mapping on AWS it delivers at least once and in order: a batch that fails is bisected, what
is reported as failed is sent again, for as long as it takes, and nothing behind it goes first.
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

import base64
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from typing import Any

from ingest.stream.sqlite import LogRecord, SqliteEventLog
from liveinsight.engine.gateway import Handler
from liveinsight.engine.lambda_context import LocalContext
from liveinsight.engine.positions import Positions
from runtime.backoff import Backoff
from runtime.errors import UsageError

logger = logging.getLogger(__name__)

POLL = timedelta(milliseconds=50)
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


class ShardReader:
    """One mapping's reader of one shard."""

    def __init__(
        self, mapping: Mapping, shard: int, log: SqliteEventLog, positions: Positions
    ) -> None:
        self._mapping = mapping
        self._shard = shard
        self._log = log
        self._positions = positions
        self._position = positions.get(mapping.consumer, shard)

    def step(self, stop: Event) -> bool:
        """Deliver one batch if there is one; say whether there was."""
        records = self._log.read(self._shard, after=self._position, limit=self._mapping.batch_size)
        if not records or not self._is_due(records):
            return False
        self._deliver(records, stop)
        return True

    def _is_due(self, records: Sequence[LogRecord]) -> bool:
        """Say whether a batch is full, or its oldest record has waited for the window.

        What waited before a crash has waited: a consumer that dies more often than its window
        passes goes on all the same. Nothing waits for a clock that was set back.
        """
        waited_ms = time.time() * 1000 - records[0].arrived_at
        is_full = len(records) >= self._mapping.batch_size
        return is_full or not 0 <= waited_ms < self._mapping.window.total_seconds() * 1000

    def _deliver(self, batch: Sequence[LogRecord], stop: Event) -> None:
        """Send records until the handler is done with all of them, or the process stops."""
        pending, size, failures = list(batch), len(batch), 0
        # No part of the wait is random: nobody else sends this shard's batches.
        backoff = Backoff(FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS, lambda: 1.0, stop.wait)
        while pending and not stop.is_set():
            done = self._attempt(pending[:size])
            if done:
                self._position = pending[done - 1].sequence_number
                self._positions.advance(self._mapping.consumer, self._shard, self._position)
                pending, size, failures = pending[done:], len(batch), 0
            else:
                size, failures = max(1, size // 2), failures + 1
                backoff.wait(failures)

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


def run(mapping: Mapping, log: SqliteEventLog, positions: Positions, stop: Event) -> None:
    """Serve a mapping until told to stop.

    Raises:
        UsageError: no batch can be done before what it says is mended.
    """
    readers = [ShardReader(mapping, shard, log, positions) for shard in log.shards()]
    while not stop.is_set():
        delivered = sum(reader.step(stop) for reader in readers)
        if not delivered:
            stop.wait(POLL.total_seconds())


def kinesis_event(shard: int, records: Sequence[LogRecord]) -> dict[str, Any]:
    """Build the event that Lambda makes of a batch.

    https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
    """
    name = f"shardId-{shard:012d}"
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
                "eventID": f"{name}:{record.sequence_number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::000000000000:role/local",
                "awsRegion": "local",
                "eventSourceARN": "arn:aws:kinesis:local:000000000000:stream/liveinsight",
            }
            for record in records
        ]
    }
