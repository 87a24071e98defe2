"""The stream of the embedded engine and its consumers, as an erasure has to do with them."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import get_args

from aggregates.stores.sqlite import tables
from ingest.stream.sqlite import SqliteEventLog
from liveinsight.engine.positions import Positions
from liveinsight.imports.checkpoint import ImportCheckpoints
from processors.erasure.selection import Selection
from runtime.errors import RetryableError, UsageError
from runtime.objects.opener import Kind, objects
from runtime.settings import EmbeddedSettings
from runtime.sites.cache import LIFETIME
from runtime.sqlite import Database

CONSUMERS = ("archive", "realtime", "stats")
REQUEST_SECONDS = 1.0
"""A request that was judged by older settings is on the stream within so long."""
POLL_SECONDS = 0.1
STANDSTILL_SECONDS = 150.0
"""A consumer that keeps up rests for a minute at most."""
DRAINED_WITHIN = timedelta(seconds=20)
"""The drain is given 15 s, and looks every two."""


class EmbeddedStream:
    """An ErasableStream.

    Args:
        settings: of the data folder.
        sleep: waits for some seconds.
    """

    def __init__(
        self, settings: EmbeddedSettings, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._settings, self._sleep = settings, sleep
        self._log = SqliteEventLog(settings.stream_path, lambda: datetime.now(UTC))
        self._positions = Positions(tables(settings.tables_path))
        self._is_still = False
        """Whether no consumer runs, and none will."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other erasures and imports out, and consumers that do not run from starting."""
        path, imports = self._settings.data / "erase.lock", self._settings.imports_path
        with path.open("a") as lock, (self._settings.data / "consumer.lock").open("a") as consumer:
            if not _has(lock.fileno()):
                raise UsageError(f"another erasure is at work in {path.parent}: wait for its end")
            self._is_still = _has(consumer.fileno())
            try:
                with ImportCheckpoints(imports).locked():
                    yield
            finally:
                self._is_still = False

    def find(self, selection: Selection) -> int:
        """Return how many records the stream has."""
        return self._each(selection, dry=True)

    def erase(self, selection: Selection) -> int:
        """Erase; a record of which nothing is left goes once all consumers have passed it."""
        erased = self._each(selection, dry=False)
        if self._is_still:
            self._skip_gaps()
        return erased

    def pass_by(self, selection: Selection) -> None:  # noqa: ARG002 - they are done with all
        """Return once every consumer is done with what is on the stream now."""
        ends, moved_at, behind = self._log.ends(), time.monotonic(), -1
        while not self._is_still:
            left = {
                consumer: sum(
                    max(0, end - self._done(consumer, shard)) for shard, end in ends.items()
                )
                for consumer in CONSUMERS
            }
            if not any(left.values()):
                return
            if sum(left.values()) != behind:
                behind, moved_at = sum(left.values()), time.monotonic()
            if time.monotonic() - moved_at > STANDSTILL_SECONDS:
                consumer = max(left, key=lambda one: left[one])
                raise RetryableError(
                    f"the {consumer} consumer stands still with {left[consumer]:,} records before"
                    " it: see its log, mend it, and run this again: it goes on"
                )
            self._sleep(POLL_SECONDS)

    def until_known(self) -> None:
        """Wait until everybody knows the settings of a site as they are now."""
        self._sleep(LIFETIME.total_seconds() + REQUEST_SECONDS)

    def until_drained(self) -> None:
        """Wait as long as a drain that has begun may take to put what it has read on the stream."""
        self._sleep(DRAINED_WITHIN.total_seconds())

    def forget(self, site_id: str) -> int:
        """Delete the checkpoints of the site's imports."""
        return ImportCheckpoints(self._settings.imports_path).forget(site_id)

    def clean(self) -> int:
        """Write the databases anew, and delete what a crash has left unfinished."""
        settings = self._settings
        for kind in get_args(Kind):
            objects(settings, kind).purge("")
        for path in (
            *(settings.stream_path, settings.tables_path, settings.sites_path),
            *(settings.salts_path, settings.accepted_path, settings.import_checkpoints_path),
        ):
            if path.exists():
                Database(path, tables="").vacuum()
        return 0

    def _each(self, selection: Selection, *, dry: bool) -> int:
        def left(partition_key: str, data: bytes, arrived_at: int) -> tuple[bytes | None] | None:
            erased = selection.erase(partition_key, data, arrived_at)
            return None if erased is None else (erased.data,)

        shards = self._log.shards()
        through = {
            shard: self._log.ends()[shard]
            if self._is_still
            else min(self._done(consumer, shard) for consumer in CONSUMERS)
            for shard in shards
        }
        return self._log.erase(left, through=through, dry=dry)

    def _done(self, consumer: str, shard: str) -> int:
        return self._positions.get(consumer, shard)

    def _skip_gaps(self) -> None:
        """Move consumers over what is gone right before them."""
        now = time.time()
        for shard, end in self._log.ends().items():
            for consumer in CONSUMERS:
                done = self._done(consumer, shard)
                following = self._log.read(shard, after=done, limit=1)
                first = following[0].sequence_number if following else end + 1
                if first > done + 1:
                    self._positions.advance(consumer, shard, first - 1, now=now)


def _has(lock: int) -> bool:
    """Take a lock, if nobody has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
