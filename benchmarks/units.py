"""What an event costs on AWS, in the units that AWS charges for.

The consumers run on moto; the adapters' meters count. One record holds one event, as a page view of
a browser does. These are the ends of the scale: next to no traffic, as much as a partition takes,
and a thousand sites, of one partition each. What lies between is in `benchmarks.month`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from random import Random

from aggregates.progress import Position
from ingest.hits.judge import partition_key
from ingest.hits.visitor import partition_of
from ingest.stream.kinesis import KinesisEventSink
from ingest.stream.sink import SinkRecord
from liveinsight.traffic.sample_history import sample_history
from processors.archive.processor import ArchiveProcessor
from processors.dead_letter import DeadLetters
from processors.realtime.processor import RealtimeProcessor
from processors.record import Record
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site
from schemas.event import VISITOR_ID_LENGTH, EventBatch, decode_batch, encode_batch
from tests.aws import Aws, simulated_aws

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SHARD = "shardId-000000000000"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Traffic as batches of a consumer.

    `warm_up` events come before the measured ones, in one batch, so that items have the size they
    have in the middle of a day. `pause` lies between two batches.
    """

    name: str
    sites: int
    batches: int
    batch_size: int
    pause: timedelta
    warm_up: int
    strangers: bool = False
    """Whether every event is of a visitor of its own."""


SCENARIOS = (
    Scenario("idle site", 1, 120, 1, timedelta(minutes=2), 100),
    Scenario("1,000 sites", 1000, 3, 500, timedelta(seconds=1), 2000),
    Scenario("full partition", 1, 3, 1000, timedelta(seconds=1), 2000),
    Scenario("flash crowd", 1, 1, 1000, timedelta(seconds=1), 100, strangers=True),
)

Run = Callable[[Sequence[Record], datetime], object]


def units_per_1000_events() -> Iterator[tuple[str, float, str]]:
    """Yield name, figure and unit."""
    for scenario in SCENARIOS:
        with simulated_aws():
            yield from _measured(scenario)


def _measured(scenario: Scenario) -> Iterator[tuple[str, float, str]]:
    aws, sites = Aws(), _sites(scenario)
    for site in sites:
        aws.sites().add(site)
    batches = list(_batches(scenario, sites))
    events = scenario.batches * scenario.batch_size
    for name, run in {**_consumers(aws), "stream": _stream(aws)}.items():
        aws.meter.take()
        for number, batch in enumerate(batches):
            run(batch, NOON + number * scenario.pause)
            if number == 0:
                aws.meter.take()  # the warm-up
        used = {unit: count for unit, count in asdict(aws.meter.take()).items() if count}
        if name == "stream":  # its requests are the collector's, one for each put
            used.pop("requests")
        else:
            used["batches"] = scenario.batches
        for unit, count in used.items():
            yield f"{scenario.name}, {name}: {unit}", count * 1000 / events, "/1,000 events"


def _consumers(aws: Aws) -> dict[str, Run]:
    dead_letters = DeadLetters(aws.bucket("dead-letters", "records/"))
    archive = ArchiveProcessor(SiteCache(aws.sites()), aws.archive_stores())
    realtime = RealtimeProcessor(aws.minutes(), dead_letters)
    stores = StatsStores(aws.rollups(), aws.seals(), aws.visitors(), dead_letters)
    stats = StatsProcessor(SiteCache(aws.sites()), stores)
    return {
        "stats": lambda batch, now: stats.run(batch, now=now),
        "realtime": lambda batch, now: realtime.run(batch, now=now),
        "archive": lambda batch, now: archive.run(batch, now=now),
    }


def _stream(aws: Aws) -> Run:
    sink = KinesisEventSink(aws.kinesis, "stream", aws.meter)
    return lambda batch, _: sink.put([SinkRecord(one.partition_key, one.data) for one in batch])


def _sites(scenario: Scenario) -> list[Site]:
    return [Site(site_id=f"site-{number}.example") for number in range(scenario.sites)]


def _batches(scenario: Scenario, sites: Sequence[Site]) -> Iterator[list[Record]]:
    """Yield the warm-up and then the measured batches; events happen when they arrive."""
    traffic = _traffic(sites)
    sizes = [scenario.warm_up, *[scenario.batch_size] * scenario.batches]
    sequence_number = 0
    for number, size in enumerate(sizes):
        arrived_at = int((NOON + number * scenario.pause).timestamp() * 1000)
        batch = []
        for site, one in islice(traffic, size):
            sequence_number += 1
            arriving = _arriving(one, arrived_at)
            if scenario.strangers:
                stranger = sequence_number.to_bytes(VISITOR_ID_LENGTH)
                arriving = replace(arriving, visitor_id=stranger)
            batch.append(_record(site, arriving, sequence_number))
        yield batch


def _traffic(sites: Sequence[Site]) -> Iterator[tuple[Site, EventBatch]]:
    """Yield simulated events; few sites have most visitors, as in a Zipf distribution."""
    history = sample_history(sites[0], 1, 6000, NOON, Random(1))  # noqa: S311 - no secret
    weights = [1 / rank for rank in range(1, len(sites) + 1)]
    for record in chain.from_iterable(history):
        one = decode_batch(record.data)
        of_visitor = Random(one.visitor_id)  # noqa: S311 - no secret
        (site,) = of_visitor.choices(sites, weights)
        yield site, replace(one, site_id=site.site_id)


def _arriving(batch: EventBatch, at: int) -> EventBatch:
    events = tuple(replace(event, occurred_at=at) for event in batch.events)
    return replace(batch, received_at=at, events=events)


def _record(site: Site, batch: EventBatch, number: int) -> Record:
    partition = partition_of(site, NOON.date(), batch.visitor_id)
    key = partition_key(site.site_id, partition)
    return Record(Position(SHARD, number), key, batch.received_at, encode_batch(batch))
