"""How a data folder is: its disk, its databases, its keys, the clock, and whether somebody works.

It only reads, also while the engine runs. What it finds missing it does not make.
"""

import fcntl
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from aggregates.stores.sqlite import TABLES as NUMBERS
from ingest.accepted.sqlite import TABLES as ACCEPTED
from ingest.stream.sqlite import TABLES as STREAM
from ingest.stream.witness import TABLES as WITNESS
from ingest.tokens.keys import parse
from liveinsight.operations.health import Finding, Question, broken, late, well
from processors.columns.writer import behind
from query.opener import library
from runtime.objects.opener import objects
from runtime.settings import EmbeddedSettings
from runtime.sites.sqlite import TABLES as SITES
from runtime.sqlite import DATA_FORMAT

GIGABYTE = 10**9
LITTLE_SPACE = GIGABYTE
LITTLE_SHARE, ENOUGH_SPACE = 0.1, 20 * GIGABYTE
NO_SPACE = 100 * 10**6
"""Bytes with which the engine cannot go on for long: a checkpoint of a WAL file may take more."""

CLOCK_GRACE = timedelta(minutes=1)
BUSY_SECONDS = 20.0

COLUMNS_WITHIN = timedelta(minutes=5)
"""How old what the columns lack may be without a word: the archive waits a minute, they less."""


def questions(settings: EmbeddedSettings, now: datetime) -> Iterator[Question]:
    """Give the questions to a data folder, which is there."""
    yield Question("disk", partial(_disk, settings.data))
    for known in _databases(settings):
        yield Question(known.name, partial(_database, known))
    yield Question("sites", partial(_unknown_sites, settings))
    yield Question("token keys", partial(_keys, settings.token_keys_path))
    yield Question("clock", partial(_clock, settings, now))
    yield Question("columns", partial(_columns, settings, now))
    yield Question("engine", partial(_engine, settings.consumer_lock_path))


def folder_question(settings: EmbeddedSettings) -> Question:
    """Return the question that comes first: without a folder there is no other one."""
    return Question("data folder", partial(_folder, settings))


def _folder(settings: EmbeddedSettings) -> Iterator[Finding]:
    part, data = "data folder", settings.data
    if not data.is_dir():
        yield broken(part, f"{data} is no folder", "name the folder with --data")
    elif not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield broken(part, f"{data} cannot be written", "give this user the right to write it")
    else:
        yield well(part, f"{data.resolve()}, data format {DATA_FORMAT}")


def _disk(data: Path) -> Iterator[Finding]:
    usage = shutil.disk_usage(data)
    share = usage.free / usage.total
    detail = f"{usage.free / GIGABYTE:,.1f} GB free, {share:.0%} of {usage.total / GIGABYTE:,.0f}"
    remedy = "make room: 'liveinsight archive compact', or move the folder to a larger disk"
    if usage.free < NO_SPACE:
        yield broken("disk", detail, remedy)
    elif usage.free < LITTLE_SPACE or (share < LITTLE_SHARE and usage.free < ENOUGH_SPACE):
        yield late("disk", detail, remedy)
    else:
        yield well("disk", detail)


@dataclass(frozen=True, slots=True)
class _Known:
    """A database that a data folder has."""

    name: str
    path: Path
    tables: str
    """The statements that make its tables; empty: others are looked at no closer."""
    remedy: str
    """What to do where it is missing."""
    is_needed: bool = False
    """Whether a folder without it has lost something."""


def _databases(settings: EmbeddedSettings) -> Iterator[_Known]:
    lost = "put it back from a backup while the engine is stopped"
    has_run = settings.stream_path.exists() or (settings.data / "archive").exists()
    yield _Known("sites.sqlite", settings.sites_path, SITES, lost, is_needed=True)
    recount = f"{lost}; without one, 'liveinsight rebuild --all' counts what the archive has"
    first = "nothing: the first start makes it"
    yield _Known(
        "tables.sqlite", settings.tables_path, NUMBERS, recount if has_run else first, has_run
    )
    anew = (
        "nothing, if the engine has not run yet; else what waited in it is lost, and the next"
        " start begins a new stream"
    )
    yield _Known("stream.sqlite", settings.stream_path, STREAM, anew)
    yield _Known("shown.sqlite", settings.witness_path, WITNESS, "nothing: the next start makes it")
    since = "nothing: the next event makes it, and it proves nothing about those that came before"
    yield _Known("accepted.sqlite", settings.accepted_path, ACCEPTED, since)
    new_ids = "nothing: the next visitor makes it; who came today counts as another visitor again"
    yield _Known("salts.sqlite", settings.salts_path, "", new_ids)
    if settings.imports_path.exists():
        again = f"{lost}: without it an import counts a log again"
        yield _Known("import checkpoints", settings.import_checkpoints_path, "", again)


def _database(known: _Known) -> Iterator[Finding]:
    name, path = known.name, known.path
    if not path.exists():
        make = broken if known.is_needed else late
        yield make(name, "it is missing", known.remedy)
        return
    mend = "stop the engine, and put it back from a backup, or move it away"
    try:
        problem, remedy = _problem(known)
    except sqlite3.Error as error:
        problem, remedy = f"SQLite cannot read it: {error}", ""
    if problem:
        yield broken(name, problem, remedy or mend)
        return
    size = sum(
        one.stat().st_size for one in (path, path.with_name(f"{path.name}-wal")) if one.exists()
    )
    yield well(name, f"whole, {size / 10**6:,.2f} MB")


def _unknown_sites(settings: EmbeddedSettings) -> Iterator[Finding]:
    """Name the sites that have counts and no settings: a `sites.sqlite` was lost, and made anew.

    Whatever opens an empty one makes its table, and then it looks whole. Says nothing else.
    """
    try:
        known = _column(settings.sites_path, "SELECT site_id FROM sites")
        counted = _column(
            settings.tables_path, "SELECT site_id FROM stats UNION SELECT site_id FROM seals"
        )
    except sqlite3.Error:
        return  # their own lines say so
    for site_id in sorted(counted - known):
        yield broken(
            f"site {site_id}",
            "it has counts, and sites.sqlite does not know it",
            "put sites.sqlite back from a backup while the engine is stopped",
        )


def _column(path: Path, query: str) -> set[str]:
    with closing(_opened(path)) as connection:
        return {value for (value,) in connection.execute(query)}


def _problem(known: _Known) -> tuple[str, str]:
    """Return what is wrong with a database, and what to do; both empty: nothing."""
    with closing(_opened(known.path)) as connection:
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        ((problem, *_),) = connection.execute("PRAGMA quick_check(1)").fetchall()
        there = _made(connection)
    if problem != "ok":
        return f"it is malformed: {' '.join(problem.split())}", ""
    if not there:
        return "it is empty", known.remedy
    if version != DATA_FORMAT:
        age = "a newer" if version > DATA_FORMAT else "an older"
        return (
            f"it is of {age} version: its data format is {version}, this version's {DATA_FORMAT}",
            "run the version of LiveInsight that made it, or use another folder",
        )
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(known.tables)
        others = sorted(name for name, made in _made(model).items() if there.get(name) != made)
    if others:
        return f"it lacks a table as this version makes it: {', '.join(others)}", ""
    return "", ""


def _made(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the statement that made each table and index."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    return dict(connection.execute(query).fetchall())


def _opened(path: Path) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _keys(path: Path) -> Iterator[Finding]:
    part = "token keys"
    if not path.exists():
        yield late(part, "there are none", "nothing: the collector makes them when it starts")
        return
    keys = parse(path.read_bytes(), str(path))
    others = stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    if others:
        yield late(part, f"{path.name} can be read by others", f"chmod 600 {path}")
    else:
        yield well(part, f"{len(keys.keys):,}, for their owner alone")


def _clock(settings: EmbeddedSettings, now: datetime) -> Iterator[Finding]:
    newest = max(_known_times(settings), default=0.0)
    ahead = timedelta(seconds=newest - now.timestamp())
    if ahead > CLOCK_GRACE:
        yield broken(
            "clock",
            f"it says {now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, {ahead.total_seconds():,.0f} s"
            " before what was received already",
            "set the clock of this machine, and keep it set (NTP)",
        )
    else:
        yield well("clock", f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")


def _known_times(settings: EmbeddedSettings) -> Iterator[float]:
    """Give times, epoch seconds, that lie in the past by any right clock."""
    yield from (path.stat().st_mtime for path in settings.data.iterdir() if path.is_file())
    if settings.stream_path.exists():
        try:
            with closing(_opened(settings.stream_path)) as connection:
                query = (
                    "SELECT arrived_at FROM records WHERE (shard, sequence) IN"
                    " (SELECT shard, next_sequence - 1 FROM shards)"
                )
                yield from (row[0] / 1000 for row in connection.execute(query))
        except sqlite3.Error:
            return  # its own line says so


def _columns(settings: EmbeddedSettings, now: datetime) -> Iterator[Finding]:
    """Say whether questions with filters are answered from all that is archived."""
    part, lack = "columns", behind(objects(settings, "archive"), library(settings))
    if not lack:
        yield well(part, "filters are answered from all that is archived")
        return
    newest = max(one.arrived_at for one in lack.values()) / 1000
    since = f"the newest came {datetime.fromtimestamp(newest, UTC):%Y-%m-%d %H:%M:%S} UTC"
    detail = "the archive has more than they" + (f": {since}" if newest else ", which have nothing")
    if newest and now.timestamp() - newest < COLUMNS_WITHIN.total_seconds():
        yield well(part, detail)
    else:
        yield late(part, detail, "let the engine run, or run 'liveinsight archive columns'")


def _engine(lock: Path) -> Iterator[Finding]:
    part, remedy = "engine", "start it: 'liveinsight up'"
    if not lock.exists():
        yield late(part, "it has not run here: what arrives is not counted", remedy)
        return
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield well(part, f"its consumers run (process {file.read().strip() or 'unknown'})")
            return
        fcntl.flock(file, fcntl.LOCK_UN)
    yield late(part, "no consumer runs: what arrives is not counted", remedy)
