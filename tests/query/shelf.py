"""A library of files, written from records as the writer does, and an engine that asks it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from duckdb import DuckDBPyConnection

from query.database import connect
from query.engine import QueryEngine
from query.layout import Part
from query.library import FolderLibrary
from query.stored import StoredEvent
from query.writing import DayMerge, EventFiles
from runtime.sites.site import Site
from schemas.event import EventBatch

SITE = "my.site"


class Shelf:
    """Files of a site in a folder, and an engine that asks them."""

    def __init__(self, folder: Path, timezone: str = "UTC") -> None:
        self.folder = folder
        self.scratch = folder.parent / "scratch"
        self.scratch.mkdir(exist_ok=True)
        self.site = Site(site_id=SITE, timezone=timezone)
        self.database = self._connect()
        self.library = FolderLibrary(folder)
        self.engine = QueryEngine(self._connect, self.library)
        self.records = 0

    def put(self, batches: Iterable[EventBatch]) -> list[Part]:
        """Write records into open files, one for each UTC day of their events."""
        days: dict[date, list[StoredEvent]] = defaultdict(list)
        for batch in batches:
            self.records += 1
            for place, event in enumerate(batch.events):
                day = datetime.fromtimestamp(event.occurred_at / 1000, UTC).date()
                days[day].append(
                    StoredEvent(batch, event, place, self.records, 0, "shard", self.records)
                )
        return [self._put(day, events) for day, events in days.items()]

    def _put(self, day: date, events: Sequence[StoredEvent]) -> Part:
        digest = f"{self.records:08x}{day.toordinal():08x}"
        part = Part(SITE, day, False, 0, 1, len(events), self.records, self.records, digest)
        path = self.library.events(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        EventFiles(self.database, self.scratch).write(path, events)
        return part

    def merge(self, *days: date) -> None:
        """Merge days as the writer does."""
        wanted = {day for day in days if self._parts(day)}
        if not wanted:
            return
        around = {day + timedelta(days=far) for day in wanted for far in range(-3, 4)} - wanted
        parts = [part for day in around for part in self._parts(day)]
        own = [part for day in wanted for part in self._parts(day)]
        merge = DayMerge(
            self.database.cursor(), [*map(self._events, own)], [*map(self._events, parts)]
        )
        for part in parts:
            if part.is_merged and not merge.is_true(self._events(part), self.library.visits(part)):
                wanted.add(part.day)
        if wanted - {part.day for part in own}:
            merge.close()
            self.merge(*wanted)
            return
        for day in wanted:
            self._write(merge, day)

    def _write(self, merge: DayMerge, day: date) -> None:
        old = self._parts(day)
        number = 1 + max(part.number for part in old if part.is_merged or not part.number)
        new = Part(SITE, day, True, number, 1, 1, self.records, self.records, "0" * 16)
        for path in (self._events(new), self.library.visits(new)):
            path.parent.mkdir(parents=True, exist_ok=True)
        merge.write(day, day, self._events(new), self.library.visits(new))
        for part in old:
            self._events(part).unlink()

    def _parts(self, day: date) -> list[Part]:
        return self.library.parts(SITE, day, day)

    def _events(self, part: Part) -> Path:
        return self.library.events(part)

    def _connect(self) -> DuckDBPyConnection:
        return connect(256, 1, self.scratch, [self.folder])
