"""SQLite files carry the format of the data folder, and refuse another."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
from click.testing import CliRunner

from liveinsight.cli import cli
from liveinsight.engine.processes import Address, serving
from runtime.errors import UsageError
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sites.site import Site
from runtime.sqlite import DATA_FORMAT, Database

TABLES = "CREATE TABLE IF NOT EXISTS one (number INTEGER)"
COMMANDS = (
    ["site", "list"],
    ["site", "add", "other.example"],
    ["stats", "my.site"],
    ["reconcile", "--site", "my.site"],
    ["archive", "verify"],
    ["dead-letters", "redrive"],
    ["up", "--port", "1"],
)


def of_format(path: Path, number: int) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.execute(TABLES)
        database.execute(f"PRAGMA user_version = {number}")
    return path


def test_a_new_file_has_the_format_of_today_and_is_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        with Database(tmp_path / "new.sqlite", TABLES).reading() as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (DATA_FORMAT,)


def test_an_empty_file_that_a_crash_left_is_used(tmp_path: Path) -> None:
    (tmp_path / "new.sqlite").touch()
    with Database(tmp_path / "new.sqlite", TABLES).writing() as connection:
        connection.execute("INSERT INTO one VALUES (1)")


def test_many_who_open_a_new_file_at_once_all_may(tmp_path: Path) -> None:
    def count(number: int) -> None:
        barrier.wait(timeout=60)
        with Database(tmp_path / f"{number}.sqlite", TABLES).writing() as connection:
            connection.execute("INSERT INTO one VALUES (1)")

    barrier = Barrier(8)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, [number // 8 for number in range(400)]))
    for number in range(50):
        with Database(tmp_path / f"{number}.sqlite", TABLES).reading() as connection:
            assert connection.execute("SELECT count(*) FROM one").fetchall() == [(8,)]


@pytest.mark.parametrize("number", [0, DATA_FORMAT - 1, DATA_FORMAT + 1])
def test_a_file_of_another_format_is_refused_and_left_alone(tmp_path: Path, number: int) -> None:
    path = of_format(tmp_path / "old.sqlite", number)
    with (
        pytest.raises(UsageError, match=rf"data format is {number}, this version's {DATA_FORMAT}"),
        Database(path, "CREATE TABLE two (number INTEGER)").reading(),
    ):
        pass
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("one",)]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_refuse_an_old_folder_in_one_line(tmp_path: Path, words: list[str]) -> None:
    settings = EmbeddedSettings(tmp_path)
    sites(settings).add(Site(site_id="my.site"))
    of_format(settings.sites_path, 0)
    done = CliRunner().invoke(cli, [*words, "--data", str(tmp_path)])
    assert isinstance(done.exception, UsageError)
    assert "\n" not in str(done.exception)


def test_nothing_is_served_from_an_old_folder(tmp_path: Path) -> None:
    of_format(EmbeddedSettings(tmp_path).sites_path, 0)
    with (
        pytest.raises(UsageError, match="data format"),
        serving(EmbeddedSettings(tmp_path), Address("127.0.0.1", 0), None, print),
    ):
        pytest.fail("the engine started")
