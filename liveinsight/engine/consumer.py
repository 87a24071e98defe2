"""The consumer process: a thread for each consumer, for the spill drain, and for housekeeping.

Of several consumer processes on the same data one works and the others stand by: they wait for a
lock that the system takes from a process when it dies, however it dies.
"""

import fcntl
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import ingest.drain.handler
import processors.archive.handler
import processors.compaction.handler
import processors.realtime.handler
import processors.stats.handler
from aggregates.stores.sqlite import (
    SqliteEventStore,
    SqliteMinuteStore,
    SqliteVisitorStore,
    tables,
)
from ingest.stream.sqlite import SqliteEventLog
from liveinsight.engine import schedule
from liveinsight.engine.mapping import Mapping, run
from liveinsight.engine.positions import Positions
from liveinsight.engine.schedule import Schedule
from runtime.errors import FAILURE_EXIT, USAGE_EXIT, RetryableError, UsageError
from runtime.objects.folder import FolderObjects
from runtime.settings import EmbeddedSettings
from runtime.sites.sqlite import SqliteSiteStore

logger = logging.getLogger(__name__)

STREAM_RETENTION = timedelta(days=7)
MALFORMED_RETENTION = timedelta(days=30)
HOUSEKEEPING_EVERY = timedelta(minutes=5)
STAND_BY_POLL = timedelta(milliseconds=100)

MAPPINGS = (
    Mapping("archive", processors.archive.handler.handler, 500, timedelta(seconds=5)),
    Mapping("realtime", processors.realtime.handler.handler, 500, timedelta(milliseconds=250)),
    Mapping("stats", processors.stats.handler.handler, 500, timedelta(seconds=1)),
)

DRAIN = Schedule(
    "spill-drain", ingest.drain.handler.handler, timedelta(seconds=2), timeout=timedelta(seconds=15)
)
"""Often, because an empty folder costs nothing; briefly, so that a stop does not wait: no write is
begun in the last 10 seconds."""

COMPACTION = Schedule(
    "archive-compactor",
    processors.compaction.handler.handler,
    every=timedelta(hours=1),
    timeout=timedelta(minutes=10),
)
"""Hourly, because a machine may run for less than a day at a time. A stop does not wait for it: it
may be cut off anywhere."""


def consume(settings: EmbeddedSettings, stop: Event) -> None:
    """Run the consumers until told to stop; stand by while another process runs them.

    Their handlers find the same settings in the environment.
    """
    with _lock(settings, stop) as locked:
        if not locked:
            return
        log = open_log(settings)
        positions = Positions(tables(settings.tables_path))
        threads = [
            Thread(target=_guarded, args=(mapping, log, positions, stop), name=mapping.consumer)
            for mapping in MAPPINGS
        ]
        threads.append(Thread(target=schedule.run, args=(DRAIN, stop), name=DRAIN.function))
        for thread in threads:
            thread.start()
        Thread(target=schedule.run, args=(COMPACTION, stop), daemon=True).start()
        try:
            while not stop.wait(HOUSEKEEPING_EVERY.total_seconds()):
                _housekeep(settings, log, positions)
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def open_log(settings: EmbeddedSettings) -> SqliteEventLog:
    """Open the event log."""
    return SqliteEventLog(settings.stream_path, clock=lambda: datetime.now(UTC))


def backlog(settings: EmbeddedSettings) -> dict[str, int]:
    """Return how many records each consumer has not done yet."""
    log, positions = open_log(settings), Positions(tables(settings.tables_path))
    ends = {shard: log.last_sequence(shard) for shard in log.shards()}
    return {
        mapping.consumer: sum(
            max(0, end - positions.get(mapping.consumer, shard)) for shard, end in ends.items()
        )
        for mapping in MAPPINGS
    }


def _guarded(mapping: Mapping, log: SqliteEventLog, positions: Positions, stop: Event) -> None:
    """Run a mapping; should it break, end the process, so that its supervisor starts it afresh.

    Not where something is to be mended first, as its exit code says.
    """
    try:
        run(mapping, log, positions, stop)
    except UsageError as error:
        sys.stderr.write(f"liveinsight: {error}\n")
        sys.stderr.flush()
        os._exit(USAGE_EXIT)
    except Exception:
        logger.exception("mapping_broke", extra={"consumer": mapping.consumer})
        sys.stderr.flush()
        os._exit(FAILURE_EXIT)


@contextmanager
def _lock(settings: EmbeddedSettings, stop: Event) -> Iterator[bool]:
    settings.data.mkdir(parents=True, exist_ok=True)
    path = settings.data / "consumer.lock"
    if path.is_dir():
        raise UsageError(f"{path} is a folder where a file must be: move it away")
    with path.open("a+") as file:
        while not stop.is_set():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stop.wait(STAND_BY_POLL.total_seconds())
                continue
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield True
            return
        yield False


def _housekeep(settings: EmbeddedSettings, log: SqliteEventLog, positions: Positions) -> None:
    now = datetime.now(UTC)
    database = tables(settings.tables_path)
    try:
        for store in (
            SqliteVisitorStore(database),
            SqliteMinuteStore(database),
            SqliteEventStore(database),
            SqliteSiteStore(settings.sites_path),
        ):
            store.delete_expired(now)
        FolderObjects(settings.data / "malformed").delete_before(now - MALFORMED_RETENTION)
        for shard in log.shards():
            done = min(positions.get(mapping.consumer, shard) for mapping in MAPPINGS)
            log.trim(shard, through=done, arrived_before=now - STREAM_RETENTION)
    except RetryableError:
        logger.exception("housekeeping_failed")
