"""The Kinesis sink on moto, with refusals put into its answers."""

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from ingest.stream.kinesis import MAX_RECORDS, PATIENCE_SECONDS, KinesisEventSink, next_request
from ingest.stream.sink import SinkRecord
from runtime.backoff import Backoff
from runtime.errors import PermanentError, RetryableError
from runtime.metering import Units
from tests.aws import Aws, hooked, json_answer

Refuse = Callable[[list[dict[str, Any]]], set[int]]
THROTTLED = "ProvisionedThroughputExceededException"


class Stream:
    """A stream that takes what `refuse` does not name, in the order in which it came."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.taken: list[tuple[str, bytes]] = []
        self.requests: list[list[dict[str, Any]]] = []
        self.refuse: Refuse = lambda _: set()
        self.now = 0.0
        self.waits: list[float] = []

    def sink(self) -> KinesisEventSink:
        backoff = Backoff(chance=lambda: 1.0, sleep=self._sleep)
        client, meter = self.aws.kinesis, self.aws.meter
        return KinesisEventSink(client, "stream", meter, backoff, clock=lambda: self.now)

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        entries = json.loads(request.body)["Records"]
        self.requests.append(entries)
        refused = self.refuse(entries)
        results: list[dict[str, str]] = []
        for number, entry in enumerate(entries):
            if number in refused:
                results.append({"ErrorCode": THROTTLED, "ErrorMessage": "slow down"})
            else:
                self.taken.append((entry["PartitionKey"], entry["Data"]))
                results.append({"SequenceNumber": "1", "ShardId": "shardId-0"})
        return json_answer(request, 200, {"FailedRecordCount": len(refused), "Records": results})

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def stream(aws: Aws) -> Iterator[Stream]:
    opened = Stream(aws)
    with hooked(aws.kinesis, opened.answer, "PutRecords"):
        yield opened


def some_records(count: int, keys: int) -> list[SinkRecord]:
    return [SinkRecord(f"my.site/{n % keys}", f"{n:05d}".encode()) for n in range(count)]


def by_key(taken: list[tuple[str, bytes]]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for key, data in taken:
        found.setdefault(key, []).append(data)
    return found


def test_records_reach_moto(aws: Aws) -> None:
    KinesisEventSink(aws.kinesis, "stream", aws.meter).put(some_records(20, 3))
    shards = aws.kinesis.list_shards(StreamName="stream")["Shards"]
    held: dict[str, list[bytes]] = {}
    for shard in shards:
        iterator = aws.kinesis.get_shard_iterator(
            StreamName="stream", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for record in aws.kinesis.get_records(ShardIterator=iterator)["Records"]:
            held.setdefault(record["PartitionKey"], []).append(record["Data"])
    assert held == by_key([(one.partition_key, one.data) for one in some_records(20, 3)])


def test_an_empty_put_is_no_request(stream: Stream) -> None:
    stream.sink().put([])
    assert stream.requests == []


@pytest.mark.parametrize("seed", range(20))
def test_only_what_was_refused_is_sent_again_and_no_key_is_overtaken(
    seed: int, stream: Stream
) -> None:
    rng = Random(seed)
    stream.refuse = lambda entries: {n for n in range(len(entries)) if rng.random() < 0.3}
    records = some_records(60, rng.randint(1, 30))
    stream.sink().put(records)
    wanted = by_key([(one.partition_key, one.data) for one in records])
    decoded = by_key([(key, _decoded(data)) for key, data in stream.taken])
    assert decoded == wanted
    assert len(stream.waits) > 0


def test_a_request_holds_what_kinesis_takes(stream: Stream) -> None:
    records = some_records(1200, 1200)
    stream.sink().put(records)
    assert [len(request) for request in stream.requests] == [MAX_RECORDS, MAX_RECORDS, 200]
    big = [SinkRecord(f"my.site/{n}", b"x" * 1_000_000) for n in range(12)]
    sending, held = next_request(big)
    assert (len(sending), len(held)) == (5, 7)


def test_a_request_holds_one_record_of_a_key(stream: Stream) -> None:
    stream.sink().put(some_records(10, 2))
    for request in stream.requests:
        assert max(Counter(entry["PartitionKey"] for entry in request).values()) == 1


def test_a_stream_that_refuses_everything_is_given_up(stream: Stream) -> None:
    stream.refuse = lambda entries: set(range(len(entries)))
    with pytest.raises(RetryableError, match=THROTTLED):
        stream.sink().put(some_records(3, 3))
    assert PATIENCE_SECONDS <= stream.now < PATIENCE_SECONDS + 2
    assert stream.waits[:3] == [0.05, 0.1, 0.2]


def test_a_stream_that_does_not_answer_is_a_fault(aws: Aws) -> None:
    def time_out(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="kinesis")

    sink = KinesisEventSink(aws.kinesis, "stream")
    with (
        hooked(aws.kinesis, time_out),
        pytest.raises(RetryableError, match="Read timeout"),
    ):
        sink.put(some_records(1, 1))
    with pytest.raises(RetryableError, match="ResourceNotFoundException"):
        KinesisEventSink(aws.kinesis, "nowhere").put(some_records(1, 1))


def test_a_record_over_1_mib_is_refused_before_anything_is_sent(stream: Stream) -> None:
    with pytest.raises(PermanentError, match="1048576"):
        stream.sink().put([*some_records(2, 2), SinkRecord("my.site/0", b"x" * 2**20)])
    assert stream.requests == []


def test_payload_units_are_25_kb_of_each_record(stream: Stream) -> None:
    stream.sink().put([SinkRecord("a", b"x"), SinkRecord("b", b"x" * 25_601)])
    assert stream.aws.meter.take() == Units(requests=1, put_payload_units=3)
    assert stream.aws.meter.take() == Units()


def _decoded(data: Any) -> bytes:
    return b64decode(data)
