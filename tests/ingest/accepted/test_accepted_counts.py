"""The collector's own count: what was acknowledged, never more, and written down in time."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from ingest.accepted.opener import accepted_counts
from ingest.accepted.port import Accepted
from ingest.accepted.sqlite import SqliteAcceptedCounts
from ingest.stream.opener import event_sink
from ingest.stream.sink import SinkRecord
from runtime.errors import RetryableError
from runtime.settings import AwsSettings, EmbeddedSettings

DAY = date(2026, 5, 4)
ONE = Accepted("my.site", DAY, 1)
RECORD = SinkRecord("my.site/0", b"-", ONE)


def written(folder: Path) -> dict[date, int]:
    """What another process reads."""
    return SqliteAcceptedCounts(folder / "accepted.sqlite").by_day(
        "my.site", DAY - timedelta(days=9), DAY
    )


def test_days_and_sites_are_counted_apart(tmp_path: Path) -> None:
    counts = SqliteAcceptedCounts(tmp_path / "accepted.sqlite")
    counts.add([ONE, Accepted("my.site", DAY - timedelta(days=1), 5)])
    counts.add([Accepted("other.site", DAY, 7), Accepted("my.site", DAY, 2)])
    counts.flush()
    counts.flush()
    assert written(tmp_path) == {DAY: 3, DAY - timedelta(days=1): 5}


def test_what_was_counted_is_written_within_seconds(tmp_path: Path) -> None:
    SqliteAcceptedCounts(tmp_path / "accepted.sqlite").add([ONE])
    assert written(tmp_path) == {}
    ends = time.monotonic() + 10
    while not written(tmp_path) and time.monotonic() < ends:
        time.sleep(0.05)
    assert written(tmp_path) == {DAY: 1}


def test_it_is_written_when_the_process_ends(tmp_path: Path) -> None:
    program = (
        "import sys; from datetime import date; from pathlib import Path;"
        "from ingest.accepted.port import Accepted;"
        "from ingest.accepted.sqlite import SqliteAcceptedCounts as Counts;"
        "Counts(Path(sys.argv[1])).add([Accepted('my.site', date(2026, 5, 4), 3)])"
    )
    path = str(tmp_path / "accepted.sqlite")
    subprocess.run([sys.executable, "-c", program, path], check=True, timeout=60)
    assert written(tmp_path) == {DAY: 3}


def test_threads_and_processes_lose_nothing_of_each_other(tmp_path: Path) -> None:
    path = tmp_path / "accepted.sqlite"
    counts = [SqliteAcceptedCounts(path), SqliteAcceptedCounts(path)]

    def count(number: int) -> None:
        counts[number % 2].add([ONE])
        if number % 50 == 0:
            counts[number % 2].flush()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(1000)))
    for one in counts:
        one.flush()
    assert written(tmp_path) == {DAY: 1000}


def test_what_cannot_be_written_now_is_written_later(tmp_path: Path) -> None:
    path = tmp_path / "accepted.sqlite"
    counts = SqliteAcceptedCounts(path)
    path.mkdir()
    counts.add([ONE])
    counts.flush()
    path.rmdir()
    counts.add([ONE])
    counts.flush()
    assert written(tmp_path) == {DAY: 2}


def test_who_only_looks_makes_no_file(tmp_path: Path) -> None:
    assert written(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_only_what_was_acknowledged_and_is_new_is_counted(tmp_path: Path) -> None:
    (tmp_path / "away" / "stream.sqlite").mkdir(parents=True)
    broken = event_sink(EmbeddedSettings(tmp_path / "away"))
    with pytest.raises(RetryableError):
        broken.put([RECORD])
    assert not (tmp_path / "away" / "accepted.sqlite").exists()
    stream = event_sink(EmbeddedSettings(tmp_path))
    stream.put([RECORD, SinkRecord("my.site/0", b"drained")])
    shared = accepted_counts(EmbeddedSettings(tmp_path))
    assert isinstance(shared, SqliteAcceptedCounts)
    shared.flush()
    assert written(tmp_path) == {DAY: 1}


def test_on_aws_nobody_counts() -> None:
    assert accepted_counts(AwsSettings({})) is None
