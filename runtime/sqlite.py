"""SQLite as the embedded engine uses it: WAL, one connection per thread, short write transactions.

Several processes open the same file. Readers never wait for the writer; writers queue for at most
`BUSY_TIMEOUT` or less, then the operation fails with RetryableError.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Literal

from runtime.backoff import Backoff
from runtime.errors import RetryableError, UsageError

BUSY_TIMEOUT = timedelta(seconds=20)

SWITCH_ATTEMPTS = 12
SWITCH_PAUSES = Backoff(first=0.01, longest=0.2)

UNUSABLE = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)
"""What the system says of a path where no file can be: waiting mends none of it."""

DATA_FORMAT = 5
"""Of everything in a data folder, whose SQLite files carry it as their `user_version`. It grows
when what is kept is laid out anew; there is nothing that reads an older one."""

FAULTS = {sqlite3.OperationalError, sqlite3.DatabaseError}
"""Locked, full, failing; or a broken file. Other subclasses say that a statement is wrong."""

Durability = Literal["power_loss", "process_crash"]
"""What a committed transaction survives. `power_loss` costs an fsync for each commit."""


class _Connection(sqlite3.Connection):
    """Closes when its thread ends."""

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # a file that could not be opened
            self.close()


class Database:
    """One SQLite file with its tables, of this version's data format.

    Any use of a file of another format, or that is no database or cannot be one, raises UsageError.

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
        self._ready = False
        self._lock = threading.Lock()

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
            RetryableError: another process held the write lock for too long, or the disk failed.
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

    def changes(self) -> int:
        """Return a number that is another one after another connection has committed.

        Only numbers that the same thread got can be compared.
        https://www.sqlite.org/pragma.html#pragma_data_version
        """
        connection = self._connection()
        with _translated(self.path):
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def check(self) -> None:
        """Open the file, as every use does, and make it where it is missing."""
        self._connection()

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._lock, _translated(self.path):
                connection = self._connect()
            self._local.connection = connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        self._make_file()
        connection = sqlite3.connect(
            self.path,
            timeout=self._patience.total_seconds(),
            isolation_level=None,
            factory=_Connection,
            check_same_thread=False,  # another thread may collect, and so close, a dead one's
        )
        _switch_to_wal(connection)
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA cache_size = -16000")
        if not self._ready:
            self._make_tables(connection)
            self._ready = True
        return connection

    def _make_file(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)  # visitors' data and secrets are the owner's alone
        except UNUSABLE as error:
            raise UsageError(
                f"{self.path} cannot be used ({error.strerror}): name another folder, or mend this"
            ) from error
        except OSError as error:
            raise RetryableError(f"{self.path}: {error.strerror}") from error

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        # One snapshot: another process may be making the tables at this moment.
        ((found, used),) = connection.execute(
            "SELECT user_version, EXISTS (SELECT 1 FROM sqlite_master) FROM pragma_user_version"
        ).fetchall()
        if used and found != DATA_FORMAT:
            raise UsageError(
                f"{self.path.parent} was made by another version of LiveInsight (its data format is"
                f" {found}, this version's {DATA_FORMAT}): use that version, or another folder"
            )
        connection.executescript(
            f"BEGIN IMMEDIATE; {self._tables}; PRAGMA user_version = {DATA_FORMAT}; COMMIT"
        )


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
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            raise UsageError(
                f"{path} is no SQLite database: put it back from a backup, or use another folder"
            ) from error
        raise RetryableError(f"{path}: {error}") from error
