"""Which lines of logs have been imported: survives a crash at any moment.

A line is known by what it says, not by where it stands: so a copy of a log, one that was cut,
rotated, compressed or joined with others, and one that has grown hold the same lines. Equal lines
of one log are told apart by their number: where a log has three of a line of which two were
imported, one is new.

What is kept of a line is a hash of 8 bytes, with those of the same five minutes. Only the groups
that a log is at are in memory.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from liveinsight.imports.options import ImportOptions
from runtime.errors import UsageError
from runtime.sqlite import Database

HASH_LENGTH = 8
GROUP_MS = 5 * 60 * 1000
MOST_HELD, MOST_GROUPS = 300_000, 4_000
"""Different lines, and groups of them, that are kept in memory: about 50 MB."""
MOST_CUT = 100
"""Last lines without an end that are remembered for a site."""

TABLES = """
CREATE TABLE IF NOT EXISTS log_runs (
    run INTEGER PRIMARY KEY, site_id TEXT NOT NULL, options TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS log_lines (
    site_id TEXT NOT NULL, period INTEGER NOT NULL, run INTEGER NOT NULL, chunk INTEGER NOT NULL,
    hashes BLOB NOT NULL, PRIMARY KEY (site_id, period, run, chunk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cut_lines (
    cut INTEGER PRIMARY KEY, site_id TEXT NOT NULL, length INTEGER NOT NULL, hash BLOB NOT NULL
)
"""

INSERT = "INSERT INTO log_lines VALUES (?, ?, ?, ?, ?)"


def line_hash(content: bytes) -> bytes:
    """Return what a line is known by."""
    return blake2b(content, digest_size=HASH_LENGTH).digest()


@dataclass(slots=True)
class _Group:
    """The lines of five minutes: how often each was imported before, and is in this log."""

    before: dict[bytes, int] = field(default_factory=dict)
    others: dict[bytes, int] = field(default_factory=dict)
    """Imported with other options: the run."""
    here: dict[bytes, int] = field(default_factory=dict)
    known: bytearray = field(default_factory=bytearray)
    """Those of this log that were imported before."""

    @property
    def size(self) -> int:
        """How many different lines it holds."""
        return len(self.before) + len(self.others) + len(self.here)


class ImportedLines:
    """The lines that are known of one site while one log is imported into it.

    Args:
        database: of the checkpoints.
        site_id: the site.
        options: which lines become which events.
        name: of the log, as its user knows it.
    """

    def __init__(self, database: Database, site_id: str, options: ImportOptions, name: str) -> None:
        self._database, self._site_id, self._name = database, site_id, name
        self._options = options
        self._groups: OrderedDict[int, _Group] = OrderedDict()
        self._held = 0
        self._pending: dict[int, bytearray] = {}
        self._chunk = 0
        with database.writing() as connection:
            added = connection.execute(
                "INSERT INTO log_runs (site_id, options) VALUES (?, ?)",
                (site_id, options.model_dump_json()),
            )
            self._run = added.lastrowid or 0
            rows = connection.execute(
                "SELECT run, options FROM log_runs WHERE site_id = ?", (site_id,)
            ).fetchall()
            cut = connection.execute(
                "SELECT length, hash FROM cut_lines WHERE site_id = ?", (site_id,)
            ).fetchall()
        self._runs = {run: ImportOptions.model_validate_json(text) for run, text in rows}
        self._cut = [(int(length), bytes(hashed)) for length, hashed in cut]

    def number(self, content: bytes, hashed: bytes, at: int) -> int | None:
        """Return which of its equals a line is, from 0 on; None: it has been imported.

        Args:
            content: the line.
            hashed: its `line_hash`.
            at: its time, epoch milliseconds.

        Raises:
            UsageError: it was imported with other options.
        """
        period = at // GROUP_MS
        group = self._groups.get(period)
        if group is None:
            group = self._load(period)
        number = group.here.get(hashed, 0)
        group.here[hashed] = number + 1
        if not number:
            self._held += 1
        if number < group.before.get(hashed, 0):
            group.known += hashed
            return None
        if group.others and hashed in group.others:
            self._refuse(group.others[hashed])
        if self._cut and self._was_cut(content):
            self._add(period, hashed)
            return None
        self._add(period, hashed)
        return number

    def note_cut(self, content: bytes) -> None:
        """Remember a line that had no end: when it has grown it is no other."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO cut_lines (site_id, length, hash) VALUES (?, ?, ?)",
                (self._site_id, len(content), line_hash(content)),
            )
            connection.execute(
                "DELETE FROM cut_lines WHERE site_id = ? AND cut NOT IN (SELECT cut FROM cut_lines"
                " WHERE site_id = ? ORDER BY cut DESC LIMIT ?)",
                (self._site_id, self._site_id, MOST_CUT),
            )

    def save(self) -> None:
        """Keep, durably, which lines have been asked for since the last time."""
        if not self._pending:
            return
        self._chunk += 1
        rows = [
            (self._site_id, period, self._run, self._chunk, bytes(hashes))
            for period, hashes in self._pending.items()
        ]
        with self._database.writing() as connection:
            connection.executemany(INSERT, rows)
        self._pending = {}
        self._forget()

    def close(self) -> None:
        """Forget what only this run needed to know."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM log_lines WHERE run = ?", (-self._run,))

    def _add(self, period: int, hashed: bytes) -> None:
        pending = self._pending.get(period)
        if pending is None:
            pending = self._pending[period] = bytearray()
        pending += hashed

    def _was_cut(self, content: bytes) -> bool:
        return any(
            length < len(content) and line_hash(content[:length]) == hashed
            for length, hashed in self._cut
        )

    def _load(self, period: int) -> _Group:
        group = self._groups[period] = _Group()
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT run, hashes FROM log_lines WHERE site_id = ? AND period = ?",
                (self._site_id, period),
            ).fetchall()
        for run, hashes in rows:
            for hashed in _parts(hashes):
                if run in {self._run, -self._run}:
                    group.here[hashed] = group.here.get(hashed, 0) + 1
                elif run < 0:
                    continue  # of a run that was broken off
                elif self._runs[run] == self._options:
                    group.before[hashed] = group.before.get(hashed, 0) + 1
                else:
                    group.others[hashed] = run
        self._held += group.size
        return group

    def _forget(self) -> None:
        """Drop the groups that were loaded first; what they hold is kept with the others."""
        known = []
        while self._held > MOST_HELD or len(self._groups) > MOST_GROUPS:
            period, group = self._groups.popitem(last=False)
            self._held -= group.size
            if group.known:
                self._chunk += 1
                known.append((self._site_id, period, -self._run, self._chunk, bytes(group.known)))
        if known:
            with self._database.writing() as connection:
                connection.executemany(INSERT, known)

    def _refuse(self, run: int) -> None:
        raise UsageError(
            f"{self._name} has been imported into {self._site_id} with {self._runs[run].flags()}:"
            " import it with the same options, or into another site"
        )


def forget_lines(connection: sqlite3.Connection, site_id: str) -> int:
    """Forget which lines were imported into a site; return how many imports there were."""
    for table in ("log_lines", "cut_lines"):
        connection.execute(f"DELETE FROM {table} WHERE site_id = ?", (site_id,))  # noqa: S608
    gone = connection.execute("DELETE FROM log_runs WHERE site_id = ?", (site_id,))
    return gone.rowcount


def _parts(hashes: bytes) -> Iterator[bytes]:
    for at in range(0, len(hashes), HASH_LENGTH):
        yield hashes[at : at + HASH_LENGTH]


__all__ = ["TABLES", "ImportedLines", "forget_lines", "line_hash"]
