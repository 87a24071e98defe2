"""The stores in one SQLite file."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from aggregates.seal import Period
from aggregates.stores import encoding
from aggregates.stores.cache import VersionCache
from aggregates.stores.heads import Head, HeadKey, decode_head, encode_head
from aggregates.stores.ports import (
    Layer,
    MinuteKey,
    RawEvent,
    RollupKey,
    SealKey,
    StoredMinute,
    StoredRollup,
    StoredSeal,
    StoredVisitor,
    Versioned,
    VisitorKey,
)
from runtime.sqlite import Database

TABLES = """
CREATE TABLE IF NOT EXISTS stats (
    generation INTEGER NOT NULL, site_id TEXT NOT NULL, day TEXT NOT NULL,
    partition INTEGER NOT NULL, layer TEXT NOT NULL,
    version INTEGER NOT NULL, epoch INTEGER NOT NULL, frozen INTEGER NOT NULL,
    checkpoints TEXT NOT NULL, arrived_at INTEGER NOT NULL, processed_at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (generation, site_id, day, partition, layer));
CREATE TABLE IF NOT EXISTS seals (
    generation INTEGER NOT NULL, site_id TEXT NOT NULL, period TEXT NOT NULL, first TEXT NOT NULL,
    version INTEGER NOT NULL, sealed_at INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (generation, site_id, period, first));
CREATE TABLE IF NOT EXISTS sessions (
    generation INTEGER NOT NULL, site_id TEXT NOT NULL, visitor_id BLOB NOT NULL,
    version INTEGER NOT NULL, body BLOB NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (generation, site_id, visitor_id));
CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires_at);
CREATE TABLE IF NOT EXISTS realtime (
    site_id TEXT NOT NULL, minute INTEGER NOT NULL, partition INTEGER NOT NULL,
    version INTEGER NOT NULL, pageviews INTEGER NOT NULL, events INTEGER NOT NULL,
    checkpoints TEXT NOT NULL, arrived_at INTEGER NOT NULL, processed_at INTEGER NOT NULL,
    body BLOB NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (site_id, minute, partition));
CREATE INDEX IF NOT EXISTS realtime_by_expiry ON realtime (expires_at);
CREATE TABLE IF NOT EXISTS events (
    session_id TEXT NOT NULL, occurred_at INTEGER NOT NULL, event_id BLOB NOT NULL,
    body BLOB NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, occurred_at, event_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_by_expiry ON events (expires_at);
CREATE TABLE IF NOT EXISTS archive_heads (
    shard TEXT PRIMARY KEY, version INTEGER NOT NULL, objects TEXT NOT NULL,
    lost TEXT NOT NULL) WITHOUT ROWID
"""

K = TypeVar("K", bound=tuple[Any, ...])
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Shape(Generic[V]):
    """How one table holds its values. Names are constants of this module, never input."""

    table: str
    key: tuple[str, ...]
    attributes: tuple[str, ...]
    encode: Callable[[V], encoding.Attributes]
    decode: Callable[[Mapping[str, Any]], V]
    empty: V
    first_version: Callable[[V], int] = lambda _: 1

    def columns(self, values: encoding.Attributes) -> list[Any]:
        """Return the attributes in the order of the columns; maps become JSON."""
        given = (values[name] for name in self.attributes)
        return [json.dumps(value) if isinstance(value, dict) else value for value in given]

    def value(self, row: Sequence[Any]) -> V:
        """Read the columns back."""
        named = dict(zip(self.attributes, row, strict=True))
        if "checkpoints" in named:
            named["checkpoints"] = json.loads(named["checkpoints"])
        return self.decode(named)


ROLLUPS = Shape(
    table="stats",
    key=("generation", "site_id", "day", "partition", "layer"),
    attributes=("epoch", "frozen", "checkpoints", "arrived_at", "processed_at", "body"),
    encode=encoding.encode_rollup,
    decode=encoding.decode_rollup,
    empty=StoredRollup(),
    first_version=encoding.first_version,
)
SEALS = Shape(
    table="seals",
    key=("generation", "site_id", "period", "first"),
    attributes=("sealed_at", "body"),
    encode=encoding.encode_seal,
    decode=encoding.decode_seal,
    empty=StoredSeal(),
)
VISITORS = Shape(
    table="sessions",
    key=("generation", "site_id", "visitor_id"),
    attributes=("body", "expires_at"),
    encode=encoding.encode_visitor,
    decode=encoding.decode_visitor,
    empty=StoredVisitor(),
)
MINUTES = Shape(
    table="realtime",
    key=("site_id", "minute", "partition"),
    attributes=(
        "pageviews",
        "events",
        "checkpoints",
        "arrived_at",
        "processed_at",
        "body",
        "expires_at",
    ),
    encode=encoding.encode_minute,
    decode=encoding.decode_minute,
    empty=StoredMinute(),
)

HEADS = Shape(
    table="archive_heads",
    key=("shard",),
    attributes=("objects", "lost"),
    encode=encode_head,
    decode=decode_head,
    empty=Head(),
)


class SqliteVersionedStore(Generic[K, V]):
    """A VersionedStore in one table: each save is one transaction."""

    def __init__(self, database: Database, shape: Shape[V]) -> None:
        self._database = database
        self._delete = (
            f"DELETE FROM {shape.table} WHERE "  # noqa: S608
            + " AND ".join(f"{name} = ?" for name in shape.key)
        )
        self._shape = shape
        where = " AND ".join(f"{name} = ?" for name in shape.key)
        names = ("version", *shape.attributes)
        columns = (*shape.key, *names)
        self._select = f"SELECT {', '.join(names)} FROM {shape.table} WHERE {where}"  # noqa: S608
        self._insert = (
            f"INSERT INTO {shape.table} ({', '.join(columns)})"  # noqa: S608
            f" VALUES ({', '.join('?' for _ in columns)}) ON CONFLICT DO NOTHING"
        )
        changes = ", ".join(f"{name} = ?" for name in names)
        self._update = f"UPDATE {shape.table} SET {changes} WHERE {where} AND version = ?"  # noqa: S608

    def load(self, keys: Iterable[K]) -> dict[K, Versioned[V]]:
        """Return a value for every key; one that is not stored is empty, at version 0."""
        with self._database.reading() as connection:
            return {key: self._load(connection, key) for key in keys}

    def save(self, changes: Mapping[K, Versioned[V]]) -> set[K]:
        """Write each value if its version still stands; return the keys where it does not."""
        encoded = [(key, change, self._columns(change)) for key, change in changes.items()]
        with self._database.writing() as connection:
            return {
                key
                for key, change, columns in encoded
                if not self._save(connection, key, change.version, columns)
            }

    def delete(self, keys: Iterable[K]) -> None:
        """Delete values, whatever their version."""
        with self._database.writing() as connection:
            connection.executemany(self._delete, map(_sql, keys))

    def _load(self, connection: sqlite3.Connection, key: K) -> Versioned[V]:
        row = connection.execute(self._select, _sql(key)).fetchone()
        if row is None:
            return Versioned(self._shape.empty, 0)
        return Versioned(self._shape.value(row[1:]), row[0])

    def _columns(self, change: Versioned[V]) -> list[Any]:
        shape, value = self._shape, change.value
        version = change.version + 1 if change.version else shape.first_version(value)
        return [version, *shape.columns(shape.encode(value))]

    def _save(
        self, connection: sqlite3.Connection, key: K, version: int, columns: list[Any]
    ) -> bool:
        if version == 0:
            written = connection.execute(self._insert, (*_sql(key), *columns))
        else:
            written = connection.execute(self._update, (*columns, *_sql(key), version))
        return written.rowcount == 1

    def _delete_expired(self, now: datetime) -> int:
        delete = f"DELETE FROM {self._shape.table} WHERE expires_at < ?"  # noqa: S608
        with self._database.writing() as connection:
            return connection.execute(delete, (int(now.timestamp()),)).rowcount


class SqliteRollupStore(SqliteVersionedStore[RollupKey, StoredRollup]):
    """A RollupStore in SQLite."""

    def __init__(self, database: Database, cache: VersionCache | None = None) -> None:
        super().__init__(database, ROLLUPS)
        self._cache = cache or VersionCache(0)

    def items(
        self, generation: int, site_id: str, first: date, last: date
    ) -> dict[RollupKey, Versioned[StoredRollup]]:
        """Return the items of a range of days, both ends included, as of now."""
        columns = ", ".join(("version", *ROLLUPS.attributes))
        query = (
            f"SELECT day, partition, layer, {columns} FROM stats"  # noqa: S608
            " WHERE generation = ? AND site_id = ? AND day BETWEEN ? AND ? ORDER BY day, partition"
        )
        with self._database.reading() as connection:
            rows = connection.execute(query, _sql((generation, site_id, first, last))).fetchall()
        keys = [_rollup_key(generation, site_id, row) for row in rows]
        return {
            key: Versioned(self._decoded(key, row[3], row[4:]), row[3])
            for key, row in zip(keys, rows, strict=True)
        }

    def _decoded(self, key: RollupKey, version: int, attributes: Sequence[Any]) -> StoredRollup:
        decode = partial(ROLLUPS.value, attributes)
        return self._cache.get(key, version, decode, encoding.memory_of)

    def drop(self, versions: Mapping[RollupKey, int]) -> set[RollupKey]:
        """Delete each item if its version still stands; return the keys where it does not."""
        where = " AND ".join(f"{name} = ?" for name in ROLLUPS.key)
        delete = f"DELETE FROM stats WHERE {where} AND version = ?"  # noqa: S608
        with self._database.writing() as connection:
            return {
                key
                for key, version in versions.items()
                if not connection.execute(delete, (*_sql(key), version)).rowcount
            }


class SqliteSealStore(SqliteVersionedStore[SealKey, StoredSeal]):
    """A SealStore in SQLite."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, SEALS)

    def seals(
        self, generation: int, site_id: str, period: Period, first: date, last: date
    ) -> dict[SealKey, StoredSeal]:
        """Return the seals whose first day is in a range, both ends included, in order."""
        keys = self.versions(generation, site_id, period, first, last)
        return {key: found.value for key, found in self.load(keys).items()}

    def versions(
        self, generation: int, site_id: str, period: Period, first: date, last: date
    ) -> dict[SealKey, int]:
        """Return the versions of the seals whose first day is in a range, as of now, in order."""
        query = (
            "SELECT first, version FROM seals"
            " WHERE generation = ? AND site_id = ? AND period = ? AND first BETWEEN ? AND ?"
            " ORDER BY first"
        )
        wanted = _sql((generation, site_id, period, first, last))
        with self._database.reading() as connection:
            rows = connection.execute(query, wanted).fetchall()
        return {
            SealKey(generation, site_id, period, date.fromisoformat(day)): version
            for day, version in rows
        }


class SqliteVisitorStore(SqliteVersionedStore[VisitorKey, StoredVisitor]):
    """A VisitorStore, and VisitorsOfSites, in SQLite."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, VISITORS)

    def of_site(
        self, site_id: str, visitor_id: bytes = b""
    ) -> Iterator[tuple[VisitorKey, StoredVisitor]]:
        """Yield the states of a site, or of one of its visitors, of every generation."""
        query = (
            f"SELECT generation, visitor_id, {', '.join(VISITORS.attributes)} FROM sessions"  # noqa: S608
            " WHERE site_id = ? AND (visitor_id = ? OR ? = x'')"
        )
        with self._database.reading() as connection:
            for generation, visitor, *row in connection.execute(
                query, (site_id, visitor_id, visitor_id)
            ):
                yield VisitorKey(generation, site_id, bytes(visitor)), VISITORS.value(row)

    def delete_expired(self, now: datetime) -> int:
        """Delete what expired before `now`; return how much."""
        return self._delete_expired(now)


class SqliteMinuteStore(SqliteVersionedStore[MinuteKey, StoredMinute]):
    """A MinuteStore in SQLite.

    Args:
        database: of the tables.
        cache: remembers minutes that have been read: of half an hour all but one or two are as
            they were when somebody asked before. None: nothing is remembered.
    """

    def __init__(self, database: Database, cache: VersionCache | None = None) -> None:
        super().__init__(database, MINUTES)
        self._cache = cache or VersionCache(0)

    def minutes(self, site_id: str, first: int, last: int) -> list[tuple[MinuteKey, StoredMinute]]:
        """Return the items of the minutes from `first` to `last`, both ends included."""
        query = (
            f"SELECT minute, partition, {', '.join(MINUTES.attributes)} FROM realtime"  # noqa: S608
            " WHERE site_id = ? AND minute BETWEEN ? AND ? ORDER BY minute, partition"
        )
        with self._database.reading() as connection:
            rows = connection.execute(query, (site_id, first, last)).fetchall()
        keys = [MinuteKey(site_id, row[0], row[1]) for row in rows]
        return [
            (key, self._cache.get(key, row[2:], partial(MINUTES.value, row[2:]), memory_of_minute))
            for key, row in zip(keys, rows, strict=True)
        ]

    def delete_expired(self, now: datetime) -> int:
        """Delete what expired before `now`; return how much."""
        return self._delete_expired(now)


def memory_of_minute(stored: StoredMinute) -> int:
    """Return how many bytes of memory a decoded realtime item takes, about."""
    minute = stored.minute
    return 1000 + 600 * (len(minute.visitors) + len(minute.newest)) + 200 * len(minute.pages)


class SqliteHeadStore(SqliteVersionedStore[HeadKey, Head]):
    """A HeadStore in SQLite."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, HEADS)

    def heads(self) -> dict[str, Head]:
        """Return every head by its shard."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT shard, objects, lost FROM archive_heads ORDER BY shard"
            )
            return {shard: HEADS.value(attributes) for shard, *attributes in rows}


class SqliteEventStore:
    """An EventStore in SQLite. An event's body is an event batch of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, events: Sequence[RawEvent]) -> None:
        """Write the events; those that are there already stay as they are."""
        rows = [_event_row(raw) for raw in events]
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT INTO events (session_id, occurred_at, event_id, body, expires_at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                rows,
            )

    def session(self, session_id: str) -> list[RawEvent]:
        """Return the events of a session by time."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT body, expires_at FROM events WHERE session_id = ?"
                " ORDER BY occurred_at, event_id",
                (session_id,),
            ).fetchall()
        return [
            encoding.decode_raw_event({"body": body, "expires_at": expires_at})
            for body, expires_at in rows
        ]

    def every(self) -> Iterator[RawEvent]:
        """Yield all events."""
        with self._database.reading() as connection:
            for body, expires_at in connection.execute("SELECT body, expires_at FROM events"):
                yield encoding.decode_raw_event({"body": body, "expires_at": expires_at})

    def delete(self, events: Collection[RawEvent]) -> None:
        """Delete events."""
        keys = [(raw.event.session_id, raw.event.occurred_at, raw.event.event_id) for raw in events]
        with self._database.writing() as connection:
            connection.executemany(
                "DELETE FROM events WHERE session_id = ? AND occurred_at = ? AND event_id = ?", keys
            )

    def delete_expired(self, now: datetime) -> int:
        """Delete what expired before `now`; return how much."""
        with self._database.writing() as connection:
            deleted = connection.execute(
                "DELETE FROM events WHERE expires_at < ?", (int(now.timestamp()),)
            )
            return deleted.rowcount


def tables(path: Path) -> Database:
    """Open the SQLite file that holds the stores."""
    return Database(path, TABLES)


def _sql(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(value.isoformat() if isinstance(value, date) else value for value in values)


def _rollup_key(generation: int, site_id: str, row: Sequence[Any]) -> RollupKey:
    return RollupKey(generation, site_id, date.fromisoformat(row[0]), row[1], Layer(row[2]))


def _event_row(raw: RawEvent) -> tuple[Any, ...]:
    kept = encoding.encode_raw_event(raw)
    event = raw.event
    return event.session_id, event.occurred_at, event.event_id, kept["body"], kept["expires_at"]
