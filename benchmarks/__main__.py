"""Measures the cost of an event in each stage and compares it with the last figures kept.

Timings are CPU seconds of one process, the best of several rounds, because a shared machine's
pauses say nothing about the code. Quote ratios of one run, not figures of two. `--keep` writes the
figures to results.json.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from uuid import uuid4

import click

from aggregates.stores.opener import REMEMBERED_STATES_BYTES, state_bytes
from aggregates.stores.remembering import RememberingStore
from aggregates.stores.sqlite import (
    SqliteEventStore,
    SqliteMinuteStore,
    SqliteRollupStore,
    SqliteSealStore,
    SqliteVisitorStore,
    tables,
)
from benchmarks.units import units_per_1000_events
from ingest.collector import Collector, Credentials
from ingest.hits.client import Client
from ingest.salts.sqlite import SqliteSaltStore
from ingest.stream.sqlite import SqliteEventLog
from ingest.tokens import token
from ingest.tokens.token import TokenClaims, TokenKeys
from liveinsight.engine.mapping import kinesis_event
from liveinsight.traffic.sample_history import sample_history
from processors.archive.processor import ArchiveProcessor, ArchiveStores
from processors.archive.store import ObjectArchiveStore
from processors.dead_letter import DeadLetters
from processors.realtime.processor import RealtimeProcessor
from processors.record import Record, records_of
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.objects.folder import FolderObjects
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from schemas.hit import CollectRequest

RESULTS = Path(__file__).parent / "results.json"
SITE = Site(site_id="demo.example", import_secret="0" * 64)
EVENTS = 6000
BATCH = 500
ROUNDS = 3
BROWSER = Client("203.0.113.7", "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0 Safari/537.36")
HANDLERS = (
    "ingest.handler",
    "processors.archive.handler",
    "processors.realtime.handler",
    "processors.stats.handler",
    "api.realtime.handler",
    "api.stats.handler",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured cost."""

    name: str
    value: float
    unit: str


@click.command(help=__doc__)
@click.option("--keep", is_flag=True, help="Write results.json.")
def main(*, keep: bool) -> None:
    """Measure everything and print it beside the last figures."""
    last = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    figures = {}
    for figure in measure():
        figures[figure.name] = round(figure.value, 2)
        before = last.get(figure.name)
        change = f"{figure.value / before:6.2f} x the last" if before else ""
        print(f"{figure.name:38} {figure.value:10.2f} {figure.unit:12} {change}", flush=True)
    if keep:
        # Those of `benchmarks.month` stay: that takes far longer.
        RESULTS.write_text(json.dumps({**last, **figures}, indent=2) + "\n")


def measure() -> Iterator[Figure]:
    """Yield the figures one after another."""
    yield from _collector()
    yield from _consumers()
    yield from (Figure(*figure) for figure in units_per_1000_events())
    for handler in HANDLERS:
        yield Figure(f"import {handler}", _import_seconds(handler) * 1000, "ms")


def _collector() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        sites = SqliteSiteStore(Path(folder) / "sites.sqlite")
        sites.add(SITE)
        log = SqliteEventLog(Path(folder) / "stream.sqlite", clock=lambda: datetime.now(UTC))
        keys = TokenKeys("k", {"k": b"k" * 32})
        salts = SqliteSaltStore(Path(folder) / "salts.sqlite")
        collector = Collector(sites, salts, keys)
        for size in (1, 50):
            requests = max(20, 600 // size)

            def post(size: int = size, requests: int = requests) -> None:
                _post(collector, log, keys, requests, size)

            cost = _best(post) / (requests * size)
            yield Figure(f"collector, {size} events a request", cost * 1e6, "us/event")


def _post(
    collector: Collector, log: SqliteEventLog, keys: TokenKeys, requests: int, size: int
) -> None:
    now = datetime.now(UTC)
    for _ in range(requests):
        session = uuid4().hex
        claims = TokenClaims(SITE.site_id, b"visitor1", 0, now + token.LIFETIME)
        signed = token.issue(keys, claims, session_id=session)
        hit = {"event_type": "page_view", "page_url": "https://demo.example/pricing"}
        judged = collector.judge(
            CollectRequest(events=[hit] * size),
            credentials=Credentials(signed, session),
            client=BROWSER,
            new_id=uuid4,
            now=now,
        )
        log.put([judged.record])


def _consumers() -> Iterator[Figure]:
    batches = _stream()
    records = sum(map(len, batches))
    size = sum(len(record.data) for batch in batches for record in batch) / records
    yield Figure("record on the stream", size, "bytes")
    for name, make in {"archive": _archive, "realtime": _realtime, "stats": _stats}.items():
        cost = min(_run(make, batches) for _ in range(ROUNDS)) / records
        yield Figure(f"{name} consumer, {BATCH} records a batch", cost * 1e6, "us/event")
        yield Figure(f"{name} consumer", 1 / cost, "events/s")


def _stream() -> list[list[Record]]:
    """Sample history as the batches that a consumer gets, one event in a record."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        log = SqliteEventLog(Path(folder) / "s.sqlite", clock=lambda: now, shards=1)
        sent = 0
        for chunk in sample_history(SITE, 2, 3000, now, Random(1)):  # noqa: S311 - no secret
            log.put(chunk)
            sent += len(chunk)
            if sent >= EVENTS:
                break
        (shard,) = log.shards()
        found = log.read(shard, after=0, limit=EVENTS)
    parts = (found[start : start + BATCH] for start in range(0, len(found), BATCH))
    return [records_of(kinesis_event(shard, part)) for part in parts]


Run = Callable[[Sequence[Record]], object]


def _archive(folder: Path) -> Run:
    database = tables(folder / "tables.sqlite")
    stores = ArchiveStores(
        archive=ObjectArchiveStore(FolderObjects(folder / "archive")),
        events=SqliteEventStore(database),
        ledger=SqliteRollupStore(database),
        seals=SqliteSealStore(database),
        dead_letters=DeadLetters(FolderObjects(folder / "dead")),
        malformed=DeadLetters(FolderObjects(folder / "malformed")),
    )
    sites = SqliteSiteStore(folder / "sites.sqlite")
    sites.add(SITE)
    processor = ArchiveProcessor(SiteCache(sites), stores)
    return lambda batch: processor.run(batch, now=datetime.now(UTC))


def _realtime(folder: Path) -> Run:
    minutes = SqliteMinuteStore(tables(folder / "tables.sqlite"))
    processor = RealtimeProcessor(minutes, DeadLetters(FolderObjects(folder / "dead")))
    return lambda batch: processor.run(batch, now=datetime.now(UTC))


def _stats(folder: Path) -> Run:
    sites = SqliteSiteStore(folder / "sites.sqlite")
    sites.add(SITE)
    database = tables(folder / "tables.sqlite")
    processor = StatsProcessor(
        SiteCache(sites),
        StatsStores(
            SqliteRollupStore(database),
            SqliteSealStore(database),
            RememberingStore(SqliteVisitorStore(database), state_bytes, REMEMBERED_STATES_BYTES),
            DeadLetters(FolderObjects(folder / "dead")),
        ),
    )
    return lambda batch: processor.run(batch, now=datetime.now(UTC))


def _run(make: Callable[[Path], Run], batches: Sequence[Sequence[Record]]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        run = make(Path(folder))
        began = time.process_time()
        for batch in batches:
            run(batch)
        return time.process_time() - began


def _best(work: Callable[[], None]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def _import_seconds(module: str) -> float:
    """Return how long an import takes in a fresh process, with bytecode: a part of a cold start."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", code]
        times = [
            float(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)
            for _ in range(ROUNDS + 1)  # the first one writes the bytecode
        ]
    return min(times[1:])


if __name__ == "__main__":
    main()
