"""The demo's history: beside live traffic, the newest day first, each event once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event

from ingest.stream.sink import SinkRecord
from liveinsight.traffic import demo
from liveinsight.traffic.demo import MOST_WAITING, SPIKE, History, Progress, demo_days
from liveinsight.traffic.sample_history import SampleDay
from runtime.sites.site import Site
from schemas.event import decode_batch

SITE = Site(site_id="demo.example", import_secret="s" * 32)
UNTIL = datetime(2026, 11, 27, 15, 20, tzinfo=UTC)
DAYS = [SampleDay(UNTIL.date() - timedelta(days=back), 150.0) for back in range(3)]


class Stream:
    """Takes what is put on it, until it has as much as it may."""

    def __init__(self, stop: Event, most: int = 1_000) -> None:
        self.chunks: list[list[SinkRecord]] = []
        self._stop, self._most = stop, most

    def put(self, records: Sequence[SinkRecord]) -> None:
        self.chunks.append(list(records))
        if len(self.chunks) >= self._most:
            self._stop.set()

    def ids(self) -> Counter[bytes]:
        return Counter(
            event.event_id
            for chunk in self.chunks
            for record in chunk
            for event in decode_batch(record.data).events
        )

    def days(self) -> list[date]:
        """On which the first event of each chunk happened."""
        return [
            datetime.fromtimestamp(decode_batch(chunk[0].data).received_at / 1000, UTC).date()
            for chunk in self.chunks
        ]


def added(path: Path, most: int = 1_000, waiting: int = 0) -> Stream:
    stop = Event()
    stream = Stream(stop, most)
    progress = Progress(path / "progress.json", UNTIL)
    History(SITE, DAYS, stream, lambda: waiting, progress).add(stop, lambda *_: None)
    return stream


def test_the_newest_day_comes_first(tmp_path: Path) -> None:
    days = added(tmp_path).days()
    assert days == sorted(days, reverse=True)
    assert set(days) == {one.day for one in DAYS}


def test_what_was_broken_off_goes_on_and_nothing_is_added_twice(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = added(tmp_path / "whole").ids()
    parts = [added(tmp_path, most=1) for _ in range(len(DAYS) * 3)]
    assert sum((part.ids() for part in parts), Counter()) == whole
    assert max(whole.values()) == 1


def test_a_finished_history_is_not_added_again(tmp_path: Path) -> None:
    added(tmp_path)
    assert added(tmp_path).chunks == []


def test_it_waits_for_those_who_count(tmp_path: Path) -> None:
    stop = Event()
    stream = Stream(stop, most=2)
    waiting = iter([MOST_WAITING + 1, MOST_WAITING + 1, MOST_WAITING, MOST_WAITING, 0])
    progress = Progress(tmp_path / "progress.json", UNTIL)
    History(SITE, DAYS, stream, lambda: next(waiting), progress).add(stop, lambda *_: None)
    assert len(stream.chunks) == 2
    assert list(waiting) == []


def test_each_period_of_a_month_has_one_before_it_and_one_day_stands_out() -> None:
    days = demo_days(SITE, UNTIL)
    assert [one.day for one in days] == [UNTIL.date() - timedelta(days=n) for n in range(70)]
    (spike,) = [one for one in days if one.crowd]
    assert spike.crowd == SPIKE
    assert min(one.visits for one in days) > 200


def test_a_crowd_comes_from_where_it_is_said(tmp_path: Path) -> None:
    crowded = replace(DAYS[1], visits=10.0, crowd=SPIKE, crowd_visits=300.0)
    stream = Stream(Event())
    progress = Progress(tmp_path / "progress.json", UNTIL)
    History(SITE, [crowded], stream, lambda: 0, progress).add(Event(), lambda *_: None)
    sources = Counter(
        decode_batch(record.data).events[0].source for chunk in stream.chunks for record in chunk
    )
    assert sources["Hacker News"] > 250
    assert demo.SPIKE_VISITS > demo.VISITS_PER_DAY
