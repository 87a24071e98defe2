"""The event stream on Kinesis."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from botocore.config import Config

from ingest.stream.sink import SinkRecord
from runtime.aws import CLIENT, client, translated
from runtime.backoff import Backoff
from runtime.errors import PermanentError, RetryableError
from runtime.metering import PUT_PAYLOAD_UNIT, Meter, Units, container_meter, rounded_up

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

MAX_RECORDS = 500
MAX_REQUEST_BYTES = 5 * 1024 * 1024
MAX_RECORD_BYTES = 1024 * 1024
"""https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html"""

PATIENCE_SECONDS = 2.0
"""How long every record may be refused before the collector spills."""

IMPATIENT = Config(read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
"""Behind the sink stands the spill, and it repeats by itself: with both down, the browser has its
answer within the collector's 15 seconds (2 + 3 here, 9 there)."""


class KinesisEventSink:
    """An EventSink on a Kinesis stream.

    PutRecords may take a record and refuse the one before it. So that none of a partition key
    overtakes an earlier one, a request holds at most one record of each key, and a refused record
    holds back the later ones of its key: n records of one key take n requests. The collector puts
    one record at a time; whoever puts many should mix keys.

    Args:
        client: of boto3.
        stream: its name.
        meter: counts requests and PUT payload units.
        backoff: waits before refused records are sent again.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        client: "KinesisClient",
        stream: str,
        meter: Meter | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._stream = stream
        self._meter = meter or Meter()
        self._backoff = backoff or Backoff()
        self._clock = clock

    def put(self, records: Sequence[SinkRecord]) -> None:
        """Return once the stream has acknowledged every record.

        Raises:
            RetryableError: it took nothing for PATIENCE_SECONDS, or did not answer; any subset may
                be on the stream.
            PermanentError: a record is larger than Kinesis takes; none is on the stream.
        """
        for record in records:
            _require_size(record)
        waiting, failures, ends_at = list(records), 0, self._clock() + PATIENCE_SECONDS
        while waiting:
            sending, held = next_request(waiting)
            refused, why = self._send(sending)
            if len(refused) < len(sending):
                failures, ends_at = 0, self._clock() + PATIENCE_SECONDS
            elif self._clock() >= ends_at:
                raise RetryableError(f"{self._stream} refused {len(refused)} records: {why}")
            if refused:
                failures += 1
                self._backoff.wait(failures)
            waiting = refused + held

    def _send(self, records: Sequence[SinkRecord]) -> tuple[list[SinkRecord], str]:
        """Return the records that were refused, and the error code of one of them."""
        entries: list[PutRecordsRequestEntryTypeDef] = [
            {"Data": record.data, "PartitionKey": record.partition_key} for record in records
        ]
        units = sum(rounded_up(len(record.data), PUT_PAYLOAD_UNIT) for record in records)
        self._meter.add(Units(requests=1, put_payload_units=units))
        with translated(f"putting {len(records)} records on {self._stream}"):
            answer = self._client.put_records(StreamName=self._stream, Records=entries)
        codes = [result.get("ErrorCode", "") for result in answer["Records"]]
        refused = [record for record, code in zip(records, codes, strict=True) if code]
        return refused, next(filter(None, codes), "")


def open_sink(stream: str, *, impatient: bool) -> KinesisEventSink:
    """Return the sink of this container.

    Args:
        stream: its name.
        impatient: whether somebody else takes what the stream does not.
    """
    config = CLIENT.merge(IMPATIENT) if impatient else CLIENT
    return KinesisEventSink(client("kinesis", config), stream, container_meter())


def next_request(
    waiting: Sequence[SinkRecord],
) -> tuple[list[SinkRecord], list[SinkRecord]]:
    """Return what the next request may hold, and what must wait, both in order."""
    sending: list[SinkRecord] = []
    held: list[SinkRecord] = []
    keys: set[str] = set()
    room = MAX_REQUEST_BYTES
    for record in waiting:
        room -= _size(record)
        if len(sending) < MAX_RECORDS and room >= 0 and record.partition_key not in keys:
            sending.append(record)
        else:
            held.append(record)
            room += _size(record)
        keys.add(record.partition_key)
    return sending, held


def _size(record: SinkRecord) -> int:
    return len(record.data) + len(record.partition_key.encode())


def _require_size(record: SinkRecord) -> None:
    if _size(record) > MAX_RECORD_BYTES:
        raise PermanentError(
            f"a record of {record.partition_key!r} takes {_size(record)} bytes, "
            f"Kinesis takes {MAX_RECORD_BYTES}"
        )
