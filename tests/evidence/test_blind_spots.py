"""What the proof says of each way to lose events that it once called balanced.

The collector and the consumers are the real ones, on real files; only their processes are missing.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from aggregates.progress import Position
from ingest.hits.client import Client
from ingest.hits.judge import Policy
from ingest.stream.opener import event_sink
from liveinsight.imports.trusted import TrustedCollector, TrustedRecord
from processors.dead_letter import dead_letters
from processors.record import Poison, Record
from runtime.errors import RetryableError
from runtime.sites.opener import sites
from schemas.hit import Hit
from tests.evidence.folder import BESIDE, SITE, Folder

SEVEN_MINUTES = timedelta(minutes=7)
MALFORMED = b"SQLite format 3\0" + b"\xff" * 8000
BALANCED: tuple[int, str, list[str]] = (0, "balanced", [])


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder whose stream has been done with, but for what a test adds."""
    made = Folder(tmp_path)
    made.visit(10)
    made.consume()
    assert made.proof() == BALANCED
    return made


@contextmanager
def broken_log(folder: Folder) -> Iterator[None]:
    """Keep the stream from being written, as a full disk or a broken file does."""
    folder.back_up_log()
    folder.lose_log()
    folder.settings.stream_path.write_bytes(MALFORMED)
    yield
    folder.restore_log()


def of(events: int, said: list[str]) -> bool:
    """Say whether this many events are said to be lost between collector and archive."""
    lost = f"between collector and archive: {events} events lost that the collector accepted"
    return len(said) == 1 and said[0].startswith(lost)


def test_what_waits_for_consumers_is_in_flight_and_then_counted(folder: Folder) -> None:
    folder.visit(50)
    assert folder.proof() == (0, "in_flight", [])
    assert "in flight (50 waiting, oldest 20" in folder.words()
    folder.consume(["archive", "realtime"])
    assert folder.proof() == (0, "in_flight", [])
    folder.consume()
    assert folder.proof() == BALANCED


def test_consumers_that_stand_still_with_500_waiting_are_broken(folder: Folder) -> None:
    folder.visit(500)
    folder.age(SEVEN_MINUTES)
    code, state, said = folder.proof()
    assert (code, state, len(said)) == (1, "broken", 3)
    begins = (
        "stream: the archive consumer has not moved for 7 min, 500 waiting, the oldest since 20"
    )
    assert said[0].startswith(begins)
    folder.consume()
    assert folder.proof() == BALANCED


def test_a_consumer_that_breaks_on_its_table_again_and_again_is_named(folder: Folder) -> None:
    folder.visit(20)
    folder.change(
        folder.settings.tables_path,
        "CREATE TRIGGER broken BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    folder.consume(["archive", "realtime"])
    with pytest.raises((RetryableError, sqlite3.Error)):
        folder.consume(["stats"])
    assert folder.proof()[:2] == (0, "in_flight")
    folder.age(SEVEN_MINUTES)
    code, state, said = folder.proof()
    assert (code, state) == (1, "broken")
    assert said[0].startswith("stream: the stats consumer has not moved for 7 min, 20 waiting")


def test_a_consumer_that_is_late_but_moves_is_in_flight(folder: Folder) -> None:
    folder.visit(20)
    folder.age(SEVEN_MINUTES)
    folder.change(folder.settings.tables_path, "UPDATE positions SET advanced_at = unixepoch()")
    assert folder.proof() == (0, "in_flight", [])


def test_the_spill_holds_45_requests(folder: Folder) -> None:
    with broken_log(folder):
        folder.visit(45)
        assert folder.proof()[2][0] == "stream: cannot be read: 'liveinsight doctor' says why"
    assert folder.proof() == (0, "in_flight", [])
    assert "in flight (45 waiting, oldest 20" in folder.words()
    folder.drain()
    folder.consume()
    assert folder.proof() == BALANCED


def test_what_was_spilled_long_ago_is_broken(folder: Folder) -> None:
    with broken_log(folder):
        folder.visit(3)
    for path in (folder.data / "spill").iterdir():
        at, _, rest = path.name.partition("-")
        path.rename(path.with_name(f"{int(at) - 420_000}-{rest}"))
    code, state, (said,) = folder.proof()
    assert (code, state) == (1, "broken")
    assert said.startswith("spill: the stream has not taken what was spilled for 7 min, 3 waiting")


def test_a_spill_that_is_lost_is_broken(folder: Folder) -> None:
    with broken_log(folder):
        folder.visit(5)
    next((folder.data / "spill").iterdir()).unlink()
    assert folder.proof()[2][0].startswith("between collector and archive: 1 event lost")


def test_a_spilled_request_that_is_changed_is_broken(folder: Folder) -> None:
    with broken_log(folder):
        folder.visit(5)
    next((folder.data / "spill").iterdir()).write_bytes(b"{")
    code, _, said = folder.proof()
    assert code == 1
    assert any("holds no records, and is never moved" in line for line in said)


def test_a_spill_that_is_drained_into_a_new_stream_loses_nothing(folder: Folder) -> None:
    with broken_log(folder):
        folder.visit(30)
    folder.lose_log()
    folder.drain()
    assert folder.proof() == (0, "in_flight", [])
    folder.consume()
    assert folder.proof() == BALANCED


def lose(folder: Folder) -> None:
    folder.lose_log()


def empty(folder: Folder) -> None:
    folder.lose_log()
    folder.settings.stream_path.touch()


def lose_wal(folder: Folder) -> None:
    """Keep what stands in the file itself: the last writes were beside it."""
    kept = folder.settings.stream_path.read_bytes()
    folder.lose_log()
    folder.settings.stream_path.write_bytes(kept)


@pytest.mark.parametrize("happens", [lose, empty, lose_wal, Folder.restore_log])
def test_a_stream_that_is_lost_with_30_waiting_is_broken(
    folder: Folder, happens: Callable[[Folder], None]
) -> None:
    folder.back_up_log()
    folder.visit(30)
    happens(folder)
    code, state, said = folder.proof()
    assert (code, state) == (1, "broken")
    assert of(30, said), said
    folder.visit(20)
    folder.consume()
    assert of(30, folder.proof()[2]), folder.proof()


@pytest.mark.parametrize("happens", [lose, empty, lose_wal, Folder.restore_log])
def test_a_stream_that_is_lost_with_nothing_waiting_loses_nothing(
    folder: Folder, happens: Callable[[Folder], None]
) -> None:
    folder.back_up_log()
    folder.visit(30)
    folder.consume()
    happens(folder)
    assert folder.proof() == BALANCED
    folder.visit(20)
    folder.consume()
    assert folder.proof() == BALANCED


def test_traffic_that_goes_on_hides_no_loss(folder: Folder) -> None:
    """What waits is looked into: it is not enough that something does."""
    folder.visit(30)
    folder.lose_log()
    folder.visit(40)
    assert of(30, folder.proof()[2])


def test_a_record_that_is_gone_from_the_midst_of_the_stream_is_broken(folder: Folder) -> None:
    folder.visit(10)
    folder.change(
        folder.settings.stream_path,
        "DELETE FROM records WHERE (shard, sequence) ="
        " (SELECT shard, max(sequence) - 1 FROM records)",
    )
    code, _, said = folder.proof()
    assert code == 1
    assert any("1 records are gone that the stats consumer has not read" in line for line in said)
    folder.consume()
    assert folder.proof()[2][0].startswith("between collector and archive: 1 event lost")


def test_a_position_that_is_moved_ahead_is_a_loss(folder: Folder) -> None:
    folder.visit(10)
    folder.change(folder.settings.tables_path, "UPDATE positions SET sequence = sequence + 10")
    assert of(10, folder.proof()[2])


def test_tables_that_are_lost_are_a_loss_until_the_stream_was_read_again(folder: Folder) -> None:
    for suffix in BESIDE:
        (folder.data / f"tables.sqlite{suffix}").unlink(missing_ok=True)
    assert folder.proof()[1] == "in_flight"
    folder.lose_log()
    assert of(10, folder.proof()[2])


def test_what_was_never_counted_is_said_where_nothing_waits(folder: Folder) -> None:
    folder.age(SEVEN_MINUTES)
    folder.visit(5)
    folder.consume(["archive"])
    folder.change(
        folder.settings.tables_path,
        "UPDATE positions SET sequence = (SELECT max(one.sequence) FROM positions AS one"
        " WHERE one.shard = positions.shard)",
    )
    assert folder.proof() == (0, "in_flight", [])  # nothing says so before five minutes are over
    after = datetime.now(UTC) + SEVEN_MINUTES
    (said,) = folder.document(after)["broken"]
    assert said["where"] == "ledgers"
    assert said["what"].startswith("5 events accepted and not counted")


def test_a_dead_letter_is_not_counted_until_it_is_redriven(folder: Folder) -> None:
    def put(number: int, arrived_at: datetime) -> None:
        position = Position("shardId-x-000000000000", number)
        record = Record(position, f"{SITE}/0", int(arrived_at.timestamp() * 1000), b"?")
        dead_letters(folder.settings).put([Poison(record, "undecodable")])

    now = datetime.now(UTC)
    put(7, now - timedelta(days=90))
    assert folder.proof() == BALANCED  # of another day
    put(8, now)
    code, state, (said,) = folder.proof()
    assert (code, state) == (1, "broken")
    assert said.startswith("dead letters: 1 record not counted, the newest of 20")
    dead_letters(folder.settings).mark_redriven(f"shardId-x-000000000000/{8:064d}")
    assert folder.proof() == BALANCED


def delete(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def zero(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [delete, truncate, zero])
@pytest.mark.parametrize("place", [-1, 1])
def test_a_file_of_the_archive_is_gone_or_broken(
    tmp_path: Path, harm: Callable[[Path], None], place: int
) -> None:
    folder = Folder(tmp_path)
    for _ in range(4):
        folder.visit(3)
        folder.consume()
    shard = max(
        {path.parent for path in folder.archive_files()}, key=lambda one: len(list(one.iterdir()))
    )
    harm(sorted(shard.iterdir())[place])
    code, state, said = folder.proof()
    assert (code, state) == (1, "broken"), said
    assert said[0].startswith(f"archive, {shard.name}: ")


@pytest.mark.parametrize("harm", [delete, truncate, zero])
def test_a_compacted_file_of_the_archive_is_gone_or_broken(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    folder = Folder(tmp_path)
    folder.consume()
    for _ in range(3):
        folder.visit(3)
        folder.age(timedelta(days=1))
        folder.consume()
    folder.visit(3)
    folder.consume()
    folder.compact()
    assert folder.proof() == BALANCED
    compacted = next((folder.data / "archive" / "compacted").rglob("*.avro"))
    harm(compacted)
    code, state, (said,) = folder.proof()
    assert (code, state) == (1, "broken")
    assert said.startswith(f"archive, {compacted.parent.name}: compacted/")


def test_counts_of_a_day_that_are_gone_are_missed(folder: Folder) -> None:
    folder.change(folder.settings.tables_path, "DELETE FROM stats WHERE generation = 1")
    after = datetime.now(UTC) + SEVEN_MINUTES
    (said,) = folder.document(after)["broken"]
    assert said["what"] == "10 events accepted and not counted"


def test_the_accounts_of_a_day_that_are_gone_are_missed(folder: Folder) -> None:
    """Both consumers' at once: they agree, that nothing came."""
    folder.change(folder.settings.tables_path, "DELETE FROM stats")
    assert of(10, folder.proof()[2])


def test_a_record_that_became_undecodable_is_a_dead_letter_and_missed_without_it(
    folder: Folder,
) -> None:
    folder.visit(3)
    folder.change(
        folder.settings.stream_path,
        "UPDATE records SET data = x'00' WHERE (shard, sequence) ="
        " (SELECT shard, max(sequence) FROM records)",
    )
    folder.consume()
    (said,) = folder.proof()[2]
    assert said.startswith("dead letters: 1 record not counted")
    for path in (folder.data / "dead-letters").rglob("*.json"):
        path.unlink()
    assert folder.proof()[2][0].startswith("between collector and archive: 1 event lost")


def test_events_of_an_import_are_watched_too(folder: Folder) -> None:
    site = sites(folder.settings).get(SITE)
    assert site is not None
    at, client = datetime(2026, 5, 4, 10, tzinfo=UTC), Client("192.0.2.1", "Mozilla/5.0")
    hit = Hit(event_type="page_view", page_url=f"https://{SITE}/", timestamp=int(at.timestamp()))
    collector = TrustedCollector(site, Policy())
    for _ in range(4):
        made = collector.collect(hit, client, event_id=uuid4(), at=at)
        assert isinstance(made, TrustedRecord)
        event_sink(folder.settings).put([made.record])
    folder.flush()
    folder.lose_log()
    answer = folder.document(datetime(2026, 5, 5, tzinfo=UTC))
    assert answer["broken"] == [
        {
            "what": "4 events lost that the collector accepted",
            "where": "between collector and archive",
            "day": "2026-05-04",
        }
    ]


def test_the_collectors_count_may_lag_and_be_lost(folder: Folder) -> None:
    """A crash forgets what was not written: that is no loss of events."""
    folder.visit(5)
    folder.change(folder.settings.accepted_path, "UPDATE accepted SET events = events - 3")
    folder.consume()
    assert folder.proof() == BALANCED
    for suffix in BESIDE:
        (folder.data / f"accepted.sqlite{suffix}").unlink(missing_ok=True)
    assert folder.proof() == BALANCED


@pytest.mark.parametrize("part", ["stream", "accepted"])
def test_what_cannot_be_read_is_not_called_balanced(folder: Folder, part: str) -> None:
    for suffix in BESIDE:
        (folder.data / f"{part}.sqlite{suffix}").unlink(missing_ok=True)
    (folder.data / f"{part}.sqlite").write_bytes(MALFORMED)
    code, state, said = folder.proof()
    assert (code, state) == (1, "broken")
    assert said[0].endswith("cannot be read: 'liveinsight doctor' says why")
