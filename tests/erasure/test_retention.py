"""What a site keeps no longer goes, by a clock that is moved; on both engines."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from aggregates.ledger import ARCHIVE_GENERATION
from aggregates.stores.difference import days_of
from aggregates.stores.opener import events, reading, rollups, seals, visitors_of_sites
from aggregates.stores.sqlite import SqliteEventStore, SqliteVisitorStore, tables
from ingest.stream.kinesis import KinesisEventSink
from liveinsight.engine.consumer import open_log
from liveinsight.erasure.opener import erasable_stream
from liveinsight.replay.opener import rebuild_of
from processors.archive.store import ObjectArchiveStore
from processors.compaction.retention import ArchiveRetention
from processors.erasure.selection import Selection
from processors.seal.processor import SealProcessor
from runtime.errors import UsageError
from runtime.objects.opener import objects
from runtime.settings import AwsSettings, EmbeddedSettings
from runtime.sites.retention import Retention
from runtime.sites.site import Site
from schemas.event import decode_batch
from tests.aws import NO_WAIT
from tests.erasure.world import NOW, OTHER, SITE, VISITOR, World

if TYPE_CHECKING:
    from tests.aws import Aws

WEEK = timedelta(days=7)
DAY = timedelta(days=1)


@pytest.fixture(params=["embedded", "aws"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "embedded":
        settings = EmbeddedSettings(tmp_path)
        world = World(settings, open_log(settings), Random(5))
    else:
        aws: Aws = request.getfixturevalue("aws")
        sink = KinesisEventSink(aws.kinesis, "stream", backoff=NO_WAIT)
        world = World(AwsSettings(dict(os.environ)), sink, Random(5))
    world.send(world.traffic(30))
    world.consume()
    world.compact()
    world.send(world.traffic(10))
    world.consume()
    return world


def keep(world: World, retention: Retention) -> None:
    world.sites.update(SITE, lambda site: replace(site, retention=retention))


def received(world: World, site_id: str) -> Iterator[date]:
    """On which days the archived records of a site were received."""
    store = ObjectArchiveStore(objects(world.settings, "archive"))
    for shard in store.shards():
        for record in store.records(shard):
            batch = decode_batch(record.data)
            if batch.site_id == site_id:
                yield world.day(batch.received_at)


def site_of(world: World) -> Site:
    site = world.sites.get(SITE)
    assert site
    return site


def test_the_archive_keeps_so_many_days_and_is_whole(world: World) -> None:
    before = world.rows(SITE), world.state(SITE), sorted(received(world, OTHER))
    retention = ArchiveRetention(world.sites, world.chain)
    assert retention.run(now=NOW + WEEK).objects == 0, "without a word all is kept"
    keep(world, Retention(archive=7))
    first = NOW.date() - DAY
    gone = [day for day in received(world, SITE) if day < first]
    assert gone
    assert retention.run(now=NOW + WEEK - DAY).records == len(gone)
    assert min(received(world, SITE)) >= first
    assert site_of(world).archived_from == first + 2 * DAY
    assert world.problems() == []
    assert (world.rows(SITE), world.state(SITE), sorted(received(world, OTHER))) == before
    assert retention.run(now=NOW + WEEK - DAY).objects == 0
    assert retention.run(now=NOW + WEEK).records > 0, "a day later the next one goes"
    assert (world.rows(SITE), world.problems()) == (before[0], [])


def test_what_is_counted_without_an_archive_is_not_counted_anew(world: World) -> None:
    keep(world, Retention(archive=7))
    ArchiveRetention(world.sites, world.chain).run(now=NOW + WEEK)
    before = world.rows(SITE)
    with pytest.raises(UsageError, match="would be lost by a rebuild"):
        rebuild_of(world.settings, world).begin([SITE], None, 1)
    stream = erasable_stream(world.settings)
    with pytest.raises(UsageError, match="run it with --keep-totals"):
        world.erase(stream, Selection(SITE, visitor_id=VISITOR))
    world.erase(stream, Selection(SITE, visitor_id=VISITOR), keep_totals=True)
    assert world.rows(SITE) == before


def test_rollups_are_kept_for_so_many_days(world: World) -> None:
    sealer = SealProcessor(world.sites, rollups(world.settings), seals(world.settings))
    sealer.run(now=NOW + 40 * DAY)
    whole, others = world.rows(SITE), world.rows(OTHER)
    keep(world, Retention(rollups=42))
    first = NOW.date() - 2 * DAY
    assert sealer.run(now=NOW + 40 * DAY).failures == []
    left = {day: rows for day, rows in whole.items() if day >= first}
    assert world.rows(SITE) == left
    assert {} != left != whole
    assert world.rows(OTHER) == others
    for generation in (site_of(world).generation, ARCHIVE_GENERATION):
        kept = days_of(reading(world.settings), SITE, [generation])
        assert all(day >= first for day in kept)
    assert world.state(SITE) == "balanced"


def test_raw_events_and_states_are_kept_for_as_long_as_the_site_says(world: World) -> None:
    keep(world, Retention(raw_events=9, states=11))
    world.start()
    late = world.batch(SITE, bytes(8), NOW, 1)
    world.send([late])
    world.consume()
    (raw,) = events(world.settings).session(late.events[0].session_id)
    assert raw.expires_at == int((NOW + 9 * DAY).timestamp())
    ((_, state),) = visitors_of_sites(world.settings).of_site(SITE, bytes(8))
    assert state.expires_at == int((NOW + 11 * DAY).timestamp())
    if isinstance(world.settings, EmbeddedSettings):
        database = tables(world.settings.tables_path)
        for store, days in ((SqliteEventStore(database), 9), (SqliteVisitorStore(database), 11)):
            store.delete_expired(NOW + days * DAY)
            assert store.delete_expired(NOW + days * DAY + timedelta(seconds=1)) == 1


def test_a_rebuild_does_not_bring_back_what_is_kept_no_longer(tmp_path: Path) -> None:
    settings = EmbeddedSettings(tmp_path)
    world = World(settings, open_log(settings), Random(5))
    world.send(world.traffic(30))
    world.consume()
    keep(world, Retention(rollups=7))
    world.sites.update(SITE, lambda site: site)
    stream = erasable_stream(world.settings)
    world.erase(stream, Selection(SITE, visitor_id=VISITOR))
    assert world.rows(SITE) == {}, "its days are long over today"
    assert world.rows(OTHER) == world.expected(OTHER)


@pytest.mark.parametrize(
    "wrong", [{"raw_events": 0}, {"states": 2}, {"rollups": 6}, {"archive": 6}, {"states": 91}]
)
def test_too_few_days_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"retention: .* are kept for [0-9]+ to [0-9]+ days"):
        Retention(**wrong)
