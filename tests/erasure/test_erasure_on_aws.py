"""The same through the adapters of AWS: tables, and every version of every object."""

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from random import Random
from typing import TYPE_CHECKING

import pytest

from aggregates.window import day_start
from ingest.salts.opener import salts
from ingest.stream.kinesis import KinesisEventSink
from liveinsight.erasure.kinesis import KinesisStream
from liveinsight.erasure.opener import erasable_stream
from processors.erasure.selection import Selection
from runtime.settings import AwsSettings
from tests.aws import NO_WAIT
from tests.erasure.world import NOW, OTHER, SITE, VISITOR, World, of_visitor, unpacked

if TYPE_CHECKING:
    from tests.aws import Aws

ONE, ALL = Selection(SITE, visitor_id=VISITOR), Selection(SITE)
PAST = Selection(SITE, before=day_start(date(2026, 5, 3), "UTC"))


@pytest.fixture
def world(aws: "Aws") -> World:
    for bucket in ("archive", "dead-letters"):
        aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    sink = KinesisEventSink(aws.kinesis, "stream", backoff=NO_WAIT)
    world = World(AwsSettings(dict(os.environ)), sink, Random(5))
    world.inhabit(compacted=40, small=15, beside=OTHER)
    return world


def stream_of(world: World, sleep: Callable[[float], object] = lambda _: None) -> KinesisStream:
    stream = erasable_stream(world.settings)
    assert isinstance(stream, KinesisStream)
    stream._sleep = sleep
    return stream


def held(aws: "Aws") -> Iterator[bytes]:
    """All that tables hold, and every version of every object."""
    for table in ("events", "sessions", "realtime", "stats", "sites", "salts"):
        for item in aws.dynamodb.scan(TableName=table)["Items"]:
            for attribute in item.values():
                for value in attribute.values():
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    yield raw
                    yield from unpacked_blob(raw)
    for bucket in ("archive", "dead-letters"):
        for one in aws.s3.list_object_versions(Bucket=bucket).get("Versions", []):
            key, version = one["Key"], one["VersionId"]
            found = aws.s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
            yield key.encode()
            yield found
            yield from unpacked(key, found)


def unpacked_blob(raw: bytes) -> Iterator[bytes]:
    with suppress(zlib.error):
        yield zlib.decompress(raw)


def is_held(aws: "Aws", needles: list[bytes]) -> bool:
    return any(needle in content for content in held(aws) for needle in needles)


def test_a_visitor_leaves_every_table_and_every_version(aws: "Aws", world: World) -> None:
    needles, before = of_visitor(world.sent), world.rows(OTHER)
    assert is_held(aws, needles)
    slept: list[float] = []

    def consume(seconds: float) -> None:
        slept.append(seconds)
        world.consume()

    receipt = world.erase(stream_of(world, consume), ONE)
    assert (receipt.recounted, receipt.still_arriving) == (True, False)
    assert slept, "what is on its way was waited for"
    empty = [name for name, count in receipt.counts.items() if not count]
    assert empty == ["stream_records"], "Kinesis changes no record"
    assert not is_held(aws, needles)
    world.consume()
    assert not is_held(aws, needles)
    assert world.rows(OTHER) == before
    assert world.rows(SITE) == world.expected(SITE, ONE)
    assert (world.problems(), world.state(SITE)) == ([], "balanced")
    assert world.erase(stream_of(world), ONE).is_empty


def test_all_of_a_site_leaves_every_table_and_every_version(aws: "Aws", world: World) -> None:
    salts(world.settings).salt(SITE, date(2026, 5, 4), fresh=b"a salt", now=NOW)
    before = world.rows(OTHER)
    receipt = world.erase(stream_of(world, lambda _: world.consume()), ALL)
    assert (receipt.counts["sites"], receipt.counts["salts"]) == (1, 1)
    assert not is_held(aws, [SITE.encode(), *of_visitor(world.sent)])
    assert world.rows(OTHER) == before == world.expected(OTHER)
    assert world.problems() == []
    assert world.erase(stream_of(world), ALL).is_empty


@pytest.mark.parametrize("keep_totals", [True, False])
def test_the_past_goes(world: World, keep_totals: bool) -> None:
    world.consume()
    before = world.rows(SITE)
    world.erase(stream_of(world), PAST, keep_totals=keep_totals)
    assert world.rows(SITE) == (before if keep_totals else world.expected(SITE, PAST))
    assert (world.problems(), world.state(SITE)) == ([], "balanced")
    assert world.erase(stream_of(world), PAST, keep_totals=keep_totals).is_empty
