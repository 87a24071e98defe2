"""SQLite as the embedded engine uses it: WAL, one connection per thread, short write transactions.

Several processes open the same file. Readers never wait for the writer; writers queue for at most
`BUSY_TIMEOUT` or less, then the operation fails with RetryableError.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from runtime.backoff import Backoff
from runtime.errors import RetryableError, UsageError

BUSY_TIMEOUT = timedelta(seconds=20)

SWITCH_ATTEMPTS = 12
SWITCH_PAUSES = Backoff(first=0.01, longest=0.2)

TRUNCATE_ATTEMPTS = 30
TRUNCATE_PAUSES = Backoff(first=0.01, longest=0.5)

UNUSABLE = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)
"""What the system says of a path where no file can be: waiting mends none of it."""

DATA_FORMAT = 6
"""Of everything in a data folder, whose SQLite files carry it as their `user_version`. It grows
when what is kept is laid out anew; there is nothing that reads an older one."""

FAULTS = {sqlite3.OperationalError, sqlite3.DatabaseError}
"""Locked, full, failing; or a broken file. Other subclasses say that a statement is wrong."""

DENIED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
"""What SQLite says where rights are missing; and else too many files are open, say.
https://www.sqlite.org/rescode.html"""

PRIMARY_CODE = 0xFF

LEAST_FREE_SHARE = 4
LEAST_FREE_BYTES = 16 << 20
"""A file is worth shrinking where a quarter of it is free, and so much."""

SHRINK_PAGES = 1000
"""In one transaction: writers wait for it some milliseconds."""

FileId = tuple[int, int]
"""Device and inode: which file stands at a path."""

NO_FILE: FileId = (0, 0)

Durability = Literal["power_loss", "process_crash"]
"""What a committed transaction survives. `power_loss` costs an fsync for each commit."""


class _Connection(sqlite3.Connection):
    """Closes when its thread ends."""

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # a file that could not be opened
            self.close()


@dataclass(frozen=True, slots=True)
class _Opened:
    connection: sqlite3.Connection
    file: FileId


class Database:
    """One SQLite file with its tables, of this version's data format.

    Any use of a file of another format, or that is no database or cannot be one, raises UsageError.
    A file that was taken away, or put in the place of the first one, is noticed at the next use,
    and the one that stands there then is opened, or made.

    Args:
        path: the file; made with its folder when missing.
        tables: `CREATE TABLE IF NOT EXISTS` statements, run at the first connection.
        durability: what a commit must survive.
        patience: how long an operation waits for another writer.
    """

    def __init__(
        self,
        path: Path,
        tables: str,
        durability: Durability = "process_crash",
        patience: timedelta = BUSY_TIMEOUT,
    ) -> None:
        self.path = path
        self._tables = tables
        self._patience = patience
        self._synchronous = "FULL" if durability == "power_loss" else "NORMAL"
        self._local = threading.local()
        self._lock = threading.Lock()
        self._ready = False
        """Whether the file that stands there has the tables."""
        self._index: tuple[FileId, FileId] = (NO_FILE, NO_FILE)
        """Of the file that was opened last, and its shared index (`-shm`)."""

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection for queries, all of which see one snapshot."""
        connection = self._connection()
        with _translated(self.path):
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside a write transaction: all of it is committed, or nothing.

        Raises:
            RetryableError: another process held the write lock for too long, the disk failed, or
                the file was taken away meanwhile, and what was written is gone with it.
        """
        connection = self._connection()
        with _translated(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        if self._local.opened.file != _file_at(self.path):
            raise RetryableError(f"{self.path} was taken away while it was written")

    def changes(self) -> tuple[FileId, int]:
        """Return something that is another after another connection has committed.

        Only what the same thread got can be compared.
        https://www.sqlite.org/pragma.html#pragma_data_version
        """
        connection = self._connection()
        with _translated(self.path):
            version = connection.execute("PRAGMA data_version").fetchone()[0]
        return self._local.opened.file, int(version)

    def vacuum(self) -> None:
        """Write the file anew, so that what was deleted can be read from neither it nor its log.

        Writers wait meanwhile; readers do not. https://www.sqlite.org/lang_vacuum.html

        Raises:
            RetryableError: somebody reads or writes all the time, or the disk has no room for a
                second copy; the file is as it was.
        """
        connection = self._connection()
        with _translated(self.path):
            connection.execute("VACUUM")
            for failures in range(1, TRUNCATE_ATTEMPTS):
                if not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    return
                TRUNCATE_PAUSES.wait(failures)
        raise RetryableError(f"{self.path} is read all the time: its log could not be emptied")

    def shrink(self) -> int:
        """Give room that rows have left back to the disk, where that is worth while.

        It takes many short transactions, so that nobody waits long.

        Returns:
            How many bytes the file has become smaller by.
        """
        connection = self._connection()
        with _translated(self.path):
            (pages,), (free,), (size,) = (
                connection.execute(f"PRAGMA {name}").fetchone()
                for name in ("page_count", "freelist_count", "page_size")
            )
            if free * LEAST_FREE_SHARE < pages or free * size < LEAST_FREE_BYTES:
                return 0
            for _ in range(0, free, SHRINK_PAGES):
                # Not by execute, which takes one step of it, and so gives one page back.
                connection.executescript(f"PRAGMA incremental_vacuum({SHRINK_PAGES})")
            (left,) = connection.execute("PRAGMA page_count").fetchone()
        return int(pages - left) * int(size)

    def check(self) -> None:
        """Open the file, as every use does, and make it where it is missing."""
        self._connection()

    def close(self) -> None:
        """Close this thread's connection."""
        opened: _Opened | None = getattr(self._local, "opened", None)
        if opened is not None:
            opened.connection.close()
            self._local.opened = None

    def _connection(self) -> sqlite3.Connection:
        opened: _Opened | None = getattr(self._local, "opened", None)
        if opened is None or opened.file != _file_at(self.path):
            with self._lock, _translated(self.path):
                self._ready = self._ready and opened is None
                self.close()
                self._local.opened = opened = self._connect()
        return opened.connection

    def _connect(self) -> _Opened:
        file = self._make_file()
        connection = sqlite3.connect(
            self.path,
            timeout=self._patience.total_seconds(),
            isolation_level=None,
            factory=_Connection,
            check_same_thread=False,  # another thread may collect, and so close, a dead one's
        )
        # For a file that has nothing in it yet: its pages can be given back (`shrink`).
        # https://www.sqlite.org/pragma.html#pragma_auto_vacuum
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        _switch_to_wal(connection)
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        # A process has a connection for each thread and file: with 16 MB each, which saves no time
        # beside the system's own cache, a consumer takes 100 MB more.
        connection.execute("PRAGMA cache_size = -4000")
        self._check_format(connection)
        if not self._ready:
            self._make_tables(connection)
            self._ready = True
            self._index = file, _file_at(_beside(self.path, "-shm"))
        return _Opened(connection, file)

    def _make_file(self) -> FileId:
        """Return which file stands at the path; make it where there is none."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self.path.parent):
                known, index = self._index
                found = _file_at(self.path)
                left = known not in (NO_FILE, found) and index == _file_at(
                    _beside(self.path, "-shm")
                )
                if found == NO_FILE or left:
                    # Of a file that was taken away. SQLite would join those who still have it open
                    # in sharing the index of its log. https://www.sqlite.org/howtocorrupt.html
                    for suffix in ("-wal", "-shm"):
                        _beside(self.path, suffix).unlink(missing_ok=True)
                self.path.touch(mode=0o600)  # visitors' data and secrets are the owner's alone
                return _file_at(self.path)
        except UNUSABLE as error:
            raise UsageError(
                f"{self.path} cannot be used ({error.strerror}): name another folder, or mend this"
            ) from error
        except OSError as error:
            raise RetryableError(f"{self.path}: {error.strerror}") from error

    def _check_format(self, connection: sqlite3.Connection) -> None:
        # One snapshot: another process may be making the tables at this moment.
        ((found, used),) = connection.execute(
            "SELECT user_version, EXISTS (SELECT 1 FROM sqlite_master) FROM pragma_user_version"
        ).fetchall()
        if used and found != DATA_FORMAT:
            age, advice = (
                ("a newer", "install that version")
                if found > DATA_FORMAT
                else ("an older", "use that version")
            )
            raise UsageError(
                f"{self.path} was made by {age} version of LiveInsight (its data format is"
                f" {found}, this version's {DATA_FORMAT}): {advice}, or use another folder"
            )

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        connection.executescript(
            f"BEGIN IMMEDIATE; {self._tables}; PRAGMA user_version = {DATA_FORMAT}; COMMIT"
        )


def has_content(path: Path) -> bool:
    """Say whether a file stands there that is not empty: who only looks makes no tables in it."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _file_at(path: Path) -> FileId:
    try:
        found = os.stat(path)  # noqa: PTH116 - for each use: Path.stat takes twice as long
    except OSError:
        return NO_FILE
    return found.st_dev, found.st_ino


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _may_write(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from making a file of the folder meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Let readers not wait for the writer.

    While another connection does the same to a new file, SQLite says at once that it is locked,
    however long it may wait otherwise.
    """
    for failures in range(1, SWITCH_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError:
            SWITCH_PAUSES.wait(failures)
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL").fetchall()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) not in FAULTS:
            raise
        code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE
        if code == sqlite3.SQLITE_NOTADB:
            raise UsageError(
                f"{path} is no SQLite database: put it back from a backup, or use another folder"
            ) from error
        if code in DENIED and not _may_write(path):
            raise UsageError(
                f"{path} cannot be written to: give this user the right to write it and its"
                " folder, or use another folder"
            ) from error
        if code == sqlite3.SQLITE_CORRUPT:
            raise RetryableError(
                f"{path} is broken ({error}): put it back from a backup, or move it away"
            ) from error
        raise RetryableError(f"{path}: {error}") from error
