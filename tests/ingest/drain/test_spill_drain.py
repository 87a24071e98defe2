"""The spill drain: everything reaches the stream, and is counted once, whatever happens."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, ParamSpec, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.visitor import RECENT_EVENT_IDS
from ingest.drain import drain as module
from ingest.drain.drain import (
    MAX_EVENTS,
    MAX_EVENTS_OF_VISITOR,
    DrainReport,
    SpillDrain,
    Spilled,
    few_at_a_time,
)
from ingest.stream.kinesis import KinesisEventSink
from ingest.stream.sink import EventSink, SinkRecord
from ingest.stream.spill import Spill
from ingest.stream.sqlite import SqliteEventLog
from processors.realtime.processor import RECENT_EVENT_IDS as RECENT_IN_LIVE_VIEW
from runtime.errors import RetryableError
from runtime.objects.folder import FolderObjects
from schemas.hit import MAX_HITS
from tests.aws import Aws
from tests.ingest.memory_sink import MemoryEventSink
from tests.ingest.spilled import (
    event_log,
    events_counted,
    ids,
    locked,
    memory_spill,
    names,
    on_kinesis,
    on_stream,
    record,
)

P = ParamSpec("P")
R = TypeVar("R")

SCHEDULES = 25


@pytest.fixture
def spill(tmp_path: Path) -> Spill:
    return Spill(FolderObjects(tmp_path / "spill"))


@pytest.fixture
def log(tmp_path: Path) -> SqliteEventLog:
    return event_log(tmp_path)


def keep(spill: Spill, records: Sequence[SinkRecord]) -> list[str]:
    new_name = names()
    kept = [new_name() for _ in records]
    for name, one in zip(kept, records, strict=True):
        spill.put(name, [one])
    return kept


def drain(
    spill: Spill, stream: EventSink, has_time: Callable[[], bool] = lambda: True
) -> DrainReport:
    return SpillDrain(spill, stream, has_time).run()


def test_an_empty_spill_is_nothing(spill: Spill, log: SqliteEventLog) -> None:
    assert drain(spill, log) == DrainReport(0, 0, "")


def test_records_reach_the_stream_as_they_are_oldest_first(
    spill: Spill, log: SqliteEventLog
) -> None:
    records = [record(visitor=4 * n) for n in range(120)]
    keep(spill, records)
    assert drain(spill, log) == DrainReport(120, 0, "")
    assert on_stream(log) == records
    assert spill.names() == []


def test_records_reach_kinesis_from_s3(aws: Aws) -> None:
    spill = Spill(aws.bucket("archive", "spill/"))
    records = [record(visitor) for visitor in range(130)]
    keep(spill, records)
    aws.s3.put_object(Bucket="archive", Key="records/other", Body=b"the archive's own")
    assert drain(spill, KinesisEventSink(aws.kinesis, "stream")) == DrainReport(130, 0, "")
    taken = on_kinesis(aws)
    assert ids(*taken) == ids(*records)
    for key in {one.partition_key for one in records}:
        assert [one for one in taken if one.partition_key == key] == [
            one for one in records if one.partition_key == key
        ]
    assert list(aws.contents("archive")) == ["records/other"]


def test_it_stops_at_a_stream_that_is_down_and_goes_on_later(
    spill: Spill, log: SqliteEventLog, tmp_path: Path
) -> None:
    log.put([])
    keep(spill, [record() for _ in range(3)])
    with locked(tmp_path):
        report = drain(spill, log)
    assert (report.records_drained, report.spills_left) == (0, 3)
    assert "locked" in report.stopped_by
    assert len(spill.names()) == 3
    assert drain(spill, log) == DrainReport(3, 0, "")


def test_it_begins_no_write_without_time(spill: Spill, log: SqliteEventLog) -> None:
    keep(spill, [record(events=50) for _ in range(4)])
    allowed = iter([True, True, False])
    report = drain(spill, log, lambda: next(allowed))
    assert (report.records_drained, report.spills_left) == (2, 2)
    assert "nearly over" in report.stopped_by


def test_a_spill_that_cannot_be_listed_is_a_fault(log: SqliteEventLog, aws: Aws) -> None:
    with pytest.raises(RetryableError, match="NoSuchBucket"):
        drain(Spill(aws.bucket("nowhere")), log)


def test_what_cannot_be_read_stays_and_holds_nothing_up(
    spill: Spill,
    log: SqliteEventLog,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    records = [record(n) for n in range(3)]
    first, second, third = keep(spill, records)
    (tmp_path / "spill" / f"{first}.json").write_bytes(b"broken")
    assert drain(spill, log) == DrainReport(2, 1, "")
    assert ids(*on_stream(log)) == ids(*records[1:])
    assert spill.names() == [first]
    assert first in caplog.text
    assert second not in caplog.text
    assert third not in caplog.text


def test_what_kinesis_will_never_take_stays_and_holds_nothing_up(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    spill = Spill(aws.bucket("archive", "spill/"))
    _, large, _ = keep(spill, [record(1), SinkRecord("my.site/1", b"x" * 2**20), record(2)])
    assert drain(spill, KinesisEventSink(aws.kinesis, "stream")) == DrainReport(2, 1, "")
    assert spill.names() == [large]
    assert f"spill_unmovable {large}" in caplog.text


def test_bytes_that_nobody_can_decode_are_left_to_the_consumers(
    spill: Spill, log: SqliteEventLog
) -> None:
    poison = SinkRecord("my.site/0", b"poison")
    keep(spill, [poison, record()])
    assert drain(spill, log) == DrainReport(2, 0, "")
    assert poison in on_stream(log)


def test_a_put_that_another_drain_has_moved_is_not_left(
    spill: Spill, log: SqliteEventLog, tmp_path: Path
) -> None:
    class Raced(Spill):
        def read(self, names: Sequence[str]) -> Iterator[bytes | None]:
            assert drain(Spill(FolderObjects(tmp_path / "spill")), log).spills_left == 0
            return super().read(names)

    keep(spill, [record()])
    assert drain(Raced(FolderObjects(tmp_path / "spill")), log) == DrainReport(0, 0, "")
    assert len(on_stream(log)) == 1


def test_events_that_come_twice_fit_the_windows_of_the_consumers() -> None:
    assert MAX_HITS <= MAX_EVENTS_OF_VISITOR <= RECENT_EVENT_IDS
    assert MAX_EVENTS <= RECENT_IN_LIVE_VIEW


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), max_size=40))
def test_groups_hold_everything_in_order_and_few_events_of_each_visitor(
    requests: list[tuple[int, int]],
) -> None:
    found = [
        Spilled(str(n), [record(visitor, events)]) for n, (visitor, events) in enumerate(requests)
    ]
    groups = list(few_at_a_time(found))
    assert [one for group in groups for one in group] == found

    def load(group: Sequence[Spilled]) -> Counter[int]:
        events: Counter[int] = Counter()
        for one in group:
            visitor, count = requests[int(one.name)]
            events[visitor] += count
        return events

    def fits(group: Sequence[Spilled]) -> bool:
        events = load(group)
        most = max(events.values(), default=0)
        return events.total() <= MAX_EVENTS and most <= MAX_EVENTS_OF_VISITOR

    assert all(fits(group) for group in groups)
    assert not any(fits([*one, *other[:1]]) for one, other in pairwise(groups))


class Crash(BaseException):
    """The process ends here."""


class Crashes:
    """Ends the process, by chance, before or after a call that changes something."""

    def __init__(self, rng: Random, chance: float) -> None:
        self.rng, self.chance, self.count = rng, chance, 0

    def around(self, call: Callable[P, R]) -> Callable[P, R]:
        def crashing(*arguments: P.args, **named: P.kwargs) -> R:
            self._maybe()
            result = call(*arguments, **named)
            self._maybe()
            return result

        return crashing

    def _maybe(self) -> None:
        if self.rng.random() < self.chance:
            self.count += 1
            raise Crash


class DeletesFirst(SpillDrain):
    """A drain that is broken on purpose."""

    def _put(self, together: Sequence[Spilled], _: Any) -> None:
        self._spill.delete([one.name for one in together])
        self._stream.put([record for one in together for record in one.records])


def wrong_after_crashes(seed: int, kind: type[SpillDrain] = SpillDrain) -> tuple[int, int]:
    """Drain under crashes until nothing is left.

    Returns by how many events the count is wrong, and how many crashes there were.
    """
    rng = Random(seed)
    stream, spill = MemoryEventSink(), memory_spill()
    records = [record(rng.randrange(3), rng.randint(1, 50)) for _ in range(rng.randint(5, 30))]
    keep(spill, records)
    crashes = Crashes(rng, chance=0.1)
    stream.put = crashes.around(stream.put)  # type: ignore[method-assign]
    spill.delete = crashes.around(spill.delete)  # type: ignore[method-assign]
    while spill.names():
        with suppress(Crash):
            kind(spill, stream, lambda: True).run()
    taken = [record for put in stream.puts for record in put]
    return events_counted(taken) - ids(*records).total(), crashes.count


def test_every_event_is_counted_once_after_crashes() -> None:
    outcomes = [wrong_after_crashes(seed) for seed in range(SCHEDULES)]
    assert [seed for seed, (wrong, _) in enumerate(outcomes) if wrong] == []
    assert sum(crashes > 0 for _, crashes in outcomes) > SCHEDULES / 2


def test_a_drain_that_deletes_first_loses_events() -> None:
    assert min(wrong_after_crashes(seed, DeletesFirst)[0] for seed in range(10)) < 0


def test_a_drain_of_larger_groups_counts_events_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS_OF_VISITOR", 10**6)
    monkeypatch.setattr(module, "MAX_EVENTS", 10**6)
    assert max(wrong_after_crashes(seed)[0] for seed in range(10)) > 0
