"""An erasure leaves nothing of what it erases, and everything else as it was."""

import fcntl
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random

import pytest

from aggregates.stores.opener import visitors_of_sites
from aggregates.window import day_start
from ingest.salts.opener import salts
from liveinsight.engine.consumer import open_log
from liveinsight.engine.continuity import broken_off
from liveinsight.erasure.sqlite import EmbeddedStream
from processors.erasure.selection import Selection
from query.opener import query_engine
from query.question import Question
from runtime.errors import UsageError
from runtime.objects.folder import FolderObjects
from runtime.settings import EmbeddedSettings
from runtime.sites.site import Site
from runtime.sqlite import Database
from schemas.event import EventBatch
from tests.effort import STEPS_APART
from tests.erasure.world import NOW, OTHER, SITE, VISITOR, World, of_visitor, traces
from tests.query.comparing import check
from tests.simulation.faults import Crash

ONE = Selection(SITE, visitor_id=VISITOR)
ALL = Selection(SITE)
DAY = date(2026, 5, 3)
PAST = Selection(SITE, before=day_start(DAY, "UTC"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def world(folder: Path) -> World:
    return inhabited(folder)


def inhabited(folder: Path) -> World:
    """A visitor in compacted and small files, letters, the spill, and on the stream."""
    settings = EmbeddedSettings(folder)
    world = World(settings, open_log(settings), Random(5))
    world.inhabit(compacted=60, small=20, beside=SITE)
    return world


def stream_of(folder: Path, sleep: Callable[[float], object] = lambda _: None) -> EmbeddedStream:
    return EmbeddedStream(EmbeddedSettings(folder), sleep)


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """What keeps others from running consumers."""
    with (folder / "consumer.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_visitor_leaves_every_place(world: World, folder: Path) -> None:
    needles, before = of_visitor(world.sent), world.rows(OTHER)
    assert len(traces(folder, needles)) > 10
    receipt = world.erase(stream_of(folder), ONE)
    assert [name for name, count in receipt.counts.items() if not count] == ["old_versions"]
    assert (receipt.recounted, receipt.still_arriving) == (True, False)
    assert traces(folder, needles) == []
    world.consume()
    assert traces(folder, needles) == []
    assert world.rows(OTHER) == before
    assert world.rows(SITE) == world.expected(SITE, ONE)
    assert (world.problems(), world.state(SITE)) == ([], "balanced")
    again = world.erase(stream_of(folder), ONE)
    assert (again.is_empty, again.recounted) == (True, False)


def test_what_the_consumers_have_in_their_hands_is_waited_for(world: World, folder: Path) -> None:
    needles, put = of_visitor(world.sent), world.take()
    with running(folder):
        receipt = world.erase(stream_of(folder, lambda _: put()), ONE)
    assert receipt.counts["stream_records"] > 0
    assert traces(folder, needles) == []
    assert world.rows(SITE) == world.expected(SITE, ONE)
    assert world.state(SITE) == "balanced"


def test_the_same_id_on_another_site_stays(world: World, folder: Path) -> None:
    world.send([world.batch(OTHER, VISITOR, NOW, 3)])
    world.consume()
    world.erase(stream_of(folder), ONE)
    assert world.rows(OTHER) == world.expected(OTHER)
    keys = [key for key, _ in visitors_of_sites(world.settings).of_site(OTHER, VISITOR)]
    assert len(keys) == 1


def test_totals_may_stay(world: World, folder: Path) -> None:
    world.consume()
    needles, before = of_visitor(world.sent), world.rows(SITE)
    receipt = world.erase(stream_of(folder), ONE, keep_totals=True)
    assert not receipt.recounted
    assert traces(folder, needles) == []
    assert (world.rows(SITE), world.state(SITE)) == (before, "balanced")
    assert world.erase(stream_of(folder), ONE, keep_totals=True).is_empty


@pytest.mark.parametrize("keep_totals", [True, False])
def test_the_past_goes(world: World, folder: Path, keep_totals: bool) -> None:
    world.send([crossing(world)])
    world.consume()
    before = world.rows(SITE)
    receipt = world.erase(stream_of(folder), PAST, keep_totals=keep_totals)
    assert receipt.counts["archived_events"] > 0
    expected = before if keep_totals else world.expected(SITE, PAST)
    assert world.rows(SITE) == expected
    assert (world.problems(), world.state(SITE)) == ([], "balanced")
    assert world.rows(OTHER) == world.expected(OTHER)
    assert world.erase(stream_of(folder), PAST, keep_totals=keep_totals).is_empty


@pytest.mark.parametrize("selection", [ONE, PAST])
def test_events_say_what_the_rollups_say_of_what_is_left(
    world: World, folder: Path, selection: Selection
) -> None:
    world.send([crossing(world)])
    world.consume()
    world.write_columns()
    world.erase(stream_of(folder), selection)
    world.consume()
    for _ in range(2):
        days = world.expected(SITE, selection)
        site, engine = world.sites.get(SITE), query_engine(world.settings)
        assert site
        found = engine.counted(Question(site, date(2026, 5, 1), date(2026, 5, 5)))
        check(found, days, date(2026, 5, 1), date(2026, 5, 5))
        world.write_columns()  # they are merged again


def crossing(world: World) -> EventBatch:
    """A request with events on both sides of the midnight before which all goes."""
    at = NOW.replace(day=DAY.day, hour=0, minute=0, second=1)
    return world.batch(SITE, bytes(7) + b"1", at, 3)


def test_all_of_a_site_goes(world: World, folder: Path) -> None:
    for site_id in (SITE, OTHER):
        salts(world.settings).salt(site_id, DAY, fresh=b"a salt", now=NOW)
    before = world.rows(OTHER)
    receipt = world.erase(stream_of(folder), ALL)
    counts = receipt.counts
    assert (counts["sites"], counts["salts"]) == (1, 1)
    assert min(counts["rollup_items"], counts["archived_records"], counts["dead_letters"]) > 0
    assert traces(folder, [SITE.encode()]) == []
    assert world.sites.get(SITE) is None
    world.start()
    world.consume()
    assert traces(folder, [SITE.encode()]) == []
    assert world.rows(OTHER) == before == world.expected(OTHER)
    assert (world.problems(), broken_off(EmbeddedSettings(folder))) == ([], "")
    assert world.erase(stream_of(folder), ALL).is_empty


def test_a_site_that_goes_is_closed_first(world: World, folder: Path) -> None:
    seen: list[Site | None] = []
    stream = stream_of(folder, lambda _: seen.append(world.sites.get(SITE)))
    world.erase(stream, ALL)
    assert seen[0] is not None
    assert seen[0].closed


def test_what_a_crash_has_left_unfinished_goes(world: World, folder: Path) -> None:
    left = folder / "archive" / "records" / "x.unfinished"
    left.write_bytes(VISITOR)
    shutil.copystat("/etc/hostname", left)
    world.erase(stream_of(folder), ONE)
    assert not left.exists()


def test_a_rebuild_that_was_begun_is_given_up(world: World, folder: Path) -> None:
    begun = replace(world.sites.get(SITE) or Site(site_id=SITE)).with_building("UTC", now=NOW)
    world.sites.update(SITE, lambda _: begun)
    share = folder / "rebuild" / "share-0.sqlite"
    share.parent.mkdir()
    share.write_bytes(VISITOR)
    world.erase(stream_of(folder), ONE)
    site = world.sites.get(SITE)
    assert site is not None
    assert (site.building, site.kept, site.generation) == (None, None, 3)
    assert traces(folder, [VISITOR]) == []


def test_two_erasures_at_once_are_one(folder: Path, world: World) -> None:
    del world
    with (
        stream_of(folder).alone(),
        pytest.raises(UsageError, match="another erasure is at work"),
        stream_of(folder).alone(),
    ):
        pass


@pytest.mark.parametrize("selection", [ONE, ALL, PAST], ids=["visitor", "site", "past"])
def test_a_crash_anywhere_is_gone_on_from(
    tmp_path: Path, selection: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call that changes objects or databases is the last one, in turn: every STEPth."""
    template = tmp_path / "template"
    sent = inhabited(template).sent
    for step in range(1, 10_000, STEPS_APART):
        data = tmp_path / str(step)
        shutil.copytree(template, data)
        settings = EmbeddedSettings(data)
        world = World(settings, open_log(settings), Random(step))
        world.sent = sent
        crashed = False
        with monkeypatch.context() as patch:
            crash_at(patch, step)
            try:
                world.erase(stream_of(data), selection)
            except Crash:
                crashed = True
        check_after(world, data, selection)
        shutil.rmtree(data)
        if not crashed:
            return


def check_after(world: World, data: Path, selection: Selection) -> None:
    world.erase(stream_of(data), selection)
    needles = {ONE: of_visitor(world.sent), ALL: [SITE.encode()], PAST: []}[selection]
    assert traces(data, needles) == []
    world.done = {consumer: dict(world.stored(consumer)) for consumer in world.done}
    world.start()
    world.consume()
    assert traces(data, needles) == []
    assert (world.problems(), world.rows(OTHER)) == ([], world.expected(OTHER))
    if selection != ALL:
        assert world.rows(SITE) == world.expected(SITE, selection)
        assert world.state(SITE) == "balanced"
    assert world.erase(stream_of(data), selection).is_empty


def crash_at(patch: pytest.MonkeyPatch, step: int) -> None:
    """Let the process die before, or after, a call."""
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1
        if calls == step:
            raise Crash

    def dying(name: str) -> None:
        whole = getattr(FolderObjects, name)

        def call(*arguments: object, **named: object) -> object:
            count()
            result = whole(*arguments, **named)
            count()
            return result

        patch.setattr(FolderObjects, name, call)

    for name in ("create", "replace", "delete", "purge"):
        dying(name)
    writing = Database.writing

    @contextmanager
    def written(self: Database) -> Iterator[sqlite3.Connection]:
        count()
        with writing(self) as connection:
            yield connection
        count()

    patch.setattr(Database, "writing", written)
