"""A stream, its archive and a stats consumer in a folder, of which a rebuild is made."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from aggregates.progress import Position
from aggregates.rollup import Counters, RowKey
from aggregates.stores.difference import days_of
from aggregates.stores.reading import Reading
from aggregates.stores.sqlite import (
    SqliteRollupStore,
    SqliteSealStore,
    SqliteVisitorStore,
    tables,
)
from ingest.stream.reader import StreamRecord
from ingest.stream.sink import SinkRecord
from ingest.stream.sqlite import SqliteEventLog, SqliteStreamReader
from liveinsight.replay.catching_up import RebuildStores
from liveinsight.replay.plan import Plan
from liveinsight.replay.rebuild import Rebuild
from liveinsight.replay.share import Share
from processors.archive.container import ArchivedRecord
from processors.archive.store import ObjectArchiveStore
from processors.dead_letter import DeadLetters
from processors.record import Record
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.objects.folder import FolderObjects
from runtime.settings import EmbeddedSettings
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from schemas.event import EventBatch, encode_batch
from tests import oracle
from tests.factories import NOW
from tests.processors.stream import SITE
from tests.simulation.expectation import read_day

OBJECT = 7
"""Records in an object of the archive."""


class House:
    """A folder with a stream, its archive and a stats consumer, none of which runs by itself."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.settings = EmbeddedSettings(folder)
        self.database = tables(self.settings.tables_path)
        self.sites = SqliteSiteStore(self.settings.sites_path)
        self.sites.add(Site(site_id=SITE))
        self.log = SqliteEventLog(self.settings.stream_path, lambda: self.now)
        self.stream = SqliteStreamReader(self.log)
        self.archive = ObjectArchiveStore(FolderObjects(folder / "archive"))
        self.rollups = SqliteRollupStore(self.database)
        self.seals = SqliteSealStore(self.database)
        self.stats = StatsStores(
            self.rollups,
            self.seals,
            SqliteVisitorStore(self.database),
            DeadLetters(FolderObjects(folder / "dead")),
        )
        self.sent: list[EventBatch] = []
        self.at: dict[str, int] = {}
        self.rebuild = Rebuild(
            RebuildStores(self.sites, self.stats, self.archive, self.stream),
            self,
            folder / "rebuild",
            lambda: NOW,
        )

    def positions(self) -> Mapping[str, int] | None:
        return self.at

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()

    @property
    def site(self) -> Site:
        site = self.sites.get(SITE)
        assert site
        return site

    def send(self, batches: Sequence[EventBatch]) -> None:
        self.sent += batches
        for batch in batches:
            key = f"{batch.site_id}/{batch.visitor_id[-1] % 2}"
            self.log.put([SinkRecord(key, encode_batch(batch))])

    def live(self, batches: Sequence[EventBatch], zone: str = "UTC") -> None:
        """Send each batch when it was received."""
        self.sites.update(SITE, lambda one: replace(one, timezone=zone))
        for batch in batches:
            self.now = datetime.fromtimestamp(batch.received_at / 1000, UTC)
            self.send([batch])
        self.now = NOW

    def archive_all(self, but: int = 0) -> None:
        """Archive all but the newest records of each shard."""
        for shard in self.stream.shards():
            waiting = self.read(shard, self.archive.tail(shard))
            waiting = waiting[: len(waiting) - but]
            for start in range(0, len(waiting), OBJECT):
                some = [ArchivedRecord(*one) for one in waiting[start : start + OBJECT]]
                self.archive.append(shard, self.archive.tail(shard), some)

    def count(self, but: int = 0, again: int = 0) -> None:
        """Count all but the newest records of each shard; some are delivered again."""
        processor = StatsProcessor(SiteCache(self.sites), self.stats, recent_bytes=500)
        for shard in self.stream.shards():
            waiting = self.read(shard, max(0, self.at.get(shard, 0) - again))
            waiting = waiting[: len(waiting) - but]
            records = [
                Record(Position(one.shard, one.sequence_number), *one[2:]) for one in waiting
            ]
            if records:
                processor.run(records, now=NOW)
                self.at[shard] = max(self.at.get(shard, 0), waiting[-1].sequence_number)

    def read(self, shard: str, after: int) -> list[StreamRecord]:
        return list(self.stream.read(shard, after))

    def rows(self, generation: int, day: date) -> Mapping[RowKey, Counters]:
        read = read_day(self.rollups, self.seals, generation, day)
        assert not read.misses
        return read.rows()

    def is_right(self, zone: str = "UTC") -> bool:
        expected = oracle.count(self.sent, zone)
        reading = Reading(self.rollups, self.seals)
        generation = self.site.generation
        assert set(days_of(reading, SITE, [generation])) == expected.keys()
        return all(self.rows(generation, day) == rows for day, rows in expected.items())

    def fold(self, plan: Plan) -> None:
        sites = self.rebuild.sites(plan)
        for number in range(plan.shares):
            share = Share(self.rebuild.share_path(number), number, plan, sites)
            share.run(self.archive, lambda _: None)

    def build(
        self, zone: str | None = None, shares: int = 2, days: tuple[date, date] | None = None
    ) -> Plan:
        plan = self.rebuild.begin([SITE], zone, shares, days)
        self.fold(plan)
        self.rebuild.install(plan, lambda _: None)
        return plan

    def turn(self, plan: Plan) -> None:
        self.rebuild.catch_up(self.rebuild.sites(plan), plan.through, self.positions())
        self.rebuild.turn(SITE, plan.generations[SITE])
        self.rebuild.clear()

    def turn_back(self) -> None:
        kept, positions = self.rebuild.kept(SITE)
        self.rebuild.catch_up({SITE: kept}, positions, self.positions())
        self.rebuild.turn_back(SITE, kept.generation)
