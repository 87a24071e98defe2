"""The event stream on Kinesis, read from any place; no function does that."""

from datetime import datetime
from typing import TYPE_CHECKING

from ingest.stream.reader import StreamRecord
from processors.record import shard_name
from runtime.aws import CLIENT, client, translated
from runtime.backoff import Backoff
from runtime.errors import RetryableError

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import GetShardIteratorInputTypeDef, RecordTypeDef

MOST_FAILURES = 8
"""Of GetRecords in a row, which each shard takes five times a second, whoever asks."""


class KinesisStreamReader:
    """A StreamReader of a Kinesis stream.

    An iterator goes on where the one before ended; a new one is asked for where the place is
    another. https://docs.aws.amazon.com/streams/latest/dev/developing-consumers-with-sdk.html
    """

    def __init__(
        self, client: "KinesisClient", stream: str, backoff: Backoff | None = None
    ) -> None:
        self._client, self._stream = client, stream
        self._backoff = backoff or Backoff()
        self._iterators: dict[str, tuple[int, str]] = {}

    def shards(self) -> list[str]:
        """Return the shards, each after those that it was split or merged from."""
        with translated(f"listing the shards of {self._stream}"):
            pages = self._client.get_paginator("list_shards").paginate(StreamName=self._stream)
            shards = [shard for page in pages for shard in page["Shards"]]
        # A child has a higher number than its parents.
        return [self._named(one) for one in sorted(shard["ShardId"] for shard in shards)]

    def read(self, shard: str, after: int) -> list[StreamRecord]:
        """Return some records of a shard behind a sequence number."""
        at, iterator = self._iterators.pop(shard, (-1, ""))
        if at != after:
            iterator = self._iterator(shard, after)
        return [one for one in self._next(shard, iterator) if one.sequence_number > after]

    def since(self, shard: str, moment: datetime) -> list[StreamRecord]:
        """Return some records of a shard, the first that arrived at a moment or later."""
        with translated(f"reading {self._stream}"):
            found = self._client.get_shard_iterator(
                StreamName=self._stream,
                ShardId=self._id_of(shard),
                ShardIteratorType="AT_TIMESTAMP",
                Timestamp=moment,
            )
        return self._next(shard, found["ShardIterator"])

    def _named(self, shard_id: str) -> str:
        """Return the name of a shard as the records have it (`processors.record`)."""
        return shard_name(self._stream, shard_id)

    def _id_of(self, shard: str) -> str:
        """Return what Kinesis calls a shard."""
        return shard.replace(f"-{self._stream}-", "-", 1)

    def _iterator(self, shard: str, after: int) -> str:
        at: GetShardIteratorInputTypeDef = {
            "StreamName": self._stream,
            "ShardId": self._id_of(shard),
            "ShardIteratorType": "TRIM_HORIZON",
        }
        if after:
            at |= {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": str(after),
            }
        with translated(f"reading {self._stream}"):
            return self._client.get_shard_iterator(**at)["ShardIterator"]

    def _next(self, shard: str, iterator: str) -> list[StreamRecord]:
        """Return the next records, however many empty answers come before them."""
        failures = 0
        while iterator:
            try:
                with translated(f"reading {self._stream}"):
                    answer = self._client.get_records(ShardIterator=iterator)
            except RetryableError:
                failures += 1
                if failures > MOST_FAILURES:
                    raise
                self._backoff.wait(failures)
                continue
            iterator, records = answer.get("NextShardIterator", ""), answer["Records"]
            if records:
                last = int(records[-1]["SequenceNumber"])
                self._iterators[shard] = last, iterator
                return [_stream_record(shard, record) for record in records]
            if not answer.get("MillisBehindLatest", 0):
                break
        return []


def open_reader(stream: str) -> KinesisStreamReader:
    """Return a reader of a stream."""
    return KinesisStreamReader(client("kinesis", CLIENT), stream)


def _stream_record(shard: str, record: "RecordTypeDef") -> StreamRecord:
    return StreamRecord(
        shard,
        int(record["SequenceNumber"]),
        record["PartitionKey"],
        round(record["ApproximateArrivalTimestamp"].timestamp() * 1000),
        record["Data"],
    )
