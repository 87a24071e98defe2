"""A replay: a proven no-op for what is counted, and it fills what is missing."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing, nullcontext
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from aggregates.stores.sqlite import SqliteVisitorStore
from liveinsight.replay.replay import (
    Found,
    Interval,
    ReplayReport,
    from_archive,
    from_stream,
    replay,
)
from processors.seal.processor import SealProcessor
from processors.stats.processor import StatsProcessor
from runtime.sites.cache import SiteCache
from tests.factories import NOW, traffic
from tests.pipeline.engine import liveinsight
from tests.processors.stream import SITE
from tests.replay.rebuilding import House

EVER = Interval(NOW - timedelta(days=1), NOW + timedelta(days=1))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def replayed(house: House, records: Iterable[Found]) -> ReplayReport:
    def processor() -> StatsProcessor:
        return StatsProcessor(SiteCache(house.sites), house.stats)

    return replay(records, [SITE], processor, nullcontext, lambda: NOW)


def stored(house: House, *tables: str) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(house.settings.tables_path)) as connection:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4").fetchall()  # noqa: S608
            for table in tables
        ]


@pytest.mark.parametrize("forgotten", [False, True], ids=["states", "no states"])
@pytest.mark.parametrize("sealed", [False, True], ids=["open", "sealed"])
def test_the_whole_archive_again_changes_nothing(
    house: House, *, sealed: bool, forgotten: bool
) -> None:
    house.send(traffic(Random(1), 80))
    house.archive_all()
    house.count()
    sealer = SealProcessor(house.sites, house.rollups, house.seals)
    for days in (9, 11) if sealed else ():
        sealer.run(now=NOW + timedelta(days=days))
    if forgotten:
        SqliteVisitorStore(house.database).delete_expired(NOW + timedelta(days=30))
    before = stored(house, "stats", "seals")
    for _ in range(2):
        report = replayed(house, from_archive(house.archive, EVER))
        assert report == ReplayReport(records=80)
        assert stored(house, "stats", "seals") == before
    assert house.is_right()


@pytest.mark.parametrize("source", ["stream", "archive"])
def test_what_a_consumer_that_was_off_has_missed_is_filled_in(house: House, source: str) -> None:
    house.send(traffic(Random(2), 80))
    house.archive_all()
    house.count(but=15)
    counted = sum(house.at.values())
    house.at.clear()
    assert not house.is_right()
    found = {
        "stream": from_stream(house.stream, EVER),
        "archive": from_archive(house.archive, EVER),
    }
    report = replayed(house, found[source])
    assert (report.records, report.missing) == (80, 80 - counted)
    assert house.is_right()
    house.count()
    assert house.is_right()


def test_only_what_arrived_within_is_read(house: House) -> None:
    house.send(traffic(Random(3), 20))
    house.archive_all()
    for interval in (
        Interval(NOW + timedelta(seconds=1), NOW + timedelta(days=1)),
        Interval(NOW - timedelta(days=1), NOW),
    ):
        assert not list(from_stream(house.stream, interval))
        assert not list(from_archive(house.archive, interval))
    at = Interval(NOW, NOW + timedelta(seconds=1))
    assert len(list(from_stream(house.stream, at))) == 20
    assert len(list(from_archive(house.archive, at))) == 20


def test_wrong_times_are_refused_in_one_line(tmp_path: Path) -> None:
    liveinsight("site", "add", SITE, "--data", tmp_path)
    for arguments, message in (
        (("--from", "yesterday"), "--from 'yesterday': write a day"),
        (("--from", "2026-05-04", "--to", "2026-05-03"), "--from 2026-05-04 is not before"),
        (("--from", "2026-05-04", "--site", "other.site"), "there is no site 'other.site'"),
    ):
        line = liveinsight("replay", *arguments, "--data", tmp_path, code=2)
        assert line.startswith(f"liveinsight: {message}"), line
        assert line.count("\n") == 1
    printed = liveinsight("replay", "--from", "2026-05-04T10:00+02:00", "--data", tmp_path)
    assert printed.startswith("0 records read")
