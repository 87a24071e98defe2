"""A rebuild through the adapters of AWS: S3, Kinesis, DynamoDB, and Lambda's mapping."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from ingest.stream.kinesis import KinesisEventSink
from ingest.stream.sink import SinkRecord
from liveinsight.replay.catching_up import RebuildStores
from liveinsight.replay.kinesis import KinesisStreamReader
from liveinsight.replay.lambda_mapping import LambdaConsumer
from liveinsight.replay.rebuild import Rebuild
from processors.archive.store import ObjectArchiveStore
from processors.dead_letter import DeadLetters
from processors.stats.processor import StatsStores
from runtime.errors import RetryableError, UsageError
from runtime.settings import AwsSettings
from runtime.sites.site import Site
from tests.aws import ENVIRON, NO_WAIT, REGION
from tests.factories import NOW, traffic
from tests.processors.stream import SITE
from tests.replay.rebuilding import House

if TYPE_CHECKING:
    from tests.aws import Aws


class AwsHouse(House):
    """The same on AWS, where nobody says how far the consumer has come."""

    def __init__(self, aws: "Aws", folder: Path) -> None:
        self.sites = aws.sites()  # type: ignore[assignment]
        self.sites.add(Site(site_id=SITE))
        self.log = KinesisEventSink(aws.kinesis, "stream", backoff=NO_WAIT)  # type: ignore[assignment]
        self.stream = KinesisStreamReader(aws.kinesis, "stream", NO_WAIT)  # type: ignore[assignment]
        self.archive = ObjectArchiveStore(aws.bucket("archive"))
        self.rollups, self.seals = aws.rollups(), aws.seals()  # type: ignore[assignment]
        letters = DeadLetters(aws.bucket("dead-letters", "records/"))
        self.stats = StatsStores(self.rollups, self.seals, aws.visitors(), letters)
        self.sent = []
        self.at = {}
        stores = RebuildStores(self.sites, self.stats, self.archive, self.stream)
        self.rebuild = Rebuild(stores, self, folder / "rebuild", lambda: NOW)

    def positions(self) -> Mapping[str, int] | None:
        return None


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_exact_on_aws_as_well(aws: "Aws", tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    house = AwsHouse(aws, tmp_path)
    batches = traffic(rng, 70)
    house.send(batches[:40])
    house.archive_all(but=rng.randrange(8))
    house.count(but=rng.randrange(8))
    plan = house.build()
    house.send(batches[40:50])
    house.count(but=rng.randrange(5))
    house.turn(plan)
    house.count(again=rng.randrange(9))
    assert house.is_right()
    house.send(batches[50:60])
    house.count(but=2)
    house.turn_back()
    assert house.site.generation == 1
    house.send(batches[60:])
    house.count(again=3)
    assert house.is_right()


def test_the_stream_is_read_from_any_place_and_any_moment(aws: "Aws") -> None:
    reader = KinesisStreamReader(aws.kinesis, "stream", NO_WAIT)
    sink = KinesisEventSink(aws.kinesis, "stream", backoff=NO_WAIT)
    sink.put([SinkRecord("a", bytes([number])) for number in range(9)])
    found = {shard: reader.read(shard, 0) for shard in reader.shards()}
    assert list(found) == ["shardId-stream-000000000000", "shardId-stream-000000000001"]
    (shard,) = [shard for shard, records in found.items() if records]
    records = found[shard]
    assert [record.data for record in records] == [bytes([number]) for number in range(9)]
    for place in (2, 5, 8, 2):
        after = records[place].sequence_number
        assert list(reader.read(shard, after)) == list(records[place + 1 :])
    assert not reader.read(shard, records[-1].sequence_number)
    arrived = records[0].arrived_at / 1000
    moment = datetime.fromtimestamp(arrived, UTC)
    assert reader.since(shard, moment - timedelta(hours=1))[0] == records[0]
    assert not reader.since(shard, moment + timedelta(hours=1))


def stubbed(*answers: tuple[str, dict[str, Any], dict[str, Any]]) -> tuple[Any, Stubber]:
    """A client that gives these answers to these calls, in order, checked against the API."""
    client = boto3.client("lambda", region_name=REGION)
    stubber = Stubber(client)
    for call, expected, answer in answers:
        stubber.add_response(call, answer, expected)
    stubber.activate()
    return client, stubber


SETTINGS = AwsSettings({**ENVIRON, "STATS_FUNCTION": "stats:live"})
UUID = {"UUID": "14e0db71-5d35-4eb5-b481-8945cf9d10c2"}
FOUND: tuple[str, dict[str, Any], dict[str, Any]] = (
    "list_event_source_mappings",
    {"FunctionName": "stats:live"},
    {"EventSourceMappings": [UUID]},
)


def switch(*, enabled: bool) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return "update_event_source_mapping", {**UUID, "Enabled": enabled}, UUID


def state(name: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return "get_event_source_mapping", UUID, {"State": name}


@pytest.mark.usefixtures("aws")
def test_the_mapping_is_disabled_until_the_turn_is_done() -> None:
    waits: list[float] = []
    client, stubber = stubbed(
        *(FOUND, switch(enabled=False), state("Disabling"), state("Disabled")),
        switch(enabled=True),
    )
    with LambdaConsumer(SETTINGS, client, waits.append).paused():
        assert waits == [2.0]
    stubber.assert_no_pending_responses()
    assert waits[1] >= 10, "containers remember the settings of a site for 10 s"


@pytest.mark.parametrize("last", ["Disabled", "Disabling"])
@pytest.mark.usefixtures("aws")
def test_the_mapping_is_enabled_whatever_happens(last: str) -> None:
    states = [state(last)] if last == "Disabled" else [state(last)] * 90
    client, stubber = stubbed(FOUND, switch(enabled=False), *states, switch(enabled=True))
    consumer = LambdaConsumer(SETTINGS, client, lambda _: None)
    with pytest.raises((ZeroDivisionError, RetryableError)), consumer.paused():
        raise ZeroDivisionError
    stubber.assert_no_pending_responses()


@pytest.mark.usefixtures("aws")
def test_a_function_without_one_mapping_is_refused() -> None:
    client, _ = stubbed((FOUND[0], FOUND[1], {"EventSourceMappings": [UUID, UUID]}))
    with (
        pytest.raises(UsageError, match="has 2 event source mappings"),
        LambdaConsumer(SETTINGS, client).paused(),
    ):
        raise AssertionError
