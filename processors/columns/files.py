"""Makes, joins, merges and erases the files of the columns of one site after another.

Every step may be the last one: a file stands before what it replaces is deleted, and readers count
each event once, whatever is in twice.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from query.layout import AROUND, Part, days_between
from query.library import Library
from query.stored import StoredEvent
from query.writing import DayMerge, EventFiles

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FAN = 8
"""So many open files of a day are joined into one: each event is written anew a few times."""

MOST_JOINED = 1_000_000
"""Events; a file with more is joined no more."""

MERGED_AT_ONCE = 300_000
"""Events of days that are merged in one go; a day may have more."""


class ColumnFiles:
    """Changes the files of a library. One at a time may.

    Args:
        library: where they lie.
        database: reads and writes them.
        scratch: a folder on the same disk, for files that are not whole yet.
        now_ms: tells the time, epoch milliseconds.
    """

    def __init__(
        self,
        library: Library,
        database: "DuckDBPyConnection",
        scratch: Path,
        now_ms: Callable[[], int],
    ) -> None:
        self._library, self._database = library, database
        self._scratch, self._now_ms = scratch, now_ms
        self._files = EventFiles(database, scratch)

    def append(self, site_id: str, day: date, events: Sequence[StoredEvent], name: str) -> int:
        """Write events into an open file of a day; return how many.

        Args:
            site_id: of which.
            day: UTC's.
            events: of both.
            name: of where they come from: a file that was made of it already is not made again.
        """
        digest = _digest(name)
        if any(part.digest == digest for part in self._library.every(site_id, day, day)):
            return 0
        path = self._scratch / "open.parquet"
        rows = self._files.write(path, events)
        arrived_at = max(event.arrived_at for event in events)
        part = Part(
            site_id=site_id,
            day=day,
            is_merged=False,
            number=0,
            rows=rows,
            arrived_at=arrived_at,
            written_at=self._now_ms(),
            digest=digest,
        )
        self._library.put(path, part.events_key)
        return rows

    def join(self, site_id: str, day: date) -> bool:
        """Join open files of a day that are many; return whether there were."""
        opened: dict[int, list[Part]] = {}
        for part in self._library.parts(site_id, day, day):
            if not part.is_merged and part.rows < MOST_JOINED:
                opened.setdefault(part.number, []).append(part)
        for level, parts in sorted(opened.items()):
            if len(parts) >= FAN:
                self._join(parts, level + 1)
                return True
        return False

    def merge(self, site_id: str, days: Iterable[date]) -> list[date]:
        """Merge all files of some days, some days at a time; return the days that were written.

        Those are more where merged files of days around say of a visit what is not true any more.
        """
        written: list[date] = []
        for some in self._in_lots(site_id, sorted(days)):
            written += self._merge(site_id, set(some))
        return written

    def erase(self, site_id: str, where: str, first: date, last: date) -> int:
        """Erase events of a range of days; return how many there were.

        The merged files of days with some of them become open ones, and so do those of the days
        behind, whose visits may have begun with what is gone.

        Args:
            site_id: of which.
            where: SQL that says which, of the columns of events.
            first: UTC day.
            last: the last one; days behind it are left as they are.
        """
        erased, again = 0, set[date]()
        for part in self._library.every(site_id, first, last):
            found = self._files.count(self._library.events(part), where)
            if found:
                erased += found
                self._reopen(part, where)
                again.update(days_between(part.day - AROUND, part.day + AROUND))
        for day in sorted(again):
            for part in self._library.every(site_id, day, day):
                if part.is_merged:
                    self._reopen(part, "FALSE")
        return erased

    def find(self, site_id: str, where: str) -> int:
        """Return how many events of a site would be erased; those that are in twice count twice."""
        return sum(
            self._files.count(self._library.events(part), where)
            for part in self._library.every(site_id, date.min, date.max)
        )

    def drop(self, site_id: str, last: date = date.max) -> int:
        """Delete all files of a site up to a day; return how many events they had."""
        parts = self._library.every(site_id, date.min, last)
        self._delete(parts)
        return sum(part.rows for part in parts)

    def _join(self, parts: Sequence[Part], level: int) -> None:
        path = self._scratch / "joined.parquet"
        rows = self._files.join(path, [self._library.events(part) for part in parts])
        newest = max(parts, key=lambda part: part.arrived_at)
        digest = _digest("|".join(part.name for part in parts))
        joined = replace(newest, number=level, rows=rows, written_at=_latest(parts), digest=digest)
        self._library.put(path, joined.events_key)
        self._delete(parts)

    def _in_lots(self, site_id: str, days: Sequence[date]) -> Iterable[list[date]]:
        lot, rows = list[date](), 0
        for day in days:
            of_day = sum(part.rows for part in self._library.parts(site_id, day, day))
            if lot and rows + of_day > MERGED_AT_ONCE:
                yield lot
                lot, rows = [], 0
            lot.append(day)
            rows += of_day
        if lot:
            yield lot

    def _merge(self, site_id: str, days: set[date]) -> list[date]:
        while True:
            known = self._library.parts(site_id, min(days) - AROUND, max(days) + AROUND)
            around = {day + far * timedelta(days=1) for day in days for far in range(-3, 4)}
            own = [part for part in known if part.day in days]
            others = [part for part in known if part.day in around - days]
            merge = DayMerge(self._database.cursor(), self._paths(own), self._paths(others))
            try:
                wrong = {part.day for part in others if not self._is_true(merge, part)}
                if not wrong:
                    return self._write(merge, own)
            finally:
                merge.close()
            days |= wrong

    def _is_true(self, merge: DayMerge, part: Part) -> bool:
        if not part.is_merged:
            return True
        return merge.is_true(self._library.events(part), self._library.visits(part))

    def _write(self, merge: DayMerge, own: Sequence[Part]) -> list[date]:
        """Write the files of merged days, then delete what they are made of."""
        days = sorted({part.day for part in own})
        for day in days:
            parts = [part for part in own if part.day == day]
            number = max((part.number for part in parts if part.is_merged), default=0) + 1
            events, visits = self._scratch / "merged.parquet", self._scratch / "visits.parquet"
            rows = merge.write(day, events, visits)
            newest = max(parts, key=lambda part: part.arrived_at)
            merged = replace(
                newest,
                is_merged=True,
                number=number,
                rows=rows,
                written_at=_latest(parts),
                digest=_digest("|".join(sorted(part.name for part in parts))),
            )
            # The visits first: a merged file of events without them is passed over.
            self._library.put(visits, merged.visits_key)
            self._library.put(events, merged.events_key)
        # Not before all of them stand: until then, who is in an open file is counted from events.
        self._delete(part for part in own if part.is_merged)
        self._delete(part for part in own if not part.is_merged)
        return days

    def _reopen(self, part: Part, without: str) -> None:
        """Put an open file in the place of another, without some events."""
        path = self._scratch / "open.parquet"
        rows = self._files.join(path, [self._library.events(part)], f"NOT ({without})")
        if rows:
            digest = _digest(f"{part.name}|{without}|{self._now_ms()}")
            opened = replace(part, is_merged=False, number=0, rows=rows, digest=digest)
            self._library.put(path, opened.events_key)
        else:
            path.unlink()
        self._delete([part])

    def _delete(self, parts: Iterable[Part]) -> None:
        for part in parts:
            self._library.delete([part.events_key])
            if part.is_merged:
                self._library.delete([part.visits_key])

    def _paths(self, parts: Iterable[Part]) -> list[Path]:
        return [self._library.events(part) for part in parts]


def _latest(parts: Iterable[Part]) -> int:
    return max(part.written_at for part in parts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
