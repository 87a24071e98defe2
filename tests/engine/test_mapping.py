"""The event source mapping: at least once, in order, nothing skipped."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

import liveinsight.engine.mapping as mapping_module
from aggregates.stores.sqlite import tables
from ingest.stream.sink import SinkRecord
from ingest.stream.sqlite import SqliteEventLog
from liveinsight.engine.mapping import Mapping, ShardReader
from liveinsight.engine.positions import Positions

SUCCESS: dict[str, Any] = {"batchItemFailures": []}
Batch = list[int]


class Setting:
    def __init__(self, folder: Path, records: int) -> None:
        self.log = SqliteEventLog(folder / "s.sqlite", lambda: datetime.now(UTC), shards=1)
        self.log.put([SinkRecord("my.site/0", b"data") for _ in range(records)])
        self.positions = Positions(tables(folder / "t.sqlite"))
        self.delivered: list[Batch] = []
        self.stop = Event()

    def reader(
        self,
        handler: Callable[[Batch], dict[str, Any]],
        size: int = 8,
        window: timedelta = timedelta(),
    ) -> ShardReader:
        def handle(event: dict[str, Any], _: Any) -> dict[str, Any]:
            batch = [int(record["kinesis"]["sequenceNumber"]) for record in event["Records"]]
            self.delivered.append(batch)
            return handler(batch)

        mapping = Mapping("stats", handle, size, window)
        return ShardReader(mapping, 0, self.log, self.positions)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping_module, "FIRST_RETRY_SECONDS", 0.001)


def test_batches_follow_each_other_and_the_position_with_them(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 20)
    reader = setting.reader(lambda _: SUCCESS)
    while reader.step(setting.stop):
        pass
    assert setting.delivered == [list(range(1, 9)), list(range(9, 17)), list(range(17, 21))]
    assert setting.positions.get("stats", 0) == 20


def test_a_reported_failure_is_sent_again_from_there_on(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 5)
    answers = iter([{"batchItemFailures": [{"itemIdentifier": "4"}]}, SUCCESS])
    setting.reader(lambda _: next(answers)).step(setting.stop)
    assert setting.delivered == [[1, 2, 3, 4, 5], [4, 5]]
    assert setting.positions.get("stats", 0) == 5


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

    setting.reader(handler).step(setting.stop)
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
    assert setting.positions.get("stats", 0) == 8


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": [{"itemIdentifier": "x"}]}])
def test_an_answer_of_no_known_shape_is_no_success(tmp_path: Path, answer: Any) -> None:
    setting = Setting(tmp_path, 2)

    def handler(_: Batch) -> dict[str, Any]:
        if len(setting.delivered) == 3:
            setting.stop.set()
        return answer  # type: ignore[no-any-return]

    setting.reader(handler).step(setting.stop)
    assert setting.positions.get("stats", 0) == 0


def test_a_new_reader_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 20)
    setting.reader(lambda _: SUCCESS).step(setting.stop)
    setting.reader(lambda _: SUCCESS).step(setting.stop)
    assert setting.delivered[1] == list(range(9, 17))


def test_a_batch_that_is_not_full_waits_for_its_window(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 3)
    waiting = setting.reader(lambda _: SUCCESS, window=timedelta(hours=1))
    assert not waiting.step(setting.stop)
    setting.log.put([SinkRecord("my.site/0", b"data") for _ in range(5)])
    assert waiting.step(setting.stop)
    assert setting.delivered == [list(range(1, 9))]


def test_what_waited_before_a_crash_has_waited(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 0)
    hour, moment = timedelta(hours=1), datetime.now(UTC) - timedelta(minutes=59)
    earlier = SqliteEventLog(tmp_path / "s.sqlite", lambda: moment)
    earlier.put([SinkRecord("my.site/0", b"data")])
    assert not setting.reader(lambda _: SUCCESS, window=hour).step(setting.stop)
    assert setting.reader(lambda _: SUCCESS, window=hour / 2).step(setting.stop)


def test_nothing_waits_for_a_clock_that_was_set_back(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 0)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    later = SqliteEventLog(tmp_path / "s.sqlite", lambda: tomorrow)
    later.put([SinkRecord("my.site/0", b"data")])
    assert setting.reader(lambda _: SUCCESS, window=timedelta(hours=1)).step(setting.stop)


def test_a_position_never_goes_back(tmp_path: Path) -> None:
    positions = Setting(tmp_path, 0).positions
    positions.advance("stats", 0, 9)
    positions.advance("stats", 0, 4)
    assert positions.get("stats", 0) == 9
    assert positions.get("archive", 0) == 0
