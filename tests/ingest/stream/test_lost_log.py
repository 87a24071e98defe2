"""A log that is lost, emptied or put back from a backup never gives a place to two records."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.stream.sink import SinkRecord
from ingest.stream.sqlite import WITNESS, SqliteEventLog, identity_of
from runtime.errors import RetryableError
from tests.effort import examples

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BESIDE = ("", "-wal", "-shm")


@dataclass
class Case:
    """A writer and a reader that stay, as two processes, and what happens to their file."""

    folder: Path
    written: int = 0
    acknowledged: set[bytes] = field(default_factory=set)
    """What was put since the file was lost the last time."""
    places: dict[tuple[str, int], bytes] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    @property
    def path(self) -> Path:
        return self.folder / "stream.sqlite"

    def log(self) -> SqliteEventLog:
        return SqliteEventLog(self.path, lambda: NOW, shards=1)

    def restart(self) -> None:
        self.writer, self.reader = self.log(), self.log()

    def put(self, count: int = 1) -> None:
        records = [
            SinkRecord("my.site/0", f"{number}".encode())
            for number in range(self.written, self.written + count)
        ]
        self.written += count
        self.writer.put(records)
        self.acknowledged |= {record.data for record in records}

    def read(self) -> None:
        """Read as the consumers do, and check that no place is another record's."""
        for shard, end in self.reader.show().items():
            after = self.positions.get(shard, 0)
            for record in self.reader.read(shard, after=after, limit=100, through=end):
                place = shard, record.sequence_number
                assert self.places.setdefault(place, record.data) == record.data, place
                self.positions[shard] = record.sequence_number

    def back_up(self) -> None:
        if not self.path.exists():
            return
        with (
            closing(sqlite3.connect(self.path)) as found,
            closing(sqlite3.connect(self.folder / "backup")) as kept,
        ):
            found.backup(kept)

    def restore(self) -> None:
        if (self.folder / "backup").exists():
            self.lose()
            shutil.copy(self.folder / "backup", self.folder / "copy")
            (self.folder / "copy").replace(self.path)

    def lose(self) -> None:
        for suffix in BESIDE:
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.acknowledged.clear()

    def lose_file_alone(self) -> None:
        self.path.unlink(missing_ok=True)
        self.acknowledged.clear()

    def lose_wal(self) -> None:
        """Keep what stands in the file, as after a copy that left the log beside it."""
        if self.path.exists():
            shutil.copy(self.path, self.folder / "copy")
            self.lose()
            (self.folder / "copy").replace(self.path)

    def empty(self) -> None:
        self.lose()
        self.path.touch()

    def lose_witness(self) -> None:
        for suffix in BESIDE:
            (self.folder / f"{WITNESS}{suffix}").unlink(missing_ok=True)
        self.reader.has_shown(self.positions)


ACTIONS = {
    "put": Case.put,
    "put more": lambda case: case.put(7),
    "read": Case.read,
    "back up": Case.back_up,
    "restore": Case.restore,
    "lose": Case.lose,
    "lose the file alone": Case.lose_file_alone,
    "lose the -wal": Case.lose_wal,
    "empty": Case.empty,
    "restart": Case.restart,
    "lose the witness": Case.lose_witness,
}


@example(["put more", "back up", "put more", "read", "restore"])
@example(["put", "back up", "put more", "read", "restore", "restart"])
@example(["put more", "back up", "put more", "read", "restart", "put more", "lose the -wal"])
@example(["put more", "read", "lose the witness", "restart"])
@settings(max_examples=examples(60))
@given(st.lists(st.sampled_from(sorted(ACTIONS)), max_size=30))
def test_no_place_is_given_twice_and_nothing_new_is_skipped(
    tmp_path_factory: pytest.TempPathFactory, actions: list[str]
) -> None:
    case = Case(tmp_path_factory.mktemp("log"))
    for action in actions:
        ACTIONS[action](case)
    case.put()
    case.read()
    assert case.acknowledged <= set(case.places.values())


def test_a_log_that_went_back_goes_on_in_new_shards_and_keeps_what_it_has(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.put(5)
    case.back_up()
    case.put(5)
    case.read()
    case.restore()
    case.put()
    old, new = case.log().shards()
    assert identity_of(old) != identity_of(new)
    assert case.log().ends() == {old: 5, new: 1}
    assert len(case.log().read(old, after=0, limit=10)) == 5


def test_a_log_that_is_ahead_of_all_who_read_goes_on(tmp_path: Path) -> None:
    """Restored from a backup, but nobody had come further: its shards are as good as before."""
    case = Case(tmp_path)
    case.put(5)
    case.read()
    case.back_up()
    case.put(5)
    case.restore()
    case.put()
    assert list(case.log().ends().values()) == [6]


def test_a_file_that_is_taken_away_while_it_is_written_acknowledges_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(tmp_path)
    case.put()
    find = SqliteEventLog._open_shards

    def taken(*given: object) -> object:
        case.lose()
        return find(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(SqliteEventLog, "_open_shards", taken)
    with pytest.raises(RetryableError):
        case.put()


def test_what_lies_behind_what_was_shown_is_not_read(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.put(3)
    (ends,) = [case.reader.show()]
    case.put(3)
    ((shard, end),) = ends.items()
    assert len(case.reader.read(shard, after=0, limit=100, through=end)) == 3


def test_closed_shards_and_shards_of_lost_logs_are_forgotten(tmp_path: Path) -> None:
    case, month = Case(tmp_path), timedelta(days=30)
    case.put(2)
    case.read()
    case.lose()
    case.put(2)
    case.back_up()
    case.put(2)
    case.read()
    case.restore()
    case.put(2)
    case.read()
    closed, current = case.log().shards()
    case.log().forget(before=NOW - month)
    assert set(case.log()._witness.shown()) == set(case.positions)
    case.log().trim(closed, through=9, arrived_before=NOW + month)
    case.log().forget(before=NOW + month)
    assert case.log().shards() == [current]
    assert list(case.log()._witness.shown()) == [current]
