"""A rebuild on real files: the same counts whatever is where on the stream, and whoever dies."""

import math
import multiprocessing
import os
import signal
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.rollup import Counters, Dimension, Rollup, merge
from aggregates.seal import Period, tables_of
from aggregates.stores.difference import days_of, differences
from aggregates.stores.ports import SealKey, Versioned
from aggregates.stores.reading import Reading
from liveinsight.replay.locks import at_work
from liveinsight.replay.share import Share
from liveinsight.replay.turning import Report, Turning
from liveinsight.replay.workers import fold_shares
from processors.seal.processor import SealProcessor
from runtime.errors import PermanentError, UsageError
from schemas.event import encode_batch, visitor_in
from tests import oracle
from tests.effort import examples
from tests.factories import NOW, traffic
from tests.processors.stream import SITE
from tests.replay.rebuilding import House

START_DAY = date(2026, 5, 3)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


class Case(NamedTuple):
    seed: int
    unarchived: int
    uncounted: int
    meanwhile: int
    again: int
    shares: int
    sealed: bool
    back: bool


cases = st.builds(
    Case,
    seed=st.integers(0, 2**16),
    unarchived=st.integers(0, 12),
    uncounted=st.integers(0, 12),
    meanwhile=st.integers(0, 20),
    again=st.integers(0, 9),
    shares=st.integers(1, 3),
    sealed=st.booleans(),
    back=st.booleans(),
)


@settings(max_examples=examples(25), deadline=None)
@given(cases)
def test_counts_are_exact_wherever_archive_and_consumer_are(
    tmp_path_factory: pytest.TempPathFactory, case: Case
) -> None:
    seed, unarchived, uncounted, meanwhile, again, shares, sealed, back = case
    house = House(tmp_path_factory.mktemp("house"))
    batches = traffic(Random(seed), 90)
    house.send(batches[:50])
    house.archive_all(but=unarchived)
    house.count(but=uncounted)
    if sealed:
        SealProcessor(house.sites, house.rollups, house.seals).run(now=NOW + timedelta(days=9))
    plan = house.build(shares=shares)
    house.send(batches[50 : 50 + meanwhile])
    house.count(but=uncounted)
    house.turn(plan)
    assert house.site.generation == 2
    house.count(again=again)
    assert house.is_right()
    house.send(batches[50 + meanwhile :])
    house.count(but=3)
    if back:
        house.turn_back()
        assert house.site.generation == 1
    house.count(again=again)
    assert house.is_right()
    house.archive_all()
    house.turn(house.build())
    assert house.site.generation == 3
    assert house.is_right()


@pytest.mark.parametrize("folded", [1, 9, 33, 59])
def test_a_share_that_dies_goes_on_where_it_was(
    house: House, monkeypatch: pytest.MonkeyPatch, folded: int
) -> None:
    monkeypatch.setattr("liveinsight.replay.share.REPORT_EVERY", 1)
    monkeypatch.setattr("liveinsight.replay.share.SAVE_EVERY_SECONDS", 0)
    monkeypatch.setattr("liveinsight.replay.share.SAVING_SHARE", math.inf)
    monkeypatch.setattr("liveinsight.replay.share.TIDY_EVERY", 3)
    house.send(traffic(Random(folded), 60))
    house.archive_all()
    house.count()
    plan = house.rebuild.begin([SITE], None, 1)
    read: list[int] = []

    class KilledError(Exception):
        pass

    def dies(records: int) -> None:
        read.append(records)
        if records == folded:
            raise KilledError

    path = house.rebuild.share_path(0)
    with pytest.raises(KilledError):
        Share(path, 0, plan, house.rebuild.sites(plan)).run(house.archive, dies)
    read.clear()
    assert house.rebuild.begin([SITE], None, 5) == plan, "what has been begun is gone on with"
    Share(path, 0, plan, house.rebuild.sites(plan)).run(house.archive, read.append)
    assert read[0] == folded, "what was kept is not folded again"
    house.rebuild.install(plan, lambda _: None)
    house.turn(plan)
    assert house.is_right()


@pytest.mark.parametrize("calls", range(0, 14, 2))
def test_writing_that_is_stopped_is_done_again(house: House, calls: int) -> None:
    house.send(traffic(Random(calls), 60))
    house.archive_all()
    house.count()
    plan = house.rebuild.begin([SITE], None, 2)
    house.fold(plan)

    class KilledError(Exception):
        pass

    left = calls

    def save(*_: object) -> set[SealKey]:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError
        return seal_save(*_)  # type: ignore[arg-type]

    seal_save, house.seals.save = house.seals.save, save  # type: ignore[method-assign, assignment]
    try:
        house.rebuild.install(plan, lambda _: None)
    except KilledError:
        assert not house.rebuild.is_installed(plan)
    house.seals.save = seal_save  # type: ignore[method-assign]
    house.rebuild.install(plan, lambda _: None)
    house.turn(plan)
    assert house.is_right()


def test_what_somebody_changed_by_hand_is_named_and_mended(house: House) -> None:
    house.send(traffic(Random(5), 60))
    house.archive_all()
    house.count()
    SealProcessor(house.sites, house.rollups, house.seals).run(now=NOW + timedelta(days=9))
    day = min(oracle.count(house.sent, "UTC"))
    key = SealKey(1, SITE, Period.DAY, day)
    stored = house.seals.load([key])[key]
    page = next(value for value, _ in stored.value.seal.rollup().table(Dimension.PAGE))
    wrong = merge(
        (stored.value.seal.rollup(), Rollup({(Dimension.PAGE, page): Counters(3, pageviews=7)}))
    )
    seal = replace(stored.value.seal, tables=tables_of(wrong))
    house.seals.save({key: Versioned(replace(stored.value, seal=seal), stored.version)})
    plan = house.build()
    reading = Reading(house.rollups, house.seals)
    found = list(differences(reading, SITE, (1, 2), days_of(reading, SITE, (1, 2))))
    assert [(one.day, one.dimension, one.metric, one.values) for one in found] == [
        (day, Dimension.PAGE, "visitors", 1),
        (day, Dimension.PAGE, "pageviews", 1),
    ]
    assert [one.before - one.after for one in found] == [3, 7]
    house.turn(plan)
    assert house.is_right()


def test_days_begin_where_the_new_time_zone_has_midnight(house: House) -> None:
    house.send(traffic(Random(6), 80))
    house.archive_all(but=2)
    house.count()
    house.turn(house.build("Asia/Seoul"))
    assert house.site.timezone == "Asia/Seoul"
    assert house.is_right("Asia/Seoul")
    house.turn_back()
    assert house.site.timezone == "UTC"
    assert house.is_right()


def test_one_rebuild_is_begun_at_a_time_and_can_be_given_up(house: House) -> None:
    house.send(traffic(Random(7), 30))
    house.archive_all()
    house.count()
    house.build("Asia/Seoul")
    with pytest.raises(UsageError, match="has been begun"):
        house.rebuild.begin([SITE], "Europe/Berlin", 1)
    house.rebuild.abandon(SITE)
    assert house.site.building is None
    for period in Period:
        assert not house.seals.versions(2, SITE, period, date.min, date.max)
    assert not house.rollups.items(2, SITE, date.min, date.max)
    house.turn(house.build("Europe/Berlin"))
    assert house.site.generation == 3, "no number is used twice"
    assert house.is_right("Europe/Berlin")
    with pytest.raises(UsageError, match="no rebuild"):
        house.rebuild.abandon(SITE)


def test_what_counted_before_is_deleted_after_a_week(house: House) -> None:
    house.send(traffic(Random(11), 40))
    house.archive_all()
    house.count()
    house.turn(house.build())
    sealer = SealProcessor(house.sites, house.rollups, house.seals)
    assert not sealer.run(now=NOW + timedelta(days=6, hours=23)).generations_deleted
    assert house.rows(1, START_DAY)
    assert sealer.run(now=NOW + timedelta(days=7)).generations_deleted == 1
    assert not house.rows(1, START_DAY)
    assert house.site.kept is None
    assert house.is_right()


def test_there_is_nothing_to_take_back_before_a_rebuild(house: House) -> None:
    with pytest.raises(UsageError, match="kept"):
        house.rebuild.kept(SITE)


def test_processes_that_are_killed_are_started_again(house: House) -> None:
    house.send(traffic(Random(8), 400))
    house.archive_all()
    house.count()
    plan = house.rebuild.begin([SITE], None, 2)
    paths = [house.rebuild.share_path(number) for number in range(2)]
    killed: list[int] = []

    def report(_: int) -> None:
        for child in multiprocessing.active_children():
            if len(killed) < 2 and child.pid:
                killed.append(child.pid)
                os.kill(child.pid, signal.SIGKILL)

    fold_shares(house.settings.environ, paths, house.rebuild.sites(plan), plan, report)
    assert len(killed) == 2
    house.rebuild.install(plan, lambda _: None)
    house.turn(plan)
    assert house.is_right()


def test_a_turn_without_catching_up_would_lose_what_came_meanwhile(house: House) -> None:
    """A control: what the other tests would see if it were so."""
    house.send(traffic(Random(10), 40))
    house.archive_all(but=4)
    house.count()
    house.build()
    house.rebuild.turn(SITE, 2)
    house.count()
    assert not house.is_right()


def test_a_visitor_is_read_of_the_bytes_of_a_record() -> None:
    for batch in traffic(Random(9), 20):
        assert visitor_in(encode_batch(batch)) == batch.visitor_id
        far = replace(batch, site_id="a" * 200)
        assert visitor_in(encode_batch(far)) == batch.visitor_id


def test_a_rebuild_waits_for_the_processes_of_one_that_died(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liveinsight.replay.locks.PATIENCE_SECONDS", 0.05)
    with house.rebuild.alone():
        pass
    folder, refused = house.rebuild.share_path(0).parent, "another rebuild is at work"
    with house.rebuild.alone(), pytest.raises(UsageError, match=refused), house.rebuild.alone():
        raise AssertionError
    with at_work(folder), pytest.raises(UsageError, match=refused), house.rebuild.alone():
        raise AssertionError


def test_a_plan_that_is_lost_is_begun_anew(house: House) -> None:
    """What was written up to one place must not be taken for what goes up to another."""
    house.send(traffic(Random(12), 40))
    house.archive_all()
    house.count()
    plan = house.rebuild.begin([SITE], None, 1)
    house.fold(plan)

    class KilledError(Exception):
        pass

    def dies(_: int) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        house.rebuild.install(plan, dies)
    house.rebuild.clear()
    house.send(traffic(Random(13), 20))
    house.archive_all()
    house.count()
    anew = house.build()
    assert anew.generations[SITE] == 3
    with pytest.raises(UsageError, match="given up, or ended, by another"):
        house.rebuild.is_ready(plan)
    house.turn(anew)
    assert house.is_right()


def test_what_is_whole_is_not_folded_again_though_the_plan_is_lost(house: House) -> None:
    house.send(traffic(Random(14), 40))
    house.archive_all()
    house.count()
    house.build()
    house.rebuild.clear()
    house.send(traffic(Random(15), 20))
    house.archive_all()
    house.count()
    again = house.rebuild.begin([SITE], None, 1)
    assert house.rebuild.is_installed(again)
    reached = house.rebuild.reached(again)
    house.rebuild.catch_up(house.rebuild.sites(again), reached, house.positions())
    house.rebuild.turn(SITE, 2)
    assert house.is_right()


def test_catching_up_goes_on_where_it_died(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed each time before all is in still gets there."""
    monkeypatch.setattr("liveinsight.replay.catching_up.BATCH", 10)
    monkeypatch.setattr("liveinsight.replay.turning.TELL_EVERY_SECONDS", 0.0)
    house.send(traffic(Random(21), 30))
    house.archive_all()
    house.count()
    plan = house.build()
    house.send(traffic(Random(22), 60))
    house.archive_all(but=7)
    house.count()
    turning = Turning(house.rebuild, Reading(house.rollups, house.seals), lambda: NOW)
    sites = house.rebuild.sites(plan)

    class KilledError(Exception):
        pass

    def dies_at_the_third_batch(done: int, _: int | None) -> None:
        if done >= 3 * 10:
            raise KilledError

    kills = 0
    while True:
        before = house.rebuild.reached(plan)
        try:
            reached = turning.settle(plan, sites, dies_at_the_third_batch)
        except KilledError:
            kills += 1
            assert sum(house.rebuild.reached(plan).values()) > sum(before.values())
        else:
            break
    assert kills >= 2
    turning.turn(sites, [Report(SITE, 2, "UTC")], reached, despite_open_days=True)
    assert house.is_right()


def test_an_archive_that_is_empty_is_nothing_to_build_from(house: House) -> None:
    house.send(traffic(Random(16), 5))
    house.count()
    with pytest.raises(UsageError, match="the archive is empty"):
        house.rebuild.begin([SITE], None, 1)
    assert house.site.building is None


@pytest.mark.parametrize("can_say", [True, False], ids=["said", "no room to say it"])
def test_a_share_says_why_it_cannot_be_folded(house: House, *, can_say: bool) -> None:
    house.send(traffic(Random(17), 60))
    house.archive_all()
    house.count()
    plan = house.rebuild.begin([SITE], None, 1)
    folder = house.settings.data / "archive"
    first = min(path for path in folder.rglob("*.avro") if path.is_file())
    first.unlink()
    share, reason = house.rebuild.share_path(0), "stands, but nothing between it and 0: put what"
    if not can_say:
        share.with_name(f"{share.name}.failed").mkdir()
        reason = "cannot be folded, and why cannot be written: is the disk full"
    with pytest.raises(PermanentError, match=reason):
        fold_shares(
            house.settings.environ,
            [share],
            house.rebuild.sites(plan),
            plan,
            lambda _: None,
        )
