"""The end of a log: seen by all, soon after somebody has written."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest

from ingest.stream.sink import SinkRecord
from ingest.stream.sqlite import Ends, SqliteEventLog
from liveinsight.engine.tail import Tail


def a_log(folder: Path) -> SqliteEventLog:
    return SqliteEventLog(folder / "s.sqlite", lambda: datetime.now(UTC), shards=2)


@contextmanager
def running(tail: Tail) -> Iterator[Event]:
    stop = Event()
    thread = Thread(target=tail.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def waited(tail: Tail, seconds: float | None) -> float:
    began = monotonic()
    tail.wait(tail.ends(), seconds)
    return monotonic() - began


def test_it_begins_where_the_log_ends(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    assert list(Tail(log).ends().values()) == [0, 0]
    log.put([SinkRecord("my.site/0", b"-")] * 3)
    assert list(Tail(log).ends().values()) == [3, 0]


@pytest.mark.parametrize("is_same_object", [True, False])
def test_who_waits_goes_on_when_somebody_has_written(tmp_path: Path, is_same_object: bool) -> None:
    log = a_log(tmp_path)
    tail = Tail(log)
    writer = log if is_same_object else a_log(tmp_path)
    with running(tail):
        for number in range(1, 4):
            seen = tail.ends()
            writer.put([SinkRecord("my.site/0", b"-")])
            tail.wait(seen, 10)
            assert list(tail.ends().values()) == [number, 0]


def test_what_was_written_before_the_first_look_is_seen(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    tail = Tail(log)
    seen = tail.ends()
    log.put([SinkRecord("my.site/0", b"-")])
    with running(tail):
        tail.wait(seen, 10)
        assert list(tail.ends().values()) == [1, 0]


def test_a_wait_ends_after_its_time_and_when_all_is_over(tmp_path: Path) -> None:
    tail = Tail(a_log(tmp_path))
    with running(tail):
        assert 0.1 <= waited(tail, 0.1) < 5
    assert waited(tail, None) < 5


def test_a_log_that_nobody_writes_to_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = a_log(tmp_path)
    tail, show, reads = Tail(log), log.show, list[None]()

    def counted() -> Ends:
        reads.append(None)
        return show()

    monkeypatch.setattr(log, "show", counted)
    with running(tail):
        waited(tail, 0.5)
        assert len(reads) <= 1
