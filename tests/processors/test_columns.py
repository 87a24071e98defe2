"""The columns have what the archive has, whatever happens to who writes them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

import pytest
from duckdb import DuckDBPyConnection

from processors.archive.container import ArchivedRecord
from processors.archive.store import ObjectArchiveStore
from processors.columns.writer import ColumnsOutcome, ColumnsWriter
from query.database import connect
from query.engine import QueryEngine
from query.library import FolderLibrary
from query.question import Question
from runtime.objects.folder import FolderObjects
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from schemas.event import Context, Event, EventBatch, EventType, encode_batch
from tests import oracle
from tests.effort import examples
from tests.query.busy import Busy
from tests.query.comparing import check
from tests.query.shelf import SITE

SHARDS = ("shardId-a-0", "shardId-a-1")


class CrashError(Exception):
    """The process is gone."""


class CrashingLibrary(FolderLibrary):
    """A library whose writer may die before or after any change."""

    def __init__(self, folder: Path, rng: Random, often: float) -> None:
        super().__init__(folder)
        self._rng, self._often = rng, often

    def put(self, path: Path, key: str) -> None:
        self._maybe()
        super().put(path, key)
        self._maybe()

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._maybe()
            super().delete([key])

    def write(self, key: str, content: bytes) -> None:
        self._maybe()
        super().write(key, content)
        self._maybe()

    def _maybe(self) -> None:
        if self._rng.random() < self._often:
            raise CrashError


class World:
    """A data folder with an archive, a writer of columns, and an engine that asks them."""

    def __init__(self, folder: Path, timezone: str = "UTC", seed: int = 0) -> None:
        self.folder, self.rng = folder, Random(seed)
        self.objects = FolderObjects(folder / "archive")
        self.archive = ObjectArchiveStore(self.objects)
        self.sites = SqliteSiteStore(folder / "sites.sqlite")
        self.sites.add(Site(site_id=SITE, timezone=timezone))
        self.library = FolderLibrary(folder / "columns")
        self.engine = QueryEngine(self._connect, self.library)
        self._ends = dict.fromkeys(SHARDS, 0)
        self._records = 0

    @property
    def site(self) -> Site:
        site = self.sites.get(SITE)
        assert site is not None
        return site

    def archived(self, batches: Iterable[EventBatch]) -> None:
        """Put records into the archive: one object for each shard."""
        lots: dict[str, list[ArchivedRecord]] = {}
        for batch in batches:
            self._records += 1
            shard = SHARDS[batch.visitor_id[-1] % len(SHARDS)]
            key, data = f"{batch.site_id}/0", encode_batch(batch)
            lots.setdefault(shard, []).append(
                ArchivedRecord(shard, self._records, key, self._records, data)
            )
        for shard, records in lots.items():
            self._ends[shard] = self.archive.append(shard, self._ends[shard], records)

    def write(self, now: datetime, often: float = 0.0) -> ColumnsOutcome:
        """Run the writer once, to its end or to its death."""
        library = CrashingLibrary(self.library.folder, self.rng, often)
        writer = ColumnsWriter(
            self.objects, library, self._connect, self.folder / "scratch", self.sites
        )
        return writer.run(lambda: now)

    def counts_right(self, batches: Iterable[EventBatch], first: date, last: date) -> None:
        days = oracle.count(batches, self.site.timezone)
        check(self.engine.counted(Question(self.site, first, last)), days, first, last)

    def files(self) -> list[Path]:
        return sorted(path for path in self.library.folder.rglob("*.parquet"))

    def _connect(self) -> DuckDBPyConnection:
        (self.folder / "scratch").mkdir(exist_ok=True)
        return connect(256, 1, self.folder / "scratch", [self.library.folder, self.folder])


@pytest.mark.parametrize("seed", range(examples(5)))
def test_a_writer_that_dies_anywhere_loses_and_doubles_nothing(seed: int, tmp_path: Path) -> None:
    busy = Busy(seed, records=50)
    world, left = World(tmp_path, busy.site.timezone, seed), busy.batches
    sent: list[EventBatch] = []
    now, deaths = datetime(2027, 1, 10, tzinfo=UTC), 0
    first, last = busy.midnight - timedelta(days=1), busy.midnight + timedelta(days=1)
    while left:
        size = busy.rng.randrange(3, 25)
        world.archived(left[:size])
        sent, left = [*sent, *left[:size]], left[size:]
        try:
            world.write(now, often=0.08)
        except CrashError:
            deaths += 1
        now += timedelta(minutes=busy.rng.choice([1, 20]))
    world.write(now)
    world.counts_right(sent, first, last)
    world.write(now + timedelta(hours=1))
    world.counts_right(sent, first, last)
    assert deaths
    assert all("merged" in path.name for path in world.files())
    assert len({path.parent for path in world.files()}) == len(world.files())


def test_another_time_zone_needs_no_file_written_anew(tmp_path: Path) -> None:
    busy = Busy(1)
    world = World(tmp_path, "UTC")
    world.archived(busy.batches)
    world.write(datetime(2027, 1, 10, tzinfo=UTC))
    before = world.files()
    for timezone in ("Asia/Kolkata", "America/St_Johns", "Pacific/Kiritimati"):
        world.sites.update(SITE, partial(replace, timezone=timezone))
        world.counts_right(busy.batches, busy.midnight, busy.midnight)
    assert world.files() == before


def test_what_comes_after_a_merge_corrects_the_visits_of_the_day_before(tmp_path: Path) -> None:
    world, now = World(tmp_path), datetime(2027, 1, 10, tzinfo=UTC)
    night = int(datetime(2026, 5, 5, tzinfo=UTC).timestamp()) * 1000
    views = [
        EventBatch(
            SITE,
            b"visitor1",
            night + minutes * 60_000,
            Context(),
            (
                Event(
                    bytes([minutes % 99]) * 16, EventType.PAGE_VIEW, night + minutes * 60_000, "s"
                ),
            ),
        )
        for minutes in (-10, 5)
    ]
    for number, view in enumerate(views, 1):
        world.archived([view])
        world.write(now)
        world.counts_right(views[:number], date(2026, 5, 4), date(2026, 5, 5))
    assert all("merged" in path.name for path in world.files())


def test_a_month_becomes_one_file_and_what_comes_late_is_joined(tmp_path: Path) -> None:
    world, now = World(tmp_path, "America/St_Johns"), datetime(2026, 6, 20, tzinfo=UTC)
    moments = [
        datetime(2026, month, day, hour, minute, tzinfo=UTC)
        for month, day, hour, minute in (
            *((4, 30, 23, 50), (5, 1, 0, 5), (5, 1, 0, 40), (5, 9, 2, 0), (5, 31, 23, 59)),
            *((6, 1, 0, 10), (6, 1, 3, 0), (6, 19, 3, 0)),
            *((5, 1, 0, 20), (5, 20, 1, 0), (6, 1, 0, 1)),  # these come late
        )
    ]
    sent = [visit_at(number, moment) for number, moment in enumerate(moments)]
    world.archived(sent[:8])
    world.write(now)
    world.write(now)
    assert sorted(path.parent.name for path in world.files()) == sorted(
        2 * ["day=2026-04-30", "day=2026-05-01", "day=2026-06-01"] + ["day=2026-06-19"]
    )
    for range_ in ((date(2026, 4, 30), date(2026, 5, 1)), (date(2026, 5, 1), date(2026, 6, 1))):
        world.counts_right(sent[:8], *range_)
    world.archived(sent[8:])
    for later in (timedelta(0), timedelta(minutes=1), timedelta(minutes=10)):
        world.write(now + later)
        world.counts_right(sent, date(2026, 4, 29), date(2026, 6, 2))
    assert sum("merged" not in path.name for path in world.files()) == 1


def visit_at(number: int, moment: datetime) -> EventBatch:
    """A page view of one of two visitors."""
    at = int(moment.timestamp()) * 1000
    event = Event(bytes([number]) * 16, EventType.PAGE_VIEW, at, "session-a", page=f"/{number % 3}")
    return EventBatch(SITE, bytes(7) + bytes([number % 2]), at, Context(), (event,))


def test_an_archive_that_was_put_back_takes_the_columns_with_it(tmp_path: Path) -> None:
    busy = Busy(2)
    world, now = World(tmp_path), datetime(2027, 1, 10, tzinfo=UTC)
    world.archived(busy.batches[:20])
    world.archived(busy.batches[20:])
    world.write(now)
    for path in (tmp_path / "archive").rglob("*.avro"):
        if "after=" + "0" * 64 not in path.name:
            path.unlink()  # what came second
    assert world.write(now).made_anew
    world.counts_right(busy.batches[:20], busy.midnight - timedelta(days=1), busy.midnight)


def test_a_columns_folder_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    busy = Busy(3)
    world, now = World(tmp_path), datetime(2027, 1, 10, tzinfo=UTC)
    world.archived(busy.batches)
    first = world.write(now)
    for path in sorted(world.library.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert world.write(now).events_written == first.events_written
    world.counts_right(busy.batches, busy.midnight, busy.midnight)


def test_what_is_kept_no_longer_leaves_the_columns(tmp_path: Path) -> None:
    busy = Busy(4)
    world = World(tmp_path)
    world.archived(busy.batches)
    world.write(datetime(2027, 1, 10, tzinfo=UTC))
    keep = replace(world.site.retention, archive=7)
    world.sites.update(SITE, lambda site: replace(site, retention=keep))
    assert world.write(datetime(2027, 1, 10, tzinfo=UTC)).events_erased > 0
    assert world.files() == []


def test_the_files_of_a_site_that_is_gone_go_too(tmp_path: Path) -> None:
    busy = Busy(5)
    world, now = World(tmp_path), datetime(2027, 1, 10, tzinfo=UTC)
    world.archived(busy.batches)
    world.write(now)
    world.sites.remove(SITE)
    world.write(now)
    assert world.files() == []


def test_an_open_day_has_few_files_however_often_it_was_written(tmp_path: Path) -> None:
    busy = Busy(6, records=40)
    world, now = World(tmp_path), busy_time(busy)
    for batch in busy.batches:
        world.archived([batch])
        world.write(now)
    assert len(world.files()) < 3 * 8 * 2
    assert all("open" in path.name for path in world.files())
    world.counts_right(busy.batches, busy.midnight, busy.midnight)


def busy_time(busy: Busy) -> datetime:
    return datetime.fromtimestamp(busy.start / 1000, UTC)
