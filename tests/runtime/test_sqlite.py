"""SQLite files carry the format of the data folder, and refuse another."""

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier, Event

import pytest
from click.testing import CliRunner

from liveinsight.cli import cli
from liveinsight.engine.address import Address
from liveinsight.engine.processes import serving
from runtime.errors import RetryableError, UsageError
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sites.site import Site
from runtime.sqlite import DATA_FORMAT, Database

ROOT = Path(__file__).parents[2]
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


@pytest.mark.parametrize(
    ("number", "age", "advice"),
    [(DATA_FORMAT - 1, "older", "use that version"), (DATA_FORMAT + 1, "newer", "install that")],
)
def test_what_is_to_be_done_is_said_with_the_files_name(
    tmp_path: Path, number: int, age: str, advice: str
) -> None:
    path = of_format(tmp_path / "old.sqlite", number)
    with pytest.raises(UsageError, match=f"{age} version") as refused:
        Database(path, TABLES).check()
    assert str(path) in str(refused.value)
    assert advice in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_opening_looks_at_the_format(tmp_path: Path) -> None:
    """Also that of a thread that comes later, when another version has been at work."""
    database = Database(tmp_path / "used.sqlite", TABLES)
    database.check()
    of_format(tmp_path / "used.sqlite", DATA_FORMAT + 1)
    with ThreadPoolExecutor(1) as thread, pytest.raises(UsageError, match="newer"):
        thread.submit(database.check).result()


READ_ONLY = """
import os
import sys
from pathlib import Path
from runtime.errors import UsageError
from runtime.sqlite import Database
if not os.getuid():
    os.setuid(65534)
database = Database(Path(sys.argv[1]), sys.argv[2])
try:
    with database.writing() as connection:
        connection.execute("INSERT INTO one (number) VALUES (1)")
except UsageError as error:
    print(error)
"""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_must_not_be_written_is_said_in_one_line(tmp_path: Path, what: str) -> None:
    """In a process without root's rights, to which everything is allowed."""
    path = tmp_path / "data" / "used.sqlite"
    Database(path, TABLES).check()
    path.chmod(0o444)
    for folder in (path.parent, *path.parents[1:4]):
        folder.chmod(0o755)
    if what == "file":
        path.parent.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(path), TABLES],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    said = done.stdout
    assert said.startswith(str(path)), done.stderr
    assert said.count("\n") == 1
    assert "cannot be" in said


def test_a_file_with_a_broken_page_is_named(tmp_path: Path) -> None:
    path = tmp_path / "used.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {DATA_FORMAT}")
        connection.execute(TABLES)
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 4000)
    with pytest.raises(RetryableError, match=r"is broken.*put it back from a backup") as refused:
        Database(path, TABLES).check()
    assert str(path) in str(refused.value)


def test_a_file_that_is_put_in_the_place_of_another_is_opened(tmp_path: Path) -> None:
    database = Database(tmp_path / "used.sqlite", TABLES)
    database.check()
    other = Database(tmp_path / "other.sqlite", TABLES)
    with other.writing() as connection:
        connection.execute("INSERT INTO one (number) VALUES (7)")
    other.close()
    (tmp_path / "other.sqlite").replace(tmp_path / "used.sqlite")
    with database.reading() as connection:
        assert connection.execute("SELECT number FROM one").fetchall() == [(7,)]


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


def test_room_that_rows_left_goes_back_to_the_disk_while_others_write(tmp_path: Path) -> None:
    path = tmp_path / "some.sqlite"
    database, other = (Database(path, "CREATE TABLE IF NOT EXISTS one (data BLOB)") for _ in "12")
    with database.writing() as connection:
        connection.executemany("INSERT INTO one VALUES (?)", [(bytes(1 << 20),)] * 40)
    assert database.shrink() == 0
    with database.writing() as connection:
        connection.execute("DELETE FROM one WHERE rowid > 1")
    done = Event()

    def write() -> int:
        written = 0
        while not done.is_set():
            with other.writing() as connection:
                connection.execute("INSERT INTO one VALUES (1)")
            written += 1
        return written

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        given_back = database.shrink()
        done.set()
        written = writing.result(timeout=60)
    assert given_back > 30 << 20
    with other.writing() as connection:
        connection.execute("INSERT INTO one VALUES (2)")
    database.vacuum()  # moves what is in the log into the file
    assert path.stat().st_size < 4 << 20
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM one").fetchone() == (written + 2,)


def test_a_file_with_little_free_room_stays_as_it_is(tmp_path: Path) -> None:
    database = Database(tmp_path / "some.sqlite", "CREATE TABLE IF NOT EXISTS one (data BLOB)")
    with database.writing() as connection:
        connection.executemany("INSERT INTO one VALUES (?)", [(bytes(1 << 20),)] * 8)
        connection.execute("DELETE FROM one WHERE rowid > 1")
    assert database.shrink() == 0
