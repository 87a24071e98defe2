"""Copies what a data folder holds, part by part, while the engine works on it."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import file_digest
from pathlib import Path

from processors.archive.keys import COMPACTED, MANIFESTS, RECORDS
from runtime.errors import LiveInsightError
from runtime.files import UNFINISHED

PRIVATE = 0o600


class BrokenCopyError(LiveInsightError):
    """A copy is not what it should be."""


def copy_database(source: Path, copy: Path) -> None:
    """Copy a database as of one moment; others may read and write it meanwhile.

    https://www.sqlite.org/backup.html

    Raises:
        BrokenCopyError: SQLite cannot read it, or cannot write the copy.
    """
    if not source.exists():
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.touch(mode=PRIVATE)
    try:
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(copy)) as written:
            read.backup(written)
    except sqlite3.DatabaseError as error:
        raise BrokenCopyError(f"{source} cannot be copied: {error}") from error


def settle(path: Path) -> None:
    """Leave a database that nobody uses as one file, and check it.

    Raises:
        BrokenCopyError: SQLite finds it broken.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise BrokenCopyError(f"{path}: {error}") from error
    if found != "ok":
        raise BrokenCopyError(f"{path} is broken: {found}")


def copy_file(source: Path, copy: Path) -> bool:
    """Copy a file with its times; return False where it is gone."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copy2(source, copy)
    except FileNotFoundError:
        return False
    return True


def copy_objects(source: Path, copy: Path) -> None:
    """Copy a folder of objects, which are made once and never changed; some may go meanwhile."""
    for path in files_in(source):
        copy_file(path, copy / path.relative_to(source))


def copy_archive(source: Path, copy: Path) -> None:
    """Copy the archive up to some record of each shard, while others append, merge and prune.

    Small objects come first, so that each that is pruned meanwhile is in a compacted one that a
    manifest names by then. Compacted ones come before the manifests, and again behind them: what a
    manifest names stands before it does.

    A listing is not of one moment. What it shows may have been made while it went on, and what was
    made before that be missing; but then it stands in the next listing. So of the second one that
    is taken which does not lie behind the end of the first.
    """
    ends = _newest(source / RECORDS)
    for path in files_in(source / RECORDS):
        if path.name <= ends.get(path.parent.name, ""):
            copy_file(path, copy / path.relative_to(source))
    for folder in (COMPACTED, MANIFESTS, COMPACTED):
        for path in files_in(source / folder):
            copied = copy / path.relative_to(source)
            if not copied.exists():
                copy_file(path, copied)


def _newest(records: Path) -> dict[str, str]:
    ends: dict[str, str] = {}
    for path in files_in(records):
        ends[path.parent.name] = max(path.name, ends.get(path.parent.name, ""))
    return ends


def files_in(folder: Path) -> Iterator[Path]:
    """Give the whole files of a folder at any depth, in order."""
    found = (
        Path(place) / name
        for place, _, names in os.walk(folder)
        for name in names
        if not name.endswith(UNFINISHED)
    )
    return iter(sorted(found))


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
