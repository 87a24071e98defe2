"""Makes, joins, merges and erases the files of the columns of one site after another.

Every step may be the last one: a file stands before what it replaces is deleted, and readers count
each event once, whatever is in twice.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from aggregates.seal import Period
from query.layout import AROUND, Part, days_between
from query.library import Library
from query.stored import StoredEvent
from query.writing import DayMerge, EventFiles

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Span = tuple[date, date]
"""A range of days, both ends included."""

FAN = 8
"""So many open files of a day are joined into one: each event is written anew a few times."""

MOST_JOINED = 1_000_000
"""Events; a file with more is joined no more."""

MOST_OF_MONTH = 3_000_000
"""Events; a month with more stays in days: it is written anew as a whole when some come late."""

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
            days=1,
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
            if not part.is_merged and part.rows < MOST_JOINED and part.days == 1:
                opened.setdefault(part.number, []).append(part)
        for level, parts in sorted(opened.items()):
            if len(parts) >= FAN:
                self._join(parts, level + 1)
                return True
        return False

    def merge(self, site_id: str, days: Iterable[date]) -> int:
        """Merge all files of some days, some days at a time; return how many were written.

        Those are more where one file has several days, and where merged files of days around say of
        a visit what is not true any more.
        """
        written, left = 0, set(days)
        while left:
            spans = self._first_spans(site_id, left)
            left -= {day for span in spans for day in days_between(*span)}
            written += self._merge(site_id, spans)
        return written

    def join_month(self, site_id: str, month: date) -> bool:
        """Join the merged days of a month into one file; return whether there were any to join.

        Args:
            site_id: of which.
            month: its first day.
        """
        last = Period.MONTH.last_day(month)
        parts = self._library.parts(site_id, month, last)
        rows = sum(part.rows for part in parts)
        may_join = all(part.is_merged and part.days == 1 for part in parts)
        if not (may_join and len(parts) > 1 and rows <= MOST_OF_MONTH):
            return False
        events, visits = self._scratch / "merged.parquet", self._scratch / "visits.parquet"
        self._files.join_merged([self._paths_of(part) for part in parts], events, visits)
        self._put(_merged(parts, (month, last), rows), events, visits)
        self._delete(parts)
        return True

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
        erased, again = 0, set[Part]()
        for part in self._library.every(site_id, first, last):
            found = self._files.count(self._library.events(part), where)
            if found:
                erased += found
                self._reopen(part, where)
                from_, to = part.day - AROUND, part.last + AROUND
                again.update(self._library.every(site_id, from_, to))
        for part in again & set(self._library.every(site_id, date.min, date.max)):
            if part.is_merged:
                self._reopen(part, "FALSE")
        return erased

    def erase_visitor(self, site_id: str, where: str) -> int:
        """Erase all events of a visitor; return how many there were. What is merged stays so.

        Args:
            site_id: of which.
            where: SQL that says of whom, and nothing else.
        """
        erased = 0
        for part in self._library.every(site_id, date.min, date.max):
            found = self._files.count(self._library.events(part), where)
            erased += found
            if found and part.is_merged:
                self._leave_out(part, where, part.rows - found)
            elif found:
                self._reopen(part, where)
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

    def _first_spans(self, site_id: str, days: set[date]) -> list[Span]:
        """Return the first ranges of days that are merged at once: so many as are not too much."""
        spans, rows = list[Span](), 0
        for day in sorted(days):
            if spans and day <= spans[-1][1]:
                continue
            span = self._span(site_id, (day, day))
            rows += sum(part.rows for part in self._library.parts(site_id, *span))
            if spans and rows > MERGED_AT_ONCE:
                break
            spans.append(span)
        return spans

    def _span(self, site_id: str, span: Span) -> Span:
        """Return a range of days that no file has in part."""
        while True:
            parts = self._library.parts(site_id, *span)
            first = min([span[0], *(part.day for part in parts)])
            last = max([span[1], *(part.last for part in parts)])
            if (first, last) == span:
                return span
            span = first, last

    def _merge(self, site_id: str, spans: list[Span]) -> int:
        while True:
            own = [part for span in spans for part in self._library.parts(site_id, *span)]
            around = {
                part
                for first, last in spans
                for part in self._library.parts(site_id, first - AROUND, last + AROUND)
            }
            others = sorted(around - set(own), key=lambda part: part.name)
            merge = DayMerge(self._database.cursor(), self._paths(own), self._paths(others))
            try:
                wrong = [part for part in others if not self._is_true(merge, part)]
                if not wrong:
                    return self._write(merge, spans, own)
            finally:
                merge.close()
            more = {self._span(site_id, (part.day, part.last)) for part in wrong}
            spans = sorted({*spans, *more})

    def _is_true(self, merge: DayMerge, part: Part) -> bool:
        return not part.is_merged or merge.is_true(*self._paths_of(part))

    def _write(self, merge: DayMerge, spans: Iterable[Span], own: Sequence[Part]) -> int:
        """Write the files of merged days, then delete what they are made of."""
        written = 0
        for span in spans:
            parts = [part for part in own if part.is_within(*span)]
            if not parts:
                continue
            events, visits = self._scratch / "merged.parquet", self._scratch / "visits.parquet"
            rows = merge.write(*span, events, visits)
            self._put(_merged(parts, span, rows), events, visits)
            written += 1
        # Not before all of them stand: until then, who is in an open file is counted from events.
        self._delete(part for part in own if part.is_merged)
        self._delete(part for part in own if not part.is_merged)
        return written

    def _put(self, merged: Part, events: Path, visits: Path) -> None:
        """Let a merged part count."""
        # The visits first: a merged file of events without them is passed over.
        self._library.put(visits, merged.visits_key)
        self._library.put(events, merged.events_key)

    def _leave_out(self, part: Part, where: str, rows: int) -> None:
        """Put a merged part in the place of another, without a visitor."""
        events, visits = self._scratch / "merged.parquet", self._scratch / "visits.parquet"
        if rows:
            self._files.join_merged([self._paths_of(part)], events, visits, f"NOT ({where})")
            self._put(_merged([part], (part.day, part.last), rows), events, visits)
        self._delete([part])

    def _paths_of(self, part: Part) -> tuple[Path, Path]:
        return self._library.events(part), self._library.visits(part)

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


def _merged(parts: Sequence[Part], span: Span, rows: int) -> Part:
    """Return the merged part that takes the place of some parts."""
    newest = max(parts, key=lambda part: part.arrived_at)
    return replace(
        newest,
        day=span[0],
        is_merged=True,
        number=max((part.number for part in parts if part.is_merged), default=0) + 1,
        days=(span[1] - span[0]).days + 1,
        rows=rows,
        written_at=_latest(parts),
        digest=_digest("|".join(sorted(part.name for part in parts))),
    )


def _latest(parts: Iterable[Part]) -> int:
    return max(part.written_at for part in parts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
