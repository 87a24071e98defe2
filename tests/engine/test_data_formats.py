"""Files of another version, or that are none: every process says so, and answers in documents."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import api.stats.bootstrap
import ingest.bootstrap
from ingest.stream.opener import event_sink
from ingest.stream.sink import SinkRecord
from liveinsight.engine import witnesses
from liveinsight.engine.front import HttpRequest, answer_to
from liveinsight.engine.positions import Positions
from liveinsight.engine.processes import check
from liveinsight.engine.reader import ReadApplication
from liveinsight.imports.checkpoint import ImportCheckpoints
from liveinsight.imports.options import ImportOptions
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sites.site import Site
from runtime.sqlite import DATA_FORMAT, Database

SITE = "my.site"
READY = HttpRequest("GET", "/readyz", "", {}, "", b"")
CACHES = (
    api.stats.bootstrap.endpoint,
    witnesses.reconciliation,
    ingest.bootstrap.collector,
    ingest.bootstrap.sink,
)


def of_format(path: Path, number: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE one (number INTEGER)")
        database.execute(f"PRAGMA user_version = {number}")


BREAKS: dict[str, Callable[[Path], object]] = {
    "newer": lambda path: of_format(path, DATA_FORMAT + 1),
    "older": lambda path: of_format(path, DATA_FORMAT - 1),
    "no database": lambda path: path.write_bytes(b"this is no database " * 400),
}


def put_in_place(path: Path, how: str) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    BREAKS[how](path)


@pytest.fixture
def used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedSettings]:
    """A folder that the engine has used, named by the environment."""
    settings = EmbeddedSettings(tmp_path)
    sites(settings).add(Site(site_id=SITE, public=True))
    check(settings)
    for name, value in settings.environ.items():
        monkeypatch.setenv(name, value)
    for cached in CACHES:
        cached.cache_clear()
    yield settings
    for cached in CACHES:
        cached.cache_clear()


def answered(settings: EmbeddedSettings, path: str, query: str = "") -> tuple[int, dict[str, Any]]:
    """The status and the document of the reader's answer."""
    request = HttpRequest("GET", path, query, {}, "127.0.0.1", b"")
    answer = asyncio.run(answer_to(ReadApplication(settings), request))
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("path", ["/api/stats", "/api/reconciliation"])
def test_an_api_answers_503_in_a_document(used: EmbeddedSettings, path: str, how: str) -> None:
    put_in_place(used.tables_path, how)
    status, document = answered(used, path, f"site_id={SITE}")
    assert (status, document["code"]) == (503, "store_unusable")
    assert str(used.data) not in json.dumps(document)


@pytest.mark.parametrize("how", BREAKS)
def test_the_dashboards_list_of_sites_is_503_too(used: EmbeddedSettings, how: str) -> None:
    put_in_place(used.sites_path, how)
    for path in ("/config.json", "/readyz"):
        status, document = answered(used, path)
        assert (status, document["code"]) == (503, "unavailable")


@pytest.mark.parametrize("how", BREAKS)
def test_who_cannot_read_the_tables_is_not_ready(used: EmbeddedSettings, how: str) -> None:
    assert asyncio.run(ReadApplication(used)(READY)).status == 200
    put_in_place(used.tables_path, how)
    assert answered(used, "/readyz")[0] == 503


def test_a_column_that_comes_later_disturbs_no_writer(used: EmbeddedSettings) -> None:
    """Every statement names its columns."""
    checkpoints = ImportCheckpoints(used.imports_path)
    begun = checkpoints.begin(SITE, b"first", ImportOptions(), b"digest")
    for path in used.data.rglob("*.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            tables = database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall()
            for (table,) in tables:
                database.execute(f"ALTER TABLE {table} ADD COLUMN later INTEGER DEFAULT 7")
    assert sites(used).add(Site(site_id="other.site"))
    event_sink(used).put([SinkRecord(f"{SITE}/0", b"-")])
    Positions(Database(used.tables_path, "")).advance("stats", "a", 1, now=0)
    checkpoints.save(begun, b"four")
    check(used)
