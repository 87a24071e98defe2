"""What the doctor says of each part that is broken, late or well; the other parts still answer."""

import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from liveinsight.operations.data_health import GIGABYTE
from runtime.sqlite import DATA_FORMAT
from tests.evidence.folder import BESIDE, Folder

MALFORMED = b"SQLite format 3\0" + b"\xff" * 8000
ALL_PARTS = 21


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.visit(5)
    made.consume()
    assert "5 events of 5 records written" in made.run("archive", "columns").stdout
    return made


def test_columns_that_lack_what_is_archived_are_late(folder: Folder) -> None:
    assert said(folder, "columns") == ("well", "filters are answered from all that is archived")
    (folder.data / "columns" / "checkpoint.json").unlink()
    assert said(folder, "columns")[0] == "late"


def parts(folder: Folder) -> tuple[int, dict[str, dict[str, Any]]]:
    """What the doctor says, by part, and its exit code."""
    done = folder.run("doctor", "--json")
    assert done.exception is None, done.exception
    found = json.loads(done.stdout)["parts"]
    for one in found:
        assert bool(one["remedy"]) == (one["health"] != "well"), one
        assert "\n" not in one["detail"] + one["remedy"]
    return done.return_value, {one["part"]: one for one in found}


def put(folder: Folder, name: str, content: bytes) -> None:
    for suffix in BESIDE:
        (folder.data / f"{name}{suffix}").unlink(missing_ok=True)
    (folder.data / name).write_bytes(content)


def said(folder: Folder, part: str) -> tuple[str, str]:
    _, found = parts(folder)
    return found[part]["health"], found[part]["detail"]


def test_all_is_well_while_the_engine_runs(folder: Folder) -> None:
    with folder.settings.consumer_lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        code, found = parts(folder)
        assert folder.run("doctor").stdout.splitlines()[-1] == "all is well"
    assert (code, len(found)) == (0, ALL_PARTS)
    assert {one["health"] for one in found.values()} == {"well"}
    assert found["engine"]["detail"] == "its consumers run (process 4711)"
    assert found["proof of my.site"]["detail"] == "5 events of 8 days balanced"


def test_a_folder_whose_engine_does_not_run_is_late(folder: Folder) -> None:
    code, found = parts(folder)
    assert (code, found["engine"]["health"]) == (0, "late")
    folder.settings.consumer_lock_path.touch()
    assert said(folder, "engine") == ("late", "no consumer runs: what arrives is not counted")
    assert "1 late, nothing is broken" in folder.run("doctor").stdout


def test_without_a_folder_there_is_one_line(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "there")
    shutil.rmtree(folder.data)
    code, found = parts(folder)
    assert code == 1
    assert list(found) == ["data folder"]
    assert not folder.data.exists()


def test_a_folder_that_has_not_run_yet_is_late_and_stays_as_it_is(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    before = sorted(tmp_path.iterdir())
    code, found = parts(folder)
    assert code == 0
    assert found["tables.sqlite"]["detail"] == "it is missing"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["sites", "tables", "stream", "shown", "accepted"])
@pytest.mark.parametrize(
    ("content", "detail"),
    [(MALFORMED, "SQLite cannot read it: "), (b"", "it is empty"), (b"no database" * 99, "SQLite")],
    ids=["malformed", "empty", "other"],
)
def test_a_database_that_is_broken_is_one_line_and_the_rest_answers(
    folder: Folder, name: str, content: bytes, detail: str
) -> None:
    put(folder, f"{name}.sqlite", content)
    code, found = parts(folder)
    assert code == 1
    assert found[f"{name}.sqlite"]["health"] == "broken"
    assert found[f"{name}.sqlite"]["detail"].startswith(detail)
    assert {"disk", "clock", "engine", "token keys", "versions"} <= found.keys()
    assert parts(folder)[1][f"{name}.sqlite"]["detail"].startswith(detail)  # as it was left
    others = {"sites", "tables", "stream", "shown", "accepted"} - {name}
    assert {found[f"{other}.sqlite"]["health"] for other in others} == {"well"}


def test_sites_that_were_lost_are_named_also_after_a_command_has_made_their_file_anew(
    folder: Folder,
) -> None:
    put(folder, "sites.sqlite", b"")
    assert "there is no site 'my.site'" in str(folder.run("stats", "my.site").exception)
    assert said(folder, "sites.sqlite")[0] == "well"  # it has its table again, and no site
    lost = "broken", "it has counts, and sites.sqlite does not know it"
    assert (parts(folder)[0], said(folder, "site my.site")) == (1, lost)

    assert folder.run("site", "add", "other.site").exception is None
    assert said(folder, "site my.site") == lost


def test_a_site_that_was_erased_is_not_missed(folder: Folder) -> None:
    done = folder.run("erase", "--site", "my.site", "--site-all", "--yes")
    assert done.exception is None, done.exception
    code, found = parts(folder)
    assert (code, "site my.site" in found) == (0, False)
    assert found["sites"]["detail"] == "there are none"


def test_a_page_of_a_database_that_was_overwritten_is_found(folder: Folder) -> None:
    with closing(sqlite3.connect(folder.settings.tables_path)) as tables:
        tables.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = folder.settings.tables_path.read_bytes()
    put(folder, "tables.sqlite", whole[:4096] + b"\xff" * 4096 + whole[8192:])
    health, detail = said(folder, "tables.sqlite")
    assert health == "broken"
    assert "malformed" in detail


@pytest.mark.parametrize(
    ("number", "age"), [(DATA_FORMAT - 1, "an older"), (DATA_FORMAT + 1, "a newer")]
)
def test_a_database_of_another_version_is_named(folder: Folder, number: int, age: str) -> None:
    folder.change(folder.settings.stream_path, f"PRAGMA user_version = {number}")
    health, detail = said(folder, "stream.sqlite")
    assert (health, detail) == (
        "broken",
        f"it is of {age} version: its data format is {number}, this version's {DATA_FORMAT}",
    )


def test_a_table_that_was_dropped_is_named(folder: Folder) -> None:
    folder.change(folder.settings.tables_path, "DROP TABLE sessions")
    detail = "it lacks a table as this version makes it: sessions, sessions_by_expiry"
    assert said(folder, "tables.sqlite") == ("broken", detail)


def test_consumers_that_stand_still_are_broken_and_a_short_wait_is_none(folder: Folder) -> None:
    folder.visit(500)
    assert said(folder, "stats consumer")[0] == "well"
    folder.age(timedelta(minutes=2))
    assert said(folder, "stats consumer")[0] == "late"
    folder.age(timedelta(minutes=5))
    code, found = parts(folder)
    assert code == 1
    detail = found["stats consumer"]["detail"]
    assert detail.startswith("500 records wait, the oldest since 20")
    assert detail.endswith("UTC, and it does not move")


def test_what_waits_in_the_spill_is_said(folder: Folder) -> None:
    folder.back_up_log()
    put(folder, "stream.sqlite", MALFORMED)
    folder.visit(45)
    code, found = parts(folder)
    assert (code, found["spill"]["health"]) == (1, "late")
    assert found["spill"]["detail"].startswith("45 requests wait, the oldest since 20")
    assert found["stream.sqlite"]["health"] == "broken"


def test_an_archive_that_lost_its_newest_file_is_broken(folder: Folder) -> None:
    folder.archive_files()[-1].unlink()
    code, found = parts(folder)
    (archive,) = (one for part, one in found.items() if part.startswith("archive, "))
    assert (code, archive["health"]) == (1, "broken")
    assert (
        archive["detail"].startswith("1 records with 1 events lost")
        or "events lost" in archive["detail"]
    )
    assert found["proof of my.site"]["health"] == "broken"


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("free", "total", "health"),
    [
        (2 * GIGABYTE, 10 * GIGABYTE, "well"),
        (300 * GIGABYTE, 4000 * GIGABYTE, "well"),
        (2 * GIGABYTE, 40 * GIGABYTE, "late"),
        (GIGABYTE // 2, GIGABYTE, "late"),
        (GIGABYTE // 20, GIGABYTE, "broken"),
    ],
)
def test_the_disk_is_late_before_it_is_full(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, free: int, total: int, health: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(total, total - free, free))
    assert said(folder, "disk")[0] == health


def test_a_clock_that_is_behind_what_was_received_is_broken(folder: Folder) -> None:
    folder.age(timedelta(hours=-1))
    health, detail = said(folder, "clock")
    assert health == "broken"
    assert detail.endswith("s before what was received already")


def test_a_file_from_the_future_tells_of_the_clock_too(folder: Folder) -> None:
    path = folder.settings.sites_path
    ahead = path.stat().st_mtime + 7200
    os.utime(path, (ahead, ahead))
    assert said(folder, "clock")[0] == "broken"


@pytest.mark.parametrize(
    ("harm", "health"),
    [
        (lambda path: path.unlink(), "late"),
        (lambda path: path.chmod(0o644), "late"),
        (lambda path: path.write_bytes(b"{}"), "broken"),
    ],
    ids=["missing", "open to all", "changed"],
)
def test_the_token_keys_are_looked_at(
    folder: Folder, harm: Callable[[Path], object], health: str
) -> None:
    harm(folder.settings.token_keys_path)
    assert said(folder, "token keys")[0] == health


def test_closed_days_that_are_not_sealed_are_late(folder: Folder) -> None:
    folder.change(folder.settings.tables_path, "UPDATE stats SET day = '2026-01-05'")
    health, detail = said(folder, "days of my.site")
    assert (health, detail) == (
        "late",
        "1 closed days are not sealed, the first of them 2026-01-05",
    )


def test_whatever_a_check_raises_is_its_line(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: object) -> object:
        raise ZeroDivisionError("no")

    monkeypatch.setattr(shutil, "disk_usage", breaks)
    code, found = parts(folder)
    assert (code, len(found)) == (1, ALL_PARTS)
    assert found["disk"]["detail"] == "ZeroDivisionError: no"
