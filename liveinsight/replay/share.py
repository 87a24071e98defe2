"""A share of a rebuild: the records of some of the visitors, folded in memory.

What the records of one visitor come to depends on no other visitor, and rollups add up. So a
rebuild is divided by visitor id, however few partitions its sites have. A share reads the whole
archive in the order of arrival, folds what is its own, and keeps in a file of its own, every few
seconds and in one transaction, what that has come to: a share that is killed goes on from there.
"""

import heapq
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from aggregates.accumulator import Days, Rows, rollup_of
from aggregates.fold import fold
from aggregates.progress import Position, Progress
from aggregates.rollup import Rollup
from aggregates.stores import encoding
from aggregates.stores.ports import StoredRollup, StoredVisitor, VisitorKey
from aggregates.visitor import NEW, VisitorState
from ingest.stream.reader import StreamRecord
from liveinsight.replay.plan import Plan, Positions
from processors.archive.container import BEGINNING, ArchivedRecord
from processors.archive.store import ArchiveStore
from processors.record import UNFOLDABLE, Record
from processors.stats.processor import STATE_LIFETIME
from runtime.sites.site import Site
from runtime.sqlite import Database
from schemas.event import UndecodableError, decode_batch, received_in, visitor_in

SAVE_EVERY_SECONDS = 3.0
SAVING_SHARE = 0.1
"""Of work that a share which is killed does again; but saving takes so much of its time at most."""

MOST_ROWS = 1_000_000
"""Rows held in memory; with more a share saves early."""

REPORT_EVERY = 2000
"""Records between two reports of progress."""

TIDY_EVERY = 50_000
"""Records after which idle states are packed, a tenth of the memory, and old ones forgotten."""

IDLE_MS = 3_600_000
"""How long after its last record a visitor's state is packed."""

STATE_LIFETIME_MS = int(STATE_LIFETIME.total_seconds() * 1000)

TABLES = """
CREATE TABLE IF NOT EXISTS pieces (
    site_id TEXT NOT NULL, day TEXT NOT NULL, partition INTEGER NOT NULL, checkpoints TEXT NOT NULL,
    arrived_at INTEGER NOT NULL, processed_at INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS pieces_by_day ON pieces (site_id, day);
CREATE TABLE IF NOT EXISTS states (
    site_id TEXT NOT NULL, visitor_id BLOB NOT NULL, arrived_at INTEGER NOT NULL,
    body BLOB NOT NULL, PRIMARY KEY (site_id, visitor_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress (
    positions TEXT NOT NULL, records INTEGER NOT NULL, events INTEGER NOT NULL,
    left_out INTEGER NOT NULL
)
"""

States = dict[tuple[str, bytes], tuple[int, VisitorState | bytes]]
"""By site and visitor: when the last record arrived (epoch milliseconds), and the state."""


class Place(NamedTuple):
    """A day of a partition of a site."""

    site_id: str
    day: date
    partition: int


@dataclass(slots=True)
class Tally:
    """How far a share has come."""

    records: int = 0
    """Read, those of other shares among them."""
    events: int = 0
    """Counted."""
    left_out: int = 0
    """Records that cannot be decoded or folded. The consumers keep them as dead letters."""


@dataclass(slots=True)
class _Open:
    """What is added to a day of a partition."""

    rows: Rows = field(default_factory=dict)
    checkpoints: dict[str, int] = field(default_factory=dict)
    arrived_at: int = 0


class Share:
    """Folds the records of some visitors.

    Args:
        path: of its file.
        number: which of the shares it is, from 0 on.
        plan: what is folded.
        sites: those that are rebuilt, as they will be.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        path: Path,
        number: int,
        plan: Plan,
        sites: Mapping[str, Site],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = ShareFile(path)
        self._number, self._plan, self._sites, self._clock = number, plan, sites, clock
        self._windows = plan.windows()
        self.tally = Tally()
        self._positions: dict[str, int] = {}
        self._open: dict[Place, _Open] = {}
        self._states: States = {}

    def run(self, archive: ArchiveStore, report: Callable[[int], object]) -> None:
        """Fold the archive as far as the plan says, from where an earlier run has come.

        Args:
            archive: the records.
            report: takes how many records have been read, now and then.

        Raises:
            BrokenArchiveError: objects of the archive are missing or changed.
            RetryableError: a store did not answer.
        """
        self._positions, self.tally, self._states = self._file.load()
        save_at = self._clock() + SAVE_EVERY_SECONDS
        records = in_order(archive, self._positions, self._plan.through)
        for number, record in enumerate(records, 1):
            self._take(record)
            if number % REPORT_EVERY == 0:
                report(self.tally.records)
                began = self._clock()
                if began > save_at or self._is_full():
                    self._save(record.arrived_at)
                    saved_at = self._clock()
                    save_at = saved_at + max(SAVE_EVERY_SECONDS, (saved_at - began) / SAVING_SHARE)
            if number % TIDY_EVERY == 0:
                self._tidy(record.arrived_at)
        self._save(max((at for at, _ in self._states.values()), default=0))
        report(self.tally.records)

    def _take(self, record: ArchivedRecord) -> None:
        self._positions[record.shard] = record.sequence_number
        self.tally.records += 1
        site_id, _, partition = record.partition_key.rpartition("/")
        site = self._sites.get(site_id)
        if site is None or self._share_of(record.data) != self._number:
            return
        window = self._windows.get(site_id)
        if window and not window.has(received_in(record.data), record.arrived_at):
            return
        try:
            self._fold(site, int(partition), record)
        except (UndecodableError, *UNFOLDABLE):
            self.tally.left_out += 1

    def _share_of(self, data: bytes) -> int:
        return crc32(visitor_in(data)) % self._plan.shares

    def _fold(self, site: Site, partition: int, record: ArchivedRecord) -> None:
        batch = decode_batch(record.data)
        if batch.site_id != site.site_id:
            raise UndecodableError(f"partition key {record.partition_key!r}")
        position = Position(record.shard, record.sequence_number)
        key = site.site_id, batch.visitor_id
        _, known = self._states.get(key, (0, NEW))
        state = _unpacked(known) if isinstance(known, bytes) else known
        days = self._days_of(site.site_id, partition, record)
        folded = fold(state, batch, position, site.timezone, days)
        if batch.events:
            self._states[key] = record.arrived_at, folded.state
        self.tally.events += folded.events_counted

    def _days_of(self, site_id: str, partition: int, record: ArchivedRecord) -> Days:
        """Return what gives the rows of a day for a record: it is asked several times for one."""
        given: dict[date, Rows | None] = {}

        def rows(day: date) -> Rows | None:
            if day not in given:
                given[day] = self._rows(Place(site_id, day, partition), record)
            return given[day]

        return rows

    def _rows(self, place: Place, record: ArchivedRecord) -> Rows | None:
        if not self._plan.has(place.site_id, place.day):
            return None
        known = self._open.get(place)
        if known is None:
            known = self._open[place] = _Open()
        known.checkpoints[record.shard] = record.sequence_number
        known.arrived_at = max(known.arrived_at, record.arrived_at)
        return known.rows

    def _is_full(self) -> bool:
        return sum(len(one.rows) for one in self._open.values()) > MOST_ROWS

    def _save(self, arrived_at: int) -> None:
        self._tidy(arrived_at)
        pieces = {
            place: StoredRollup(
                rollup_of(one.rows), Progress(one.checkpoints, one.arrived_at, one.arrived_at)
            )
            for place, one in self._open.items()
        }
        self._file.save(self._positions, self.tally, pieces, self._states)
        self._open.clear()

    def _tidy(self, arrived_at: int) -> None:
        """Pack the states of idle visitors; forget those of whom nothing can come any more."""
        # Not by the newest alone: of a shard that is behind more comes.
        oldest = min(arrived_at, self._plan.goes_on_at) - STATE_LIFETIME_MS
        idle = arrived_at - IDLE_MS
        self._states = {
            key: (at, _packed(state) if at < idle else state)
            for key, (at, state) in self._states.items()
            if at >= oldest
        }


class ShareFile:
    """What a share has come to, in a SQLite file."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, TABLES)

    def load(self) -> tuple[dict[str, int], Tally, States]:
        """Return the positions, the tally and the states as they were saved."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT positions, records, events, left_out FROM progress"
            ).fetchone()
            states = connection.execute(
                "SELECT site_id, visitor_id, arrived_at, body FROM states"
            ).fetchall()
        if row is None:
            return {}, Tally(), {}
        return (
            _numbers(row[0]),
            Tally(*row[1:]),
            {
                (site_id, visitor_id): (arrived_at, body)
                for site_id, visitor_id, arrived_at, body in states
            },
        )

    def save(
        self,
        positions: Positions,
        tally: Tally,
        pieces: Mapping[Place, StoredRollup],
        states: States,
    ) -> None:
        """Add pieces of days, and put the rest in the place of what was saved before."""
        rows = [_piece_row(place, piece) for place, piece in pieces.items()]
        bodies = [(*key, at, _packed(state)) for key, (at, state) in states.items()]
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT INTO pieces (site_id, day, partition, checkpoints, arrived_at,"
                " processed_at, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            connection.execute("DELETE FROM states")
            connection.executemany(
                "INSERT INTO states (site_id, visitor_id, arrived_at, body) VALUES (?, ?, ?, ?)",
                bodies,
            )
            connection.execute("DELETE FROM progress")
            connection.execute(
                "INSERT INTO progress (positions, records, events, left_out) VALUES (?, ?, ?, ?)",
                (_text(positions), tally.records, tally.events, tally.left_out),
            )

    def days(self, site_id: str) -> list[date]:
        """Return the days of which there are pieces, in order."""
        query = "SELECT DISTINCT day FROM pieces WHERE site_id = ? ORDER BY day"
        with self._database.reading() as connection:
            return [date.fromisoformat(day) for (day,) in connection.execute(query, (site_id,))]

    def pieces(self, site_id: str, day: date) -> Iterator[tuple[int, Rollup, Progress]]:
        """Yield the pieces of a day: partition, rows, and what of the stream is in them."""
        query = (
            "SELECT partition, checkpoints, arrived_at, processed_at, body FROM pieces"
            " WHERE site_id = ? AND day = ?"
        )
        with self._database.reading() as connection:
            rows = connection.execute(query, (site_id, day.isoformat())).fetchall()
        for partition, checkpoints, arrived_at, processed_at, body in rows:
            stored = encoding.decode_rollup(
                {
                    "epoch": 0,
                    "frozen": 0,
                    "checkpoints": json.loads(checkpoints),
                    "arrived_at": arrived_at,
                    "processed_at": processed_at,
                    "body": body,
                }
            )
            yield partition, stored.rollup, stored.progress

    def states(self, site: Site) -> Iterator[tuple[VisitorKey, StoredVisitor]]:
        """Yield the states of the visitors of whom more may come."""
        query = "SELECT visitor_id, arrived_at, body FROM states WHERE site_id = ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (site.site_id,)).fetchall()
        for visitor_id, arrived_at, body in rows:
            expires_at = (arrived_at + STATE_LIFETIME_MS) // 1000
            yield (
                VisitorKey(site.generation, site.site_id, visitor_id),
                StoredVisitor(_unpacked(body), expires_at),
            )


def in_order(
    archive: ArchiveStore, after: Positions, through: Positions
) -> Iterator[ArchivedRecord]:
    """Yield the records of all shards in the order of arrival, each shard in its own order.

    What a partition's records were on before its shard was split or merged has arrived before.

    Args:
        archive: the records.
        after: the place on each shard behind which they begin.
        through: the place on each shard up to which they are wanted; shards that it does not name
            are left out.
    """
    shards = [
        _through(archive.records(shard, after.get(shard, BEGINNING)), end)
        for shard, end in sorted(through.items())
        if end > after.get(shard, BEGINNING)
    ]
    return (
        iter(shards[0]) if len(shards) == 1 else heapq.merge(*shards, key=attrgetter("arrived_at"))
    )


def record_of(found: ArchivedRecord | StreamRecord) -> Record:
    """Return a record as the consumers see it, at the place that it has had from the first."""
    position = Position(found.shard, found.sequence_number)
    return Record(position, found.partition_key, found.arrived_at, found.data)


def _through(records: Iterable[ArchivedRecord], end: int) -> Iterator[ArchivedRecord]:
    for record in records:
        if record.sequence_number > end:
            return
        yield record


def _piece_row(place: Place, piece: StoredRollup) -> tuple[object, ...]:
    kept = encoding.encode_rollup(piece)
    return (
        place.site_id,
        place.day.isoformat(),
        place.partition,
        json.dumps(kept["checkpoints"]),
        kept["arrived_at"],
        kept["processed_at"],
        kept["body"],
    )


def _packed(state: VisitorState | bytes) -> bytes:
    if isinstance(state, bytes):
        return state
    body: bytes = encoding.encode_visitor(StoredVisitor(state, 0))["body"]
    return body


def _unpacked(body: bytes) -> VisitorState:
    return encoding.decode_visitor({"body": body, "expires_at": 0}).state


def _text(positions: Positions) -> str:
    return json.dumps({shard: str(number) for shard, number in positions.items()})


def _numbers(text: str) -> dict[str, int]:
    return {shard: int(number) for shard, number in json.loads(text).items()}
