"""The embedded event stream: what Kinesis promises, on SQLite."""

from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.stream.sink import SinkRecord
from ingest.stream.sqlite import SqliteEventLog, shard_of
from runtime.errors import RetryableError

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def make_log(folder: Path, shards: int = 3) -> SqliteEventLog:
    return SqliteEventLog(folder / "stream.sqlite", clock=lambda: NOW, shards=shards)


def some_records(count: int, key: str = "my.site/{}") -> list[SinkRecord]:
    return [SinkRecord(key.format(n % 5), f"{n}".encode()) for n in range(count)]


def everything(log: SqliteEventLog) -> dict[str, list[bytes]]:
    by_key: dict[str, list[bytes]] = {}
    for shard in log.shards():
        for record in log.read(shard, after=0, limit=10_000):
            by_key.setdefault(record.partition_key, []).append(record.data)
    return by_key


def test_records_of_a_partition_key_stay_in_one_shard_and_in_order(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    put = some_records(50)
    for start in range(0, 50, 7):
        log.put(put[start : start + 7])
    expected = {
        key: [r.data for r in put if r.partition_key == key]
        for key in {r.partition_key for r in put}
    }
    assert everything(log) == expected


def test_sequence_numbers_grow_and_reading_goes_on_behind_one(tmp_path: Path) -> None:
    log = make_log(tmp_path, shards=1)
    log.put(some_records(5))
    (shard,) = log.shards()
    first = log.read(shard, after=0, limit=3)
    rest = log.read(shard, after=first[-1].sequence_number, limit=10)
    assert [r.sequence_number for r in [*first, *rest]] == [1, 2, 3, 4, 5]
    assert {r.arrived_at for r in first} == {int(NOW.timestamp() * 1000)}
    assert log.ends() == {shard: 5}
    assert log.read(shard, after=5, limit=10) == []


def test_a_log_keeps_its_records_and_its_shards_over_a_restart(tmp_path: Path) -> None:
    log = make_log(tmp_path, shards=3)
    log.put(some_records(20))
    reopened = make_log(tmp_path, shards=9)
    assert reopened.shards() == log.shards()
    assert len(log.shards()) == 3
    assert sum(map(len, everything(reopened).values())) == 20


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    log = make_log(tmp_path)

    def write(writer: int) -> None:
        other = log if writer % 2 else make_log(tmp_path)
        for n in range(25):
            other.put([SinkRecord(f"my.site/{writer}", f"{n}".encode())])

    threads = [Thread(target=write, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert everything(log) == {
        f"my.site/{writer}": [f"{n}".encode() for n in range(25)] for writer in range(6)
    }


def test_what_could_not_be_written_is_not_acknowledged(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    log.put(some_records(1))
    (tmp_path / "elsewhere").mkdir()
    broken = SqliteEventLog(tmp_path / "elsewhere", clock=lambda: NOW)
    with pytest.raises(RetryableError):
        broken.put(some_records(1))


def test_only_what_is_done_and_old_is_trimmed(tmp_path: Path) -> None:
    log = make_log(tmp_path, shards=1)
    log.put(some_records(5))
    (shard,) = log.shards()
    assert log.trim(shard, through=3, arrived_before=NOW) == 0
    assert log.trim(shard, through=3, arrived_before=NOW + timedelta(seconds=1)) == 3
    assert [r.sequence_number for r in log.read(shard, after=0, limit=10)] == [4, 5]
    log.trim(shard, through=9, arrived_before=NOW + timedelta(seconds=1))
    log.put(some_records(1))
    assert [r.sequence_number for r in log.read(shard, after=0, limit=10)] == [6]


@given(st.text(max_size=50), st.integers(1, 20))
def test_shards_share_the_hash_keys_evenly(key: str, shards: int) -> None:
    hashed = int(md5(key.encode(), usedforsecurity=False).hexdigest(), 16)
    shard = shard_of(key, shards)
    assert shard * 2**128 <= hashed * shards < (shard + 1) * 2**128


def test_an_empty_put_is_nothing(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    log.put([])
    assert everything(log) == {}
