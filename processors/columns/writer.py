"""Brings the columns of events up to what the archive has.

What is written follows from the archive alone. So it may be deleted, and is made again; and where
the archive is not the one that it was made from, it is.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from aggregates.seal import DAY, Period
from aggregates.window import day_start
from processors.archive.chain import Chain
from processors.archive.store import ObjectArchiveStore
from processors.archive.verify import end_of
from processors.columns.checkpoint import NOTHING, Checkpoints, ShardCheckpoint
from processors.columns.files import ColumnFiles
from processors.columns.lots import Lot, lots
from processors.columns.selection import where, where_before
from processors.compaction.retention import first_kept
from processors.erasure.selection import Selection
from processors.seal.processor import CLOSED_AFTER
from query.layout import Part
from query.library import Library
from runtime.errors import RetryableError
from runtime.objects.port import Objects
from runtime.sites.site import Site, SiteStore

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LOGGER = logging.getLogger(__name__)

LOCKED_SECONDS = 10.0
"""How long others wait for the files, about: an erasure may want them."""

SETTLED_AFTER = timedelta(minutes=5)
"""How long after the last event of a day came that was merged before it is merged again."""

MONTH_SETTLED_AFTER = timedelta(days=10)
"""How long after its end the days of a month become one file. Until then open files may be near."""

MOST_OPEN = 64
"""Open files of a merged day, with which it is not waited for that."""


@dataclass(slots=True)
class ColumnsOutcome:
    """What a run came to."""

    records_read: int = 0
    events_written: int = 0
    days_merged: int = 0
    events_erased: int = 0
    """That are kept no longer."""
    made_anew: bool = False
    """Whether all that was there was deleted first."""


OnProgress = Callable[[ColumnsOutcome], object]


class ColumnsWriter:
    """Writes the columns of all sites.

    Args:
        objects: of the archive.
        library: the files.
        connect: opens a database that may change them.
        scratch: a folder on the same disk.
        sites: knows the sites.
    """

    def __init__(
        self,
        objects: Objects,
        library: Library,
        connect: Callable[[], "DuckDBPyConnection"],
        scratch: Path,
        sites: SiteStore,
    ) -> None:
        self._objects, self._library, self._connect = objects, library, connect
        self._scratch, self._sites = scratch, sites
        self._checkpoints = Checkpoints(library)

    def run(
        self,
        clock: Callable[[], datetime],
        on_progress: OnProgress = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> ColumnsOutcome:
        """Write what the archive has and the columns lack; then join, merge and erase what is due.

        Args:
            clock: tells the time.
            on_progress: told how far it is.
            stopped: says whether to end early; the next run goes on.

        Raises:
            BrokenArchiveError: objects of the archive are missing or changed.
            RetryableError: a store did not answer, or the disk refused.
            UsageError: DuckDB is not installed.
        """
        outcome = ColumnsOutcome()
        with self._working(clock) as files:
            self._begin(files, outcome)
            while not stopped() and self._read(files, outcome, on_progress, stopped):
                pass
            for work in (self._erase, self._join, self._merge, self._join_months):
                for site_id in self._library.sites():
                    if not stopped():
                        with self._library.alone():
                            work(files, site_id, clock(), outcome)
                        on_progress(outcome)
        return outcome

    def find(self, selection: Selection) -> int:
        """Return how many events are to be erased; what is in two files counts twice.

        Raises:
            RetryableError: a file cannot be read.
        """
        if selection.site_id not in self._library.sites():
            return 0
        with self._working(_now) as files, self._library.alone():
            return files.find(selection.site_id, where(selection))

    def erase(self, selection: Selection) -> int:
        """Erase events; return how many there were.

        Raises:
            RetryableError: a file cannot be read or written; erasing again goes on.
        """
        if selection.site_id not in self._library.sites():
            return 0
        with self._working(_now) as files, self._library.alone():
            self._clear(selection.site_id)
            if selection.is_site:
                return files.drop(selection.site_id)
            if selection.before is None:
                return files.erase_visitor(selection.site_id, where(selection))
            return files.erase(selection.site_id, where(selection), date.min, date.max)

    def behind(self) -> dict[str, ShardCheckpoint]:
        """Return what `behind` does."""
        return behind(self._objects, self._library)

    @contextmanager
    def _working(self, clock: Callable[[], datetime]) -> Iterator[ColumnFiles]:
        self._scratch.mkdir(parents=True, exist_ok=True)
        database = self._connect()
        try:
            yield ColumnFiles(
                self._library, database, self._scratch, lambda: int(clock().timestamp() * 1000)
            )
        finally:
            database.close()

    def _begin(self, files: ColumnFiles, outcome: ColumnsOutcome) -> None:
        """Delete what a crash has left; and all, where it is not of this archive."""
        with self._library.alone():
            for site_id in self._library.sites():
                self._clear(site_id)
            known = self._checkpoints.load()
            if known is None or not self._is_of_archive(known):
                outcome.made_anew = bool(self._library.sites())
                for site_id in self._library.sites():
                    files.drop(site_id)
                self._checkpoints.save({})

    def _clear(self, site_id: str) -> None:
        """Delete what a crash has left; it may hold what is erased next."""
        for path in self._scratch.iterdir():
            path.unlink()
        self._library.delete(self._library.leftovers(site_id))

    def _is_of_archive(self, known: Mapping[str, ShardCheckpoint]) -> bool:
        """Say whether the archive has all that the columns were made from."""
        chain = Chain(self._objects)
        shards = set(chain.shards())
        return all(
            shard in shards and end_of(chain, shard) >= one.through for shard, one in known.items()
        )

    def _read(
        self,
        files: ColumnFiles,
        outcome: ColumnsOutcome,
        on_progress: OnProgress,
        stopped: Callable[[], bool],
    ) -> bool:
        """Read the archive for a while; return whether there is more."""
        archive, until = ObjectArchiveStore(self._objects), time.monotonic() + LOCKED_SECONDS
        with self._library.alone():
            # Settings and archive are read anew: an erasure may have been at work.
            sites = {site.site_id for site in self._sites.list() if not site.closed}
            shards = self._checkpoints.load()
            if shards is None:
                raise RetryableError("the checkpoint of the columns was deleted meanwhile")
            for shard in archive.shards():
                after = shards.get(shard, NOTHING).through
                for lot in lots(shard, after, archive.records(shard, after), sites):
                    outcome.events_written += self._write(files, lot)
                    outcome.records_read += lot.records
                    shards[shard] = ShardCheckpoint(lot.last, lot.arrived_at)
                    self._checkpoints.save(shards)
                    on_progress(outcome)
                    if stopped() or time.monotonic() > until:
                        return True
        return False

    def _write(self, files: ColumnFiles, lot: Lot) -> int:
        return sum(
            files.append(
                site_id, day, events, f"{lot.shard}|{lot.after}|{lot.last}|{site_id}|{day}"
            )
            for (site_id, day), events in lot.events.items()
        )

    def _erase(
        self, files: ColumnFiles, site_id: str, now: datetime, outcome: ColumnsOutcome
    ) -> None:
        """Delete what is kept no longer."""
        site = self._sites.get(site_id)
        if site is None:
            outcome.events_erased += files.drop(site_id)
            return
        first = first_kept(site, now)
        if first is not None:
            outcome.events_erased += erase_before(files, site, day_start(first, site.timezone))

    def _join(self, files: ColumnFiles, site_id: str, _: datetime, __: ColumnsOutcome) -> None:
        for day in self._library.days(site_id):
            while files.join(site_id, day):
                pass

    def _merge(
        self, files: ColumnFiles, site_id: str, now: datetime, outcome: ColumnsOutcome
    ) -> None:
        due = [
            part.day
            for part in self._library.every(site_id, date.min, date.max)
            if not part.is_merged
            and is_closed(part.last, now)
            and _is_due(self._library.parts(site_id, part.day, part.last), now)
        ]
        outcome.days_merged += files.merge(site_id, due)

    def _join_months(
        self, files: ColumnFiles, site_id: str, now: datetime, _: ColumnsOutcome
    ) -> None:
        settled = (now - MONTH_SETTLED_AFTER).date()
        months = {
            Period.MONTH.first_day(day) for day in self._library.days(site_id) if day < settled
        }
        for month in sorted(months):
            if Period.MONTH.last_day(month) < settled:
                files.join_month(site_id, month)


def behind(objects: Objects, library: Library) -> dict[str, ShardCheckpoint]:
    """Return the shards of which the archive has more than the columns, and how far these are.

    Raises:
        BrokenArchiveError: objects of the archive are missing or changed.
        RetryableError: a store did not answer.
    """
    known, chain = Checkpoints(library).load() or {}, Chain(objects)
    found = {shard: known.get(shard, NOTHING) for shard in chain.shards()}
    return {shard: one for shard, one in found.items() if end_of(chain, shard) > one.through}


def _now() -> datetime:
    return datetime.now(UTC)


def erase_before(files: ColumnFiles, site: Site, moment: int) -> int:
    """Erase what occurred, or was received, before a moment (epoch milliseconds)."""
    return files.erase(site.site_id, where_before(moment), date.min, date.max)


def is_closed(day: date, now: datetime) -> bool:
    """Say whether a UTC day ended so long ago that no more events of it are expected."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY
    return now - end >= CLOSED_AFTER


def _is_due(parts: Iterable[Part], now: datetime) -> bool:
    parts = list(parts)
    opened = [part for part in parts if not part.is_merged]
    if not opened or len(opened) == len(parts) or len(opened) > MOST_OPEN:
        return bool(opened)
    newest = max(part.written_at for part in opened)
    return now.timestamp() * 1000 - newest >= SETTLED_AFTER / timedelta(milliseconds=1)
