"""The event source mapping: at least once, in order, nothing skipped; and it rests."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations, cycle
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import liveinsight.engine.mapping as mapping_module
from aggregates.stores.sqlite import tables
from ingest.stream.sink import SinkRecord
from ingest.stream.sqlite import SqliteEventLog, shard_of
from liveinsight.engine.mapping import MAX_BATCH_BYTES, Clock, Mapping, MappingReader
from liveinsight.engine.positions import Positions

SUCCESS: dict[str, Any] = {"batchItemFailures": []}
Batch = list[int]
MINUTE = timedelta(minutes=1)


NEVER = timedelta()


@dataclass
class Hands:
    """A clock that is moved by hand."""

    now: float = 1_800_000_000.0

    def clock(self) -> Clock:
        return Clock(epoch=lambda: self.now, steady=lambda: self.now)

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


class Setting:
    def __init__(self, folder: Path, records: int = 0, shards: int = 1) -> None:
        self.hands = Hands()
        self.log = SqliteEventLog(folder / "s.sqlite", self.hands.moment, shards=shards)
        self.positions = Positions(tables(folder / "t.sqlite"))
        self.delivered: list[Batch] = []
        self.stop = Event()
        self.put(records)

    def put(self, records: int, key: str = "my.site/0", size: int = 4) -> None:
        self.log.put([SinkRecord(key, bytes(size)) for _ in range(records)])

    def reader(
        self,
        handler: Callable[[Batch], dict[str, Any]],
        size: int = 8,
        window: timedelta = NEVER,
        longest_rest: timedelta = NEVER,
    ) -> MappingReader:
        def handle(event: dict[str, Any], _: Any) -> dict[str, Any]:
            batch = [int(record["kinesis"]["sequenceNumber"]) for record in event["Records"]]
            self.delivered.append(batch)
            return handler(batch)

        mapping = Mapping("stats", handle, size, window, longest_rest)
        return MappingReader(mapping, self.log, self.positions, self.hands.clock())

    def position(self) -> int:
        return self.positions.get("stats", self.log.shards()[0])

    def step(self, reader: MappingReader) -> float | None:
        return reader.step(self.log.ends(), self.stop)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping_module, "FIRST_RETRY_SECONDS", 0.001)


def test_batches_follow_each_other_and_the_position_with_them(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 20)
    reader = setting.reader(lambda _: SUCCESS)
    while setting.step(reader) is not None:
        pass
    assert setting.delivered == [list(range(1, 9)), list(range(9, 17)), list(range(17, 21))]
    assert setting.position() == 20


def test_a_reported_failure_is_sent_again_from_there_on(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 5)
    answers = iter([{"batchItemFailures": [{"itemIdentifier": "4"}]}, SUCCESS])
    setting.step(setting.reader(lambda _: next(answers)))
    assert setting.delivered == [[1, 2, 3, 4, 5], [4, 5]]
    assert setting.position() == 5


def test_a_batch_that_breaks_is_bisected_until_the_bad_record_stands_alone(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 8)
    tries = 0

    def handler(batch: Batch) -> dict[str, Any]:
        nonlocal tries
        if 3 in batch:
            tries += 1
            if tries < 6:
                raise ValueError("broken")
        return SUCCESS

    setting.step(setting.reader(handler))
    assert setting.delivered == [
        [1, 2, 3, 4, 5, 6, 7, 8],
        [1, 2, 3, 4],
        [1, 2],
        [3, 4, 5, 6, 7, 8],
        [3, 4, 5, 6],
        [3, 4],
        [3],
        [4, 5, 6, 7, 8],
    ]
    assert setting.position() == 8


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": [{"itemIdentifier": "x"}]}])
def test_an_answer_of_no_known_shape_is_no_success(tmp_path: Path, answer: Any) -> None:
    setting = Setting(tmp_path, 2)

    def handler(_: Batch) -> dict[str, Any]:
        if len(setting.delivered) == 3:
            setting.stop.set()
        return answer  # type: ignore[no-any-return]

    setting.step(setting.reader(handler))
    assert setting.position() == 0


def test_a_new_reader_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 20)
    setting.step(setting.reader(lambda _: SUCCESS))
    setting.step(setting.reader(lambda _: SUCCESS))
    assert setting.delivered[1] == list(range(9, 17))


def test_a_batch_that_is_not_full_waits_for_its_window(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 3)
    waiting = setting.reader(lambda _: SUCCESS, window=timedelta(hours=1))
    assert setting.step(waiting) == 3600
    setting.hands.now += 600
    assert setting.step(waiting) == 3000
    setting.put(5)
    assert setting.step(waiting) == 0
    assert setting.delivered == [list(range(1, 9))]
    assert setting.step(waiting) is None


def test_what_waited_before_a_crash_has_waited(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 1)
    setting.hands.now += 59 * 60
    hour = timedelta(hours=1)
    assert setting.step(setting.reader(lambda _: SUCCESS, window=hour)) == 60
    assert setting.step(setting.reader(lambda _: SUCCESS, window=hour / 2)) == 0


def test_nothing_waits_for_a_clock_that_was_set_back(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 1)
    setting.hands.now -= 24 * 3600
    assert setting.step(setting.reader(lambda _: SUCCESS, window=timedelta(hours=1))) == 0


def test_after_work_a_mapping_rests_four_times_as_long(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 3)
    reader = setting.reader(works(setting, 0.5), longest_rest=MINUTE)
    assert setting.step(reader) == 0
    setting.put(1)
    assert setting.step(reader) == pytest.approx(2)
    setting.hands.now += 1.5
    assert setting.step(reader) == pytest.approx(0.5)
    setting.hands.now += 0.5
    assert setting.step(reader) == 0
    assert setting.delivered == [[1, 2, 3], [4]]


def test_no_rest_is_longer_than_a_mapping_allows(tmp_path: Path) -> None:
    """However slow the disk is, what comes is seen."""
    setting = Setting(tmp_path, 3)
    reader = setting.reader(works(setting, 500), longest_rest=MINUTE)
    setting.step(reader)
    setting.put(1)
    assert setting.step(reader) == pytest.approx(60)


def test_a_clock_that_was_set_back_spoils_no_rest(tmp_path: Path) -> None:
    """Else each record of the repeated hour would be a batch of its own."""
    setting = Setting(tmp_path, 1)
    now, ahead = [0.0], setting.hands.now

    def handle(*_: Any) -> dict[str, Any]:
        now[0] += 1
        return SUCCESS

    clock = Clock(epoch=lambda: ahead - 3600, steady=lambda: now[0])
    mapping = Mapping("stats", handle, 8, timedelta(seconds=1), MINUTE)
    reader = MappingReader(mapping, setting.log, setting.positions, clock)
    assert setting.step(reader) == 0
    setting.put(1)
    assert setting.step(reader) == 4


def test_nothing_rests_while_there_is_a_backlog(tmp_path: Path) -> None:
    """Not the other shards either: they would wait for as long as the backlog lasts."""
    setting = Setting(tmp_path, shards=2)
    busy, quiet = "my.site/0", "my.site/1"
    assert [shard_of(key, 2) for key in (busy, quiet)] == [0, 1]
    setting.put(30, busy)
    reader = setting.reader(works(setting, 1), longest_rest=MINUTE)
    assert setting.step(reader) == 0
    setting.put(1, quiet)
    assert setting.step(reader) == 0
    assert setting.delivered == [list(range(1, 9)), list(range(9, 17)), [1]]
    assert setting.step(reader) == 0
    assert setting.step(reader) == 0
    assert setting.delivered[3:] == [list(range(17, 25)), list(range(25, 31))]
    setting.put(1, quiet)
    assert setting.step(reader) == pytest.approx(4), "the last batch was none of the backlog"


def test_a_backlog_ends_a_rest(tmp_path: Path) -> None:
    setting = Setting(tmp_path, shards=2)
    busy, quiet = "my.site/0", "my.site/1"
    setting.put(1, quiet)
    reader = setting.reader(works(setting, 1), longest_rest=MINUTE)
    assert setting.step(reader) == 0
    setting.put(1, quiet)
    assert setting.step(reader) == pytest.approx(4)
    setting.put(8, busy)
    assert setting.step(reader) == 0
    assert setting.delivered[1:] == [list(range(1, 9)), [2]]


def test_a_batch_ends_where_it_is_too_large_and_its_rest_is_a_backlog(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    setting.put(1, size=2 * MAX_BATCH_BYTES)
    setting.put(5, size=MAX_BATCH_BYTES // 3)
    reader = setting.reader(works(setting, 1), longest_rest=MINUTE)
    assert [setting.step(reader) for _ in range(4)] == [0, 0, 0, None]
    assert setting.delivered == [[1], [2, 3, 4], [5, 6]]


def test_waiting_after_a_failure_is_no_work(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 1)
    answers = iter([{"batchItemFailures": [{"itemIdentifier": "1"}]}, SUCCESS])

    def handler(_: Batch) -> dict[str, Any]:
        setting.hands.now += 1
        return next(answers)

    class Hour(Event):
        def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - nobody waits
            setting.hands.now += 3600
            return super().wait(0)

    setting.stop = Hour()
    reader = setting.reader(handler, longest_rest=timedelta(hours=9))
    assert setting.step(reader) == 0
    setting.put(1)
    assert setting.step(reader) == pytest.approx(8), "twice a second, four times as long"


def test_what_was_trimmed_is_not_waited_for(tmp_path: Path) -> None:
    """A consumer whose positions were lost begins with what is still there."""
    setting = Setting(tmp_path, 20)
    setting.log.trim(
        setting.log.shards()[0], through=20, arrived_before=setting.hands.moment() + MINUTE
    )
    reader = setting.reader(lambda _: SUCCESS, window=timedelta(hours=1))
    assert setting.step(reader) is None
    setting.put(1)
    assert setting.step(reader) == 3600


arrivals = st.lists(
    st.tuples(st.floats(0, 8), st.integers(0, 20), st.sampled_from(["my.site/0", "my.site/1"])),
    min_size=1,
    max_size=40,
)


@given(arrivals, st.lists(st.floats(0.001, 3), min_size=1, max_size=9))
@settings(max_examples=30)
def test_of_any_stretch_of_time_at_most_a_fifth_is_work(
    tmp_path_factory: pytest.TempPathFactory,
    arriving: list[tuple[float, int, str]],
    costs: list[float],
) -> None:
    """But for four fifths of the last piece of work."""
    setting = Setting(tmp_path_factory.mktemp("log"), shards=2)
    cost = cycle(costs)
    window, longest = 1.0, 4 * 2 * max(costs)
    work: list[tuple[float, float]] = []

    def handler(_: Batch) -> dict[str, Any]:
        began = setting.hands.now
        setting.hands.now += next(cost)
        work.append((began, setting.hands.now))
        return SUCCESS

    reader = setting.reader(handler, 10_000, timedelta(seconds=window), timedelta(seconds=longest))
    for pause, count, key in [*arriving, (1000.0, 0, "my.site/0")]:
        until = setting.hands.now + pause
        while (wait := setting.step(reader)) is not None:
            if setting.hands.now + wait > until:
                break
            setting.hands.now += wait
        setting.hands.now = max(setting.hands.now, until)
        setting.put(count, key)
    assert setting.step(reader) is None
    assert sum(map(len, setting.delivered)) == sum(count for _, count, _ in arriving)
    rounds = joined(work)
    for first, last in combinations(range(len(rounds)), 2):
        stretch = rounds[first : last + 1]
        worked = sum(end - began for began, end in stretch)
        lasted = stretch[-1][1] - stretch[0][0]
        assert worked <= lasted / 5 + 4 / 5 * (stretch[-1][1] - stretch[-1][0]) + 1e-5


def joined(work: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join pieces that follow each other at once: the shards of one step."""
    pieces: list[tuple[float, float]] = []
    for began, ended in work:
        if pieces and began == pieces[-1][1]:
            pieces[-1] = (pieces[-1][0], ended)
        else:
            pieces.append((began, ended))
    return pieces


def works(setting: Setting, seconds: float) -> Callable[[Batch], dict[str, Any]]:
    def handler(_: Batch) -> dict[str, Any]:
        setting.hands.now += seconds
        return SUCCESS

    return handler


def test_a_position_never_goes_back(tmp_path: Path) -> None:
    positions = Setting(tmp_path, 0).positions
    positions.advance("stats", "a", 9, now=0)
    positions.advance("stats", "a", 4, now=0)
    assert positions.get("stats", "a") == 9
    assert positions.get("archive", "a") == 0
