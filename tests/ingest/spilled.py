"""Records for the spill, streams that are down, and what consumers make of a stream."""

import resource
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from aggregates.progress import Position
from aggregates.visitor import NEW, VisitorState
from ingest.stream.sink import SinkRecord
from ingest.stream.spill import Spill, spill_name
from ingest.stream.sqlite import SqliteEventLog
from schemas.event import Context, Event, EventBatch, EventType, decode_batch, encode_batch
from tests.aggregates.folding import fold_alone
from tests.processors.archive_schedule import MemoryObjects

if TYPE_CHECKING:
    from tests.aws import Aws

NOW = datetime(2026, 3, 13, 15, 9, 20, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def event_log(folder: Path) -> SqliteEventLog:
    patience = timedelta(milliseconds=20)
    return SqliteEventLog(folder / "stream.sqlite", lambda: NOW, patience=patience)


def record(visitor: int = 0, events: int = 1, site_id: str = "my.site") -> SinkRecord:
    """A request of a visitor with so many page views, each with a new id."""
    views = tuple(
        Event(uuid4().bytes, EventType.PAGE_VIEW, NOW_MS, "session-a", site_id, "/")
        for _ in range(events)
    )
    batch = EventBatch(site_id, visitor.to_bytes(8), NOW_MS, Context(), views)
    return SinkRecord(f"{site_id}/{visitor % 4}", encode_batch(batch))


def ids(*records: SinkRecord) -> Counter[bytes]:
    """How often each event is in some records."""
    return Counter(event.event_id for one in records for event in decode_batch(one.data).events)


def on_kinesis(aws: "Aws") -> list[SinkRecord]:
    return [SinkRecord(one["PartitionKey"], one["Data"]) for shard in aws.stream() for one in shard]


def on_stream(log: SqliteEventLog) -> list[SinkRecord]:
    return [
        SinkRecord(one.partition_key, one.data)
        for shard in log.shards()
        for one in log.read(shard, after=0, limit=100_000)
    ]


def events_counted(stream: Iterable[SinkRecord]) -> int:
    """How many events the stats consumer counts on a stream."""
    states: dict[bytes, VisitorState] = {}
    counted = 0
    for number, one in enumerate(stream):
        batch = decode_batch(one.data)
        known = states.get(batch.visitor_id, NEW)
        folded = fold_alone(known, batch, Position("shardId-0", number))
        states[batch.visitor_id] = folded.state
        counted += folded.events_counted
    return counted


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another program holds the stream's file, so that it takes nothing."""
    with closing(sqlite3.connect(folder / "stream.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


SPILL_FITS = 4096
"""Bytes: less than a page and its header in SQLite's log, more than a small file of the spill."""
NOTHING_FITS = 0


@contextmanager
def writing_at_most(size: int, process: int = 0) -> Iterator[None]:
    """Let a process (0: this one) write no file beyond a place, as if the disk were full."""
    _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))


def names() -> Callable[[], str]:
    """Names in the order in which they are asked for."""
    numbers = iter(range(10**6))
    return lambda: spill_name(NOW + timedelta(milliseconds=next(numbers)), UUID(int=7))


def memory_spill() -> Spill:
    """A spill for what needs many."""
    return Spill(MemoryObjects({}, page=20))
