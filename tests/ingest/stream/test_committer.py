"""Many requests share one commit, and each is told what became of its own record."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pytest

from ingest.stream.committer import Committer
from ingest.stream.sink import EventSink, SinkRecord, StreamError
from ingest.stream.spill import Spill, SpillingEventSink
from ingest.stream.sqlite import SqliteEventLog
from runtime.errors import PermanentError, RetryableError
from runtime.objects.folder import FolderObjects
from tests.ingest.memory_sink import MemoryEventSink

LIMIT = 20


class Settled:
    """What a put is told."""

    def __init__(self) -> None:
        self._done = Event()
        self._why: StreamError | None = None

    def __call__(self, why: StreamError | None) -> None:
        self._why = why
        self._done.set()

    def wait(self) -> StreamError | None:
        assert self._done.wait(LIMIT), "nobody said what became of it"
        return self._why


class HeldSink(MemoryEventSink):
    """A stream whose puts wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go = Event(), Event()

    def put(self, records: Sequence[SinkRecord]) -> None:
        self.entered.set()
        assert self.go.wait(LIMIT)
        super().put(records)


def record(number: int, size: int = 10) -> SinkRecord:
    return SinkRecord("shop.example/0", number.to_bytes(2, "big").ljust(size))


def spilling(stream: EventSink, folder: Path) -> SpillingEventSink:
    names = (f"{number:013d}-{number:032x}" for number in count())
    return SpillingEventSink(stream, Spill(FolderObjects(folder)), lambda: next(names))


def put_all(committer: Committer, records: Sequence[SinkRecord]) -> list[Settled]:
    settled = [Settled() for _ in records]
    for one, done in zip(records, settled, strict=True):
        committer.put([one], done)
    return settled


def test_what_comes_during_a_commit_shares_the_next_one(tmp_path: Path) -> None:
    stream = HeldSink()
    committer = Committer(spilling(stream, tmp_path))
    records = [record(number) for number in range(40)]
    settled = put_all(committer, records[:1])
    assert stream.entered.wait(LIMIT)
    settled += put_all(committer, records[1:])
    stream.go.set()
    assert [one.wait() for one in settled] == [None] * 40
    assert stream.puts == [records[:1], records[1:]], "in order, in two commits"
    committer.stop()


def test_who_waited_for_a_commit_is_told_by_one_call(tmp_path: Path) -> None:
    stream, calls = HeldSink(), []

    def announce(tell: Callable[[], None]) -> None:
        calls.append(tell)
        tell()

    committer = Committer(spilling(stream, tmp_path), announce)
    settled = put_all(committer, [record(0)])
    assert stream.entered.wait(LIMIT)
    settled += put_all(committer, [record(number) for number in range(1, 40)])
    stream.go.set()
    assert [one.wait() for one in settled] == [None] * 40
    committer.stop()
    assert len(calls) == 2


def test_when_the_stream_is_down_each_is_spilled_by_itself(tmp_path: Path) -> None:
    """The drain moves what was put together as one: it must stay small."""
    stream = MemoryEventSink()
    stream.is_down = True
    sink = spilling(stream, tmp_path)
    outcomes = sink.put_each([[record(number)] for number in range(5)])
    assert outcomes == [None] * 5
    assert len(Spill(FolderObjects(tmp_path)).names()) == 5


def test_one_that_the_stream_never_takes_harms_no_other(tmp_path: Path) -> None:
    stream = MemoryEventSink()
    stream.most_bytes = 100
    committer = Committer(spilling(stream, tmp_path))
    whys = [done.wait() for done in put_all(committer, [record(1), record(2, size=200), record(3)])]
    assert whys[0] is whys[2] is None
    assert isinstance(whys[1], PermanentError)
    assert sorted(one.data for put in stream.puts for one in put) == [
        record(1).data,
        record(3).data,
    ]
    committer.stop()


def test_a_failure_that_nobody_foresaw_is_said_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = MemoryEventSink()
    sink = spilling(stream, tmp_path)
    committer = Committer(sink)
    with monkeypatch.context() as broken:
        broken.setattr(stream, "put", lambda _: 1 / 0)
        (why,) = [done.wait() for done in put_all(committer, [record(1)])]
    assert isinstance(why, RetryableError)
    assert [done.wait() for done in put_all(committer, [record(2)])] == [None]
    committer.stop()


def test_what_waits_is_on_the_stream_when_it_has_stopped(tmp_path: Path) -> None:
    stream = HeldSink()
    committer = Committer(spilling(stream, tmp_path))
    settled = put_all(committer, [record(number) for number in range(30)])
    stopping = Thread(target=committer.stop)
    stopping.start()
    stream.go.set()
    stopping.join(LIMIT)
    assert not stopping.is_alive()
    assert [one.wait() for one in settled] == [None] * 30
    assert sum(map(len, stream.puts)) == 30


def test_on_the_log_all_are_there_in_order(tmp_path: Path) -> None:
    log = SqliteEventLog(tmp_path / "stream.sqlite", lambda: datetime.now(UTC), shards=1)
    committer = Committer(spilling(log, tmp_path / "spill"))
    records = [record(number) for number in range(1000)]
    assert all(done.wait() is None for done in put_all(committer, records))
    committer.stop()
    (shard,) = log.shards()
    found = log.read(shard, after=0, limit=2000)
    assert [one.data for one in found] == [one.data for one in records]
    assert [one.sequence_number for one in found] == list(range(1, 1001))
