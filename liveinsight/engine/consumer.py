"""The consumer process: threads for the consumers, the log's tail, the schedules and housekeeping.

Of several consumer processes on the same data one works and the others stand by: they wait for a
lock that the system takes from a process when it dies, however it dies.
"""

import fcntl
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Thread

import ingest.drain.handler
import processors.archive.handler
import processors.compaction.handler
import processors.realtime.handler
import processors.seal.handler
import processors.stats.bootstrap
import processors.stats.handler
from aggregates.stores.sqlite import (
    SqliteEventStore,
    SqliteMinuteStore,
    SqliteVisitorStore,
    tables,
)
from ingest.salts.sqlite import SqliteSaltStore
from ingest.stream.sqlite import SqliteEventLog
from liveinsight.engine import schedule
from liveinsight.engine.gate import Gate
from liveinsight.engine.mapping import Mapping, run
from liveinsight.engine.positions import ARCHIVE, REALTIME, STATS, Positions
from liveinsight.engine.schedule import Schedule
from liveinsight.engine.tail import Tail
from liveinsight.engine.wishes import attend
from processors.archive.chain import Chain
from processors.archive.verify import end_of
from runtime.errors import (
    FAILURE_EXIT,
    USAGE_EXIT,
    LiveInsightError,
    RetryableError,
    UsageError,
    system_error,
)
from runtime.objects.folder import FolderObjects
from runtime.objects.opener import objects
from runtime.settings import EmbeddedSettings

logger = logging.getLogger(__name__)

STREAM_RETENTION = timedelta(days=1)
"""Of what all consumers have done: from the archive it can be read, and counted, for ever."""
SHARD_RETENTION = timedelta(days=30)
"""Of what is known of the shards of a log that is gone: it may be put back from a backup."""
MALFORMED_RETENTION = timedelta(days=30)
HOUSEKEEPING_EVERY = timedelta(minutes=5)
STAND_BY_POLL = timedelta(milliseconds=100)

BATCH_SIZE = 2000


MAPPINGS = (
    Mapping(
        ARCHIVE,
        processors.archive.handler.handler,
        BATCH_SIZE,
        window=timedelta(seconds=5),
        longest_rest=timedelta(seconds=60),
    ),
    Mapping(
        REALTIME,
        processors.realtime.handler.handler,
        BATCH_SIZE,
        window=timedelta(milliseconds=250),
        longest_rest=timedelta(seconds=2),
    ),
    Mapping(
        STATS,
        processors.stats.handler.handler,
        BATCH_SIZE,
        window=timedelta(seconds=1),
        longest_rest=timedelta(seconds=10),
    ),
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

SEALER = Schedule(
    "sealer",
    processors.seal.handler.handler,
    every=timedelta(minutes=10),
    timeout=timedelta(minutes=5),
)
"""Often enough for a machine that runs for an hour a day; it reads little where nothing is to do. A
stop does not wait for it either."""


def consume(settings: EmbeddedSettings, stop: Event) -> None:
    """Run the consumers until told to stop; stand by while another process runs them.

    Their handlers find the same settings in the environment.
    """
    with _lock(settings, stop) as locked:
        if not locked:
            return
        log = open_log(settings)
        positions = Positions(tables(settings.tables_path))
        compare(settings, log)
        tail = Tail(log)
        gates = {STATS: Gate(settings, processors.stats.bootstrap.processor.cache_clear).counting}
        threads = [
            _guarded(
                mapping.consumer,
                partial(
                    run,
                    replace(mapping, gate=gates.get(mapping.consumer, mapping.gate)),
                    log,
                    positions,
                    tail,
                    stop,
                ),
            )
            for mapping in MAPPINGS
        ]
        threads.append(_guarded("tail", partial(tail.run, stop)))
        threads.append(Thread(target=schedule.run, args=(DRAIN, stop), name=DRAIN.function))
        for thread in threads:
            thread.start()
        for rare in (COMPACTION, SEALER):
            Thread(target=schedule.run, args=(rare, stop), daemon=True).start()
        # A stop does not wait for it: whatever it does may be cut off anywhere.
        Thread(target=attend, args=(settings, stop), name="attendant", daemon=True).start()
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


def compare(settings: EmbeddedSettings, log: SqliteEventLog) -> None:
    """Compare the log with what is known elsewhere of its shards.

    What consumers and archive have, they were shown, though the witness be lost, or have been put
    back together with the log.

    Raises:
        UsageError: a file cannot be used.
        RetryableError: one could not be read now.
    """
    log.has_shown(Positions(tables(settings.tables_path)).furthest())
    chain = Chain(objects(settings, "archive"))
    log.has_shown({shard: end_of(chain, shard) for shard in log.shards()})


def backlog(settings: EmbeddedSettings) -> dict[str, int]:
    """Return how many records each consumer has not done yet."""
    log, positions = open_log(settings), Positions(tables(settings.tables_path))
    ends = log.ends()
    return {
        mapping.consumer: sum(
            max(0, end - positions.get(mapping.consumer, shard)) for shard, end in ends.items()
        )
        for mapping in MAPPINGS
    }


def _guarded(name: str, work: Callable[[], None]) -> Thread:
    """Return a thread; should its work break, the process ends, so that it is started afresh.

    Not where something is to be mended first, as its exit code says.
    """

    def guarded() -> None:
        try:
            work()
        except LiveInsightError as error:
            sys.stderr.write(f"liveinsight: {error}\n")
            sys.stderr.flush()
            os._exit(USAGE_EXIT if isinstance(error, UsageError) else FAILURE_EXIT)
        except OSError as error:  # such as a disk that cannot be written any more
            sys.stderr.write(f"liveinsight: {system_error(error)}\n")
            sys.stderr.flush()
            os._exit(FAILURE_EXIT)
        except Exception:
            logger.exception("consumer_broke", extra={"part": name})
            sys.stderr.flush()
            os._exit(FAILURE_EXIT)

    return Thread(target=guarded, name=name)


@contextmanager
def _lock(settings: EmbeddedSettings, stop: Event) -> Iterator[bool]:
    settings.data.mkdir(parents=True, exist_ok=True)
    path = settings.consumer_lock_path
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
            SqliteSaltStore(settings.salts_path),
        ):
            store.delete_expired(now)
        FolderObjects(settings.data / "malformed").delete_before(now - MALFORMED_RETENTION)
        for shard in log.shards():
            done = min(positions.get(mapping.consumer, shard) for mapping in MAPPINGS)
            log.trim(shard, through=done, arrived_before=now - STREAM_RETENTION)
        for file in (log, database):
            file.shrink()
        log.forget(before=now - SHARD_RETENTION)
        positions.forget(before=now - SHARD_RETENTION, but=log.shards())
    except RetryableError:
        logger.exception("housekeeping_failed")
