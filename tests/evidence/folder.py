"""A data folder with a collector and consumers, one step at a time, and what the proof says."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from click.testing import CliRunner, Result

from aggregates.stores.opener import events, heads, minutes, reading, rollups, seals, visitors
from aggregates.stores.sqlite import tables
from api.reconciliation.query import ReconciliationQuery
from ingest.accepted.opener import accepted_counts
from ingest.accepted.sqlite import SqliteAcceptedCounts
from ingest.collector import Collector, Credentials, Sender
from ingest.drain.drain import SpillDrain
from ingest.hits.client import Client
from ingest.salts.opener import salts
from ingest.stream.opener import event_sink, spill, spilling_sink
from ingest.stream.spill import Tally
from ingest.tokens.opener import token_keys
from liveinsight.cli import cli
from liveinsight.engine.consumer import open_log
from liveinsight.engine.mapping import kinesis_event
from liveinsight.engine.positions import CONSUMERS, Positions
from liveinsight.engine.witnesses import embedded_parts
from liveinsight.evidence.witnesses import AllWitnesses
from processors.archive.chain import Chain
from processors.archive.processor import ArchiveProcessor, ArchiveStores
from processors.archive.store import ObjectArchiveStore
from processors.compaction.plan import Rules
from processors.compaction.processor import Compactor
from processors.dead_letter import dead_letters, malformed
from processors.realtime.processor import RealtimeProcessor
from processors.record import records_of
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.objects.opener import objects
from runtime.settings import EmbeddedSettings
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites
from runtime.sites.site import Site
from schemas.hit import CollectRequest, TokenRequest

SITE = "my.site"
BESIDE = ("", "-wal", "-shm")
BATCH = 100


@dataclass
class Folder:
    """A data folder; each call opens what it needs, as a process that was just started does."""

    data: Path

    def __post_init__(self) -> None:
        self.settings = EmbeddedSettings(self.data)
        sites(self.settings).add(Site(site_id=SITE, public=True))

    def visit(self, requests: int, events_each: int = 1) -> int:
        """Let the collector take page views, each request of a visitor of its own."""
        sink = spilling_sink(self.settings, Tally())
        collector = Collector(sites(self.settings), salts(self.settings), token_keys(self.settings))
        for _ in range(requests):
            now, client = datetime.now(UTC), Client("192.0.2.1", f"Mozilla/5.0 ({uuid4().int})")
            session = uuid4().hex
            issued = collector.issue_token(
                TokenRequest(session_id=session, site_id=SITE),
                sender=Sender(client),
                fresh_salt=b"s" * 32,
                now=now,
            )
            hits: list[object] = [{"event_type": "page_view", "page_url": f"https://{SITE}/"}]
            judged = collector.judge(
                CollectRequest(events=hits * events_each),
                credentials=Credentials(issued.csrf_token, session),
                client=client,
                new_id=uuid4,
                now=now,
            )
            sink.put([judged.record])
            assert judged.receipt.accepted == events_each, judged.receipt
        self.flush()
        return requests * events_each

    def flush(self) -> None:
        """Let the collector write its own count, as it does every second."""
        counts = accepted_counts(self.settings)
        assert isinstance(counts, SqliteAcceptedCounts)
        counts.flush()

    def drain(self) -> None:
        SpillDrain(spill(self.settings), event_sink(self.settings), lambda: True).run()

    def consume(self, consumers: Iterable[str] = CONSUMERS) -> None:
        """Let consumers do all that the stream has for them."""
        log, positions = open_log(self.settings), Positions(tables(self.settings.tables_path))
        log.show()
        for consumer in consumers:
            processor = self._processor(consumer)
            for shard in log.shards():
                while found := log.read(shard, after=positions.get(consumer, shard), limit=BATCH):
                    now = datetime.now(UTC)
                    processor.run(records_of(kinesis_event(shard, found)), now=now)
                    last = found[-1].sequence_number
                    positions.advance(consumer, shard, last, now=now.timestamp())

    def _processor(self, consumer: str) -> ArchiveProcessor | RealtimeProcessor | StatsProcessor:
        directory, letters = SiteCache(sites(self.settings)), dead_letters(self.settings)
        if consumer == "realtime":
            return RealtimeProcessor(minutes(self.settings), letters)
        if consumer == "archive":
            return ArchiveProcessor(
                directory,
                ArchiveStores(
                    archive=ObjectArchiveStore(
                        objects(self.settings, "archive"), heads(self.settings)
                    ),
                    events=events(self.settings),
                    ledger=rollups(self.settings),
                    seals=seals(self.settings),
                    dead_letters=letters,
                    malformed=malformed(self.settings),
                ),
            )
        return StatsProcessor(
            directory,
            StatsStores(
                rollups(self.settings), seals(self.settings), visitors(self.settings), letters
            ),
        )

    def change(self, path: Path, statement: str) -> None:
        """Change a database by hand."""
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(statement)

    def compact(self) -> None:
        """Merge the files of the archive, and delete those that were merged."""
        chain = Chain(objects(self.settings, "archive"))
        rules = Rules(most_bytes=10**6, fewest_objects=2)
        for days in (1, 2):
            at = datetime.now(UTC) + timedelta(days=days)
            Compactor(chain, rules, grace=timedelta(0)).run(now=at)

    def age(self, by: timedelta) -> None:
        """Let time pass: all that happened lies further back."""
        with closing(sqlite3.connect(self.settings.stream_path)) as log, log:
            log.execute(
                "UPDATE records SET arrived_at = arrived_at - ?", (by.total_seconds() * 1000,)
            )
        with closing(sqlite3.connect(self.settings.tables_path)) as found, found:
            found.execute(
                "UPDATE positions SET advanced_at = advanced_at - ?", (by.total_seconds(),)
            )

    def log_files(self) -> list[Path]:
        return [self.data / f"stream.sqlite{suffix}" for suffix in BESIDE]

    def back_up_log(self) -> None:
        with (
            closing(sqlite3.connect(self.settings.stream_path)) as found,
            closing(sqlite3.connect(self.data / "kept")) as kept,
        ):
            found.backup(kept)

    def lose_log(self) -> None:
        for path in self.log_files():
            path.unlink(missing_ok=True)

    def restore_log(self) -> None:
        self.lose_log()
        (self.data / "kept").replace(self.settings.stream_path)

    def archive_files(self) -> list[Path]:
        return sorted((self.data / "archive" / "records").rglob("*.avro"))

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(
            cli, [*words, "--data", str(self.data)], standalone_mode=False, terminal_width=200
        )

    def proof(self) -> tuple[int, str, list[str]]:
        """What `reconcile` says: its exit code, the state, and what is broken, and where."""
        # Around now, so that no midnight comes between.
        yesterday = str(datetime.now(UTC).date() - timedelta(days=1))
        done = self.run("reconcile", "--site", SITE, "--from", yesterday, "--json")
        assert done.exception is None, done.exception
        answer: dict[str, Any] = json.loads(done.stdout)
        broken = [f"{one['where']}: {one['what']}" for one in answer["broken"]]
        return done.return_value, answer["state"], broken

    def document(self, now: datetime) -> dict[str, Any]:
        """What the proof will say at another time."""
        query = ReconciliationQuery(
            reading(self.settings), AllWitnesses(embedded_parts(self.settings, is_thorough=True))
        )
        site = sites(self.settings).get(SITE)
        assert site is not None
        return query.document(site, now.date() - timedelta(days=2), now.date(), now)

    def words(self) -> str:
        """What `reconcile` says to people, without its table."""
        yesterday = str(datetime.now(UTC).date() - timedelta(days=1))
        return self.run("reconcile", "--site", SITE, "--from", yesterday).stdout
