"""How far each export has been imported: survives a crash at any moment.

An export is known by the SHA-256 of its first event and checked by a digest of all events imported,
so that a copy and the same export grown longer are one, and a different one that begins with the
same event is another. Four bytes of the running digest are kept for each event: they tell an older,
shorter copy from a different one. Of logs, lines are known: `imported_lines.py`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from liveinsight.imports import imported_lines
from liveinsight.imports.imported_lines import ImportedLines, forget_lines
from liveinsight.imports.options import ImportOptions, Tally
from runtime.errors import UsageError
from runtime.sqlite import Database

CHECK_LENGTH = 4
"""Bytes of the running digest that are kept for each line."""

TABLES = """
CREATE TABLE IF NOT EXISTS imports (
    import_id INTEGER PRIMARY KEY, site_id TEXT NOT NULL, first_line BLOB NOT NULL,
    options TEXT NOT NULL, lines INTEGER NOT NULL, digest BLOB NOT NULL,
    rest_imported INTEGER NOT NULL, tally TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS imports_by_log ON imports (site_id, first_line);
CREATE TABLE IF NOT EXISTS chunks (
    import_id INTEGER NOT NULL, last_line INTEGER NOT NULL, checks BLOB NOT NULL,
    PRIMARY KEY (import_id, last_line)
) WITHOUT ROWID
"""
TABLES = f"{TABLES};{imported_lines.TABLES}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far one log has been imported into one site."""

    import_id: int
    options: ImportOptions
    lines: int
    """Lines behind us that end with a line feed, those before `--from-line` among them."""
    digest: bytes
    """SHA-256 of these lines."""
    rest_imported: bool
    """Whether an unterminated line that followed them has been imported too."""
    tally: Tally


class ImportCheckpoints:
    """Keeps the checkpoints of all imports in one folder.

    Args:
        folder: `imports/` in the data folder; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = Database(folder / "checkpoints.sqlite", TABLES, durability="power_loss")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other imports out. The lock ends with the process, however it ends.

        Raises:
            UsageError: another import is running, or the file of the lock cannot be used.
        """
        self._database.check()
        path = self._folder / "lock.sqlite"
        with ExitStack() as closed:
            try:
                lock = sqlite3.connect(path, timeout=0, isolation_level=None)
                closed.callback(lock.close)
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                    raise UsageError(
                        f"another import into {self._folder.parent} is running: wait until it has"
                        " ended"
                    ) from error
                raise UsageError(f"{path} cannot be used ({error}): delete it") from error
            yield

    def find(self, site_id: str, first_line: bytes) -> list[Checkpoint]:
        """Return the imports of logs that begin with this line (a SHA-256), the longest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT import_id, options, lines, digest, rest_imported, tally FROM imports "
                "WHERE site_id = ? AND first_line = ? ORDER BY lines DESC, import_id",
                (site_id, first_line),
            ).fetchall()
        return [_checkpoint(row) for row in rows]

    def begin(
        self, site_id: str, first_line: bytes, options: ImportOptions, digest: bytes
    ) -> Checkpoint:
        """Note the start of an import; `digest` is that of no lines."""
        with self._database.writing() as connection:
            added = connection.execute(
                "INSERT INTO imports "
                "(site_id, first_line, options, lines, digest, rest_imported, tally) "
                "VALUES (?, ?, ?, 0, ?, 0, ?)",
                (site_id, first_line, options.model_dump_json(), digest, "{}"),
            )
        if added.lastrowid is None:
            raise RuntimeError("an insert gave no row id")
        return Checkpoint(added.lastrowid, options, 0, digest, rest_imported=False, tally=Tally())

    def save(self, checkpoint: Checkpoint, checks: bytes) -> None:
        """Move a checkpoint, durably. `checks` holds CHECK_LENGTH bytes for each line passed."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE imports SET lines = ?, digest = ?, rest_imported = ?, tally = ? "
                "WHERE import_id = ?",
                (
                    checkpoint.lines,
                    checkpoint.digest,
                    checkpoint.rest_imported,
                    checkpoint.tally.model_dump_json(),
                    checkpoint.import_id,
                ),
            )
            if checks:
                connection.execute(
                    "INSERT INTO chunks (import_id, last_line, checks) VALUES (?, ?, ?)",
                    (checkpoint.import_id, checkpoint.lines, checks),
                )

    def forget(self, site_id: str) -> int:
        """Forget the imports into a site; return how many there were."""
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM chunks WHERE import_id IN"
                " (SELECT import_id FROM imports WHERE site_id = ?)",
                (site_id,),
            )
            gone = connection.execute("DELETE FROM imports WHERE site_id = ?", (site_id,))
            return gone.rowcount + forget_lines(connection, site_id)

    def lines(self, site_id: str, options: ImportOptions, name: str) -> ImportedLines:
        """Begin to ask which lines of a log have been imported into a site.

        Args:
            site_id: the site.
            options: which lines become which events.
            name: of the log, as its user knows it.
        """
        return ImportedLines(self._database, site_id, options, name)

    def check(self, checkpoint: Checkpoint, line: int) -> bytes:
        """Return the start of the digest that the log had at one of its imported lines."""
        with self._database.reading() as connection:
            last_line, checks = connection.execute(
                "SELECT last_line, checks FROM chunks WHERE import_id = ? AND last_line >= ? "
                "ORDER BY last_line LIMIT 1",
                (checkpoint.import_id, line),
            ).fetchone()
        end = len(checks) - (last_line - line) * CHECK_LENGTH
        return bytes(checks[end - CHECK_LENGTH : end])


def _checkpoint(row: tuple[int, str, int, bytes, int, str]) -> Checkpoint:
    import_id, options, lines, digest, rest_imported, tally = row
    return Checkpoint(
        import_id=import_id,
        options=ImportOptions.model_validate_json(options),
        lines=lines,
        digest=digest,
        rest_imported=bool(rest_imported),
        tally=Tally.model_validate_json(tally),
    )
