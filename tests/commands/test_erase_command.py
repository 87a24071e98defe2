"""`liveinsight erase`: what it says, asks and refuses, on the embedded engine's data."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result

from liveinsight.cli import cli
from liveinsight.commands import erase as command
from liveinsight.commands.options import console
from liveinsight.engine.consumer import open_log
from liveinsight.erasure.sqlite import EmbeddedStream
from runtime.errors import UsageError
from runtime.settings import EmbeddedSettings
from tests.erasure.world import NOW, SITE, VISITOR, World

Command = Callable[..., Result]


@pytest.fixture
def world(tmp_path: Path) -> World:
    settings = EmbeddedSettings(tmp_path / "data")
    world = World(settings, open_log(settings), Random(5))
    world.send([world.batch(SITE, VISITOR, NOW, 2), world.batch(SITE, bytes(8), NOW)])
    world.consume()
    return world


@pytest.fixture
def erase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    def quick(settings: EmbeddedSettings) -> EmbeddedStream:
        return EmbeddedStream(settings, lambda _: None)

    monkeypatch.setattr(command, "erasable_stream", quick)

    def run(*words: str, answer: str = "") -> Result:
        words = ("erase", *words, "--data", str(tmp_path / "data"))
        return CliRunner().invoke(cli, words, input=answer)

    return run


VISITOR_OF_SITE = ("--site", SITE, "--visitor", VISITOR.hex())


def test_a_receipt_says_what_went_and_a_second_one_that_nothing_did(
    erase: Command, world: World
) -> None:
    del world
    first: dict[str, Any] = json.loads(erase(*VISITOR_OF_SITE, "--yes", "--json").stdout)
    assert (first["site_id"], first["visitor_id"]) == (SITE, VISITOR.hex())
    assert first["erased"]["archived_events"] == 2
    assert first["erased"]["visitor_states"] == 1
    assert (first["first_day"], first["last_day"], first["recounted"]) == (
        *("2026-05-04", "2026-05-04"),
        True,
    )
    second = erase(*VISITOR_OF_SITE, "--yes", "--json")
    assert second.exit_code == 0
    assert not any(json.loads(second.stdout)["erased"].values())
    said = erase(*VISITOR_OF_SITE, "--yes").stdout
    assert said == f"visitor {VISITOR.hex()} of {SITE}: nothing was found\n"


def test_it_asks_before_anything_is_done(
    erase: Command, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_force_terminal", True)
    asked = erase(*VISITOR_OF_SITE, answer="n\n")
    assert "2  events in them" in asked.stdout
    assert "Nothing brings it back. Erase it?" in asked.stdout
    assert asked.exit_code == 1
    assert world.rows(SITE) == world.expected(SITE)
    done = erase(*VISITOR_OF_SITE, "--keep-totals", answer="y\n")
    assert done.exit_code == 0, done.stdout
    assert "erased:" in done.stdout
    assert world.rows(SITE) == world.expected(SITE)


def test_what_nobody_can_be_asked_about_is_not_done(erase: Command, world: World) -> None:
    result = erase(*VISITOR_OF_SITE)
    assert isinstance(result.exception, UsageError)
    assert "run it with --yes" in str(result.exception)
    assert world.rows(SITE) == world.expected(SITE)


def test_a_site_that_is_gone_has_nothing_more(erase: Command, world: World) -> None:
    del world
    assert erase("--site", SITE, "--site-all", "--yes").exit_code == 0
    again = erase("--site", SITE, "--site-all", "--yes")
    assert (again.exit_code, again.stdout) == (0, f"all of {SITE}: nothing was found\n")


TOMORROW = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--site", SITE], "say what: --visitor ID, --before DAY or --site-all, one of them"),
        (["--site", SITE, "--site-all", "--visitor", "0" * 16], "say what"),
        (["--site", "no.site", "--visitor", "ab" * 8], "there is no site 'no.site'"),
        (["--site", SITE, "--visitor", "xyz"], "--visitor 'xyz' is no visitor id"),
        (["--site", SITE, "--visitor", "ab" * 7], "write 16 hex digits"),
        (["--site", SITE, "--visitor", "00" * 8], "is no visitor id"),
        (["--site", SITE, "--before", TOMORROW], f"--before {TOMORROW} is in the future"),
        (["--site", SITE, "--site-all", "--keep-totals"], "its totals go, too"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    erase: Command, world: World, words: list[str], says: str
) -> None:
    result = erase(*words, "--yes")
    assert isinstance(result.exception, UsageError)
    assert says in str(result.exception)
    assert world.rows(SITE) == world.expected(SITE)


def test_the_first_of_all_days_is_a_day(erase: Command, world: World) -> None:
    assert erase("--site", SITE, "--before", date.min.isoformat(), "--yes").exit_code == 0
    assert world.rows(SITE) == world.expected(SITE)
