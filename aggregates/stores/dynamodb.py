"""The stores in DynamoDB. Numbers in keys are zero-padded, so that keys sort as the numbers do.

| table | pk | sk |
|---|---|---|
| stats | `generation#site` | `open#YYYY-MM-DD#partition#layer` |
| | `generation#site` | `day#YYYY-MM-DD`, `month#YYYY-MM-DD`: the head of a seal |
| | `generation#site` | `piece#day#YYYY-MM-DD#write id#number`, the same of months |
| | `archive` | `head#shard`: where the archive of a shard ends |
| sessions | `generation#site#visitor` | |
| realtime | `site` | `minute#partition` |
| events | `session_id` | `occurred_at#event_id` |

Items of the last three expire: `expires_at` is the table's TTL attribute.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Generic, TypeVar

from aggregates.seal import Period
from aggregates.stores import encoding
from aggregates.stores.cache import VersionCache
from aggregates.stores.encoding import Attributes
from aggregates.stores.heads import Head, HeadKey, decode_head, encode_head
from aggregates.stores.layers import READS
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
from runtime.dynamodb import Condition, Dynamo, Item, KeyRange
from runtime.errors import RetryableError

K = TypeVar("K", bound=tuple[Any, ...])
V = TypeVar("V")

WRITE_ID_BYTES = 8
PARTITION_WIDTH = 4
MINUTE_WIDTH = 15
"""Epoch milliseconds have 13 digits until the year 2286."""

AFTER_DIGITS = "~"
"""Sorts behind every digit and `#`: `first#` to `last#~` holds every key beginning with either."""

PIECE = "piece"
ARCHIVE = "archive"
HEAD = "head#"

NEW = Condition("attribute_not_exists(pk)")


@dataclass(frozen=True, slots=True)
class Shape(Generic[K, V]):
    """How one table holds its values. `item_key` gives `pk`, and `sk` where the table has one."""

    item_key: Callable[[K], Item]
    encode: Callable[[V], Attributes]
    decode: Callable[[Mapping[str, Any]], V]
    empty: V
    first_version: Callable[[V], int] = lambda _: 1


def rollup_key(key: RollupKey) -> Item:
    """Return the key of a rollup item: the open days of a site are one query."""
    return {
        "pk": f"{key.generation}#{key.site_id}",
        "sk": f"open#{key.day}#{key.partition:0{PARTITION_WIDTH}d}#{key.layer}",
    }


def seal_key(key: SealKey) -> Item:
    """Return the key of the head of a seal."""
    return {
        "pk": f"{key.generation}#{key.site_id}",
        "sk": f"{key.period}#{key.first}",
    }


def visitor_key(key: VisitorKey) -> Item:
    """Return the key of a visitor's state."""
    return {"pk": f"{key.generation}#{key.site_id}#{key.visitor_id.hex()}"}


def minute_key(key: MinuteKey) -> Item:
    """Return the key of a realtime item."""
    return {
        "pk": key.site_id,
        "sk": f"{key.minute:0{MINUTE_WIDTH}d}#{key.partition:0{PARTITION_WIDTH}d}",
    }


def event_key(raw: RawEvent) -> Item:
    """Return the key of a raw event."""
    event = raw.event
    return {
        "pk": event.session_id,
        "sk": f"{event.occurred_at:0{MINUTE_WIDTH}d}#{event.event_id.hex()}",
    }


def head_key(key: HeadKey) -> Item:
    """Return the key of the head of a shard's archive."""
    return {"pk": ARCHIVE, "sk": f"{HEAD}{key.shard}"}


ROLLUPS = Shape(
    rollup_key,
    encoding.encode_rollup,
    encoding.decode_rollup,
    StoredRollup(),
    encoding.first_version,
)
VISITORS = Shape(visitor_key, encoding.encode_visitor, encoding.decode_visitor, StoredVisitor())
HEADS = Shape(head_key, encode_head, decode_head, Head())
MINUTES = Shape(minute_key, encoding.encode_minute, encoding.decode_minute, StoredMinute())


def random_write_id() -> bytes:
    """Return what tells one write from every other."""
    return secrets.token_bytes(WRITE_ID_BYTES)


class DynamoVersionedStore(Generic[K, V]):
    """A VersionedStore in one table: each value is one conditional write.

    Where the acknowledgement of a write is lost, the client repeats it, and the repeat meets what
    the first attempt wrote. That is no conflict: the write id tells it from a write of another.
    """

    def __init__(
        self,
        dynamo: Dynamo,
        table: str,
        shape: Shape[K, V],
        write_id: Callable[[], bytes] = random_write_id,
    ) -> None:
        self._dynamo = dynamo
        self._table = table
        self._shape = shape
        self._write_id = write_id

    def load(self, keys: Iterable[K]) -> dict[K, Versioned[V]]:
        """Return a value for every key; one that is not stored is empty, at version 0."""
        item_keys = {key: self._shape.item_key(key) for key in keys}
        items = self._dynamo.get(self._table, list(item_keys.values()))
        found = {_identity(item): item for item in items}
        return {key: self._versioned(found.get(_identity(at))) for key, at in item_keys.items()}

    def save(self, changes: Mapping[K, Versioned[V]]) -> set[K]:
        """Write each value if its version still stands; return the keys where it does not.

        Raises:
            RetryableError: some may be written and some not; saving again is safe.
            PermanentError: an item is too large for DynamoDB.
        """
        lost = self._dynamo.each(self._save, list(changes.items()))
        return {key for key in lost if key is not None}

    def delete(self, keys: Iterable[K]) -> None:
        """Delete values, whatever their version."""
        self._dynamo.delete_all(self._table, [self._shape.item_key(key) for key in keys])

    def _save(self, entry: tuple[K, Versioned[V]]) -> K | None:
        """Return the key where another writer was first."""
        key, change = entry
        first = self._shape.first_version(change.value)
        item = {
            **self._shape.item_key(key),
            **self._shape.encode(change.value),
            "version": change.version + 1 if change.version else first,
            "write_id": self._write_id(),
        }
        standing = self._dynamo.put(self._table, item, _unchanged_since(change.version))
        written = standing is None or standing.get("write_id") == item["write_id"]
        return None if written else key

    def _versioned(self, item: Item | None) -> Versioned[V]:
        if item is None:
            return Versioned(self._shape.empty, 0)
        return Versioned(self._shape.decode(item), item["version"])


class DynamoRollupStore(DynamoVersionedStore[RollupKey, StoredRollup]):
    """A RollupStore in DynamoDB."""

    def __init__(self, dynamo: Dynamo, table: str, cache: VersionCache | None = None) -> None:
        super().__init__(dynamo, table, ROLLUPS)
        self._cache = cache or VersionCache(0)

    def items(
        self, generation: int, site_id: str, first: date, last: date
    ) -> dict[RollupKey, Versioned[StoredRollup]]:
        """Return the items of a range of days, both ends included, as of now."""
        within = KeyRange(
            f"{generation}#{site_id}", f"open#{first}#", f"open#{last}#{AFTER_DIGITS}"
        )
        found = (
            (_parse_rollup_key(item), item) for item in self._dynamo.query(self._table, within)
        )
        return {key: Versioned(self._decoded(key, item), item["version"]) for key, item in found}

    def _decoded(self, key: RollupKey, item: Item) -> StoredRollup:
        decode = partial(encoding.decode_rollup, item)
        return self._cache.get(key, item["version"], decode, encoding.memory_of)

    def drop(self, versions: Mapping[RollupKey, int]) -> set[RollupKey]:
        """Delete each item if its version still stands; return the keys where it does not."""
        lost = self._dynamo.each(self._drop, list(versions.items()))
        return {key for key in lost if key is not None}

    def _drop(self, entry: tuple[RollupKey, int]) -> RollupKey | None:
        """Return the key where another writer was first."""
        key, version = entry
        is_gone = self._dynamo.delete(self._table, rollup_key(key), _unchanged_since(version))
        return None if is_gone else key


class DynamoSealStore:
    """A SealStore in DynamoDB.

    A seal is a head, which says its version, and pieces, which are its body: so the versions of
    many are read for little. Pieces are written before their head, under keys that no other write
    has; the head says which they are. They never change, so that they may be read eventually
    consistent. A reader that does not find all has come between two writes, or too early to where
    they were copied to, and reads again.
    """

    def __init__(
        self, dynamo: Dynamo, table: str, write_id: Callable[[], bytes] = random_write_id
    ) -> None:
        self._dynamo, self._table, self._write_id = dynamo, table, write_id

    def load(self, keys: Iterable[SealKey]) -> dict[SealKey, Versioned[StoredSeal]]:
        """Return a seal for every key; one that is not stored is empty, at version 0."""
        wanted = list(keys)
        return dict(zip(wanted, self._dynamo.each(self._load, wanted), strict=True))

    def save(self, changes: Mapping[SealKey, Versioned[StoredSeal]]) -> set[SealKey]:
        """Write each seal if its version still stands; return the keys where it does not.

        Raises:
            RetryableError: some may be written and some not; saving again is safe.
        """
        return {key for key, change in changes.items() if not self._save(key, change)}

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
        heads = self._dynamo.query(
            self._table,
            KeyRange(f"{generation}#{site_id}", f"{period}#{first}", f"{period}#{last}"),
        )
        return {_parse_seal_key(head): head["version"] for head in heads}

    def delete(self, keys: Iterable[SealKey]) -> None:
        """Delete seals of a generation that does not count: heads first."""
        wanted = [seal_key(key) for key in keys]
        heads = self._dynamo.get(self._table, wanted)
        self._dynamo.delete_all(self._table, wanted)
        pieces = [{"pk": head["pk"], "sk": sk} for head in heads for sk in _pieces(head)]
        self._dynamo.delete_all(self._table, pieces)

    def _load(self, key: SealKey) -> Versioned[StoredSeal]:
        at = seal_key(key)
        for attempt in range(READS):
            head = next(self._dynamo.query(self._table, KeyRange(at["pk"], at["sk"], at["sk"])), {})
            if not head:
                return Versioned(StoredSeal(), 0)
            names = _pieces(head)
            within = KeyRange(at["pk"], names[0], names[-1])
            # A second time is worth its units: what has not been copied yet is there.
            found = list(self._dynamo.query(self._table, within, consistent=attempt > 0))
            if [piece["sk"] for piece in found] == names:
                body = b"".join(piece["body"] for piece in found)
                return Versioned(encoding.decode_seal({**head, "body": body}), head["version"])
        raise RetryableError(f"{self._table}: seals change faster than they can be read")

    def _save(self, key: SealKey, change: Versioned[StoredSeal]) -> bool:
        attributes = encoding.encode_seal(change.value)
        bodies = _cut(attributes.pop("body"))
        head = {
            **seal_key(key),
            **attributes,
            "pieces": len(bodies),
            "version": change.version + 1,
            "write_id": self._write_id(),
        }
        before = self._dynamo.get(self._table, [seal_key(key)])
        pieces = [
            {"pk": head["pk"], "sk": sk, "body": body}
            for sk, body in zip(_pieces(head), bodies, strict=True)
        ]
        self._dynamo.put_all(self._table, pieces)
        standing = self._dynamo.put(self._table, head, _unchanged_since(change.version))
        written = standing is None or standing.get("write_id") == head["write_id"]
        gone = [sk for old in before for sk in _pieces(old)] if written else _pieces(head)
        self._dynamo.delete_all(self._table, [{"pk": head["pk"], "sk": sk} for sk in gone])
        return written


class DynamoVisitorStore(DynamoVersionedStore[VisitorKey, StoredVisitor]):
    """A VisitorStore, and VisitorsOfSites, in DynamoDB."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        super().__init__(dynamo, table, VISITORS)

    def of_site(
        self, site_id: str, visitor_id: bytes = b""
    ) -> Iterator[tuple[VisitorKey, StoredVisitor]]:
        """Yield the states of a site, or of one of its visitors: this reads the whole table."""
        for item in self._dynamo.scan(self._table, having="body"):
            generation, site, visitor = item["pk"].split("#")
            if site == site_id and visitor_id.hex() in {"", visitor}:
                key = VisitorKey(int(generation), site, bytes.fromhex(visitor))
                yield key, encoding.decode_visitor(item)


class DynamoMinuteStore(DynamoVersionedStore[MinuteKey, StoredMinute]):
    """A MinuteStore in DynamoDB."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        super().__init__(dynamo, table, MINUTES)

    def minutes(self, site_id: str, first: int, last: int) -> list[tuple[MinuteKey, StoredMinute]]:
        """Return the items of the minutes from `first` to `last`, both ends included."""
        within = KeyRange(
            site_id,
            f"{first:0{MINUTE_WIDTH}d}#",
            f"{last:0{MINUTE_WIDTH}d}#{AFTER_DIGITS}",
        )
        return [
            (_parse_minute_key(item), encoding.decode_minute(item))
            for item in self._dynamo.query(self._table, within)
        ]


class DynamoHeadStore(DynamoVersionedStore[HeadKey, Head]):
    """A HeadStore in DynamoDB, in the table of the rollups."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        super().__init__(dynamo, table, HEADS)

    def heads(self) -> dict[str, Head]:
        """Return every head by its shard."""
        found = self._dynamo.query(self._table, KeyRange(ARCHIVE, HEAD, f"{HEAD}{AFTER_DIGITS}"))
        return {item["sk"].removeprefix(HEAD): decode_head(item) for item in found}


class DynamoEventStore:
    """An EventStore in DynamoDB. Writes are unconditional: of two copies the later one stands."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    def put(self, events: Sequence[RawEvent]) -> None:
        """Write the events."""
        items = [{**event_key(raw), **encoding.encode_raw_event(raw)} for raw in events]
        # DynamoDB refuses a batch that names a key twice.
        distinct = {_identity(item): item for item in items}
        self._dynamo.put_all(self._table, list(distinct.values()))

    def session(self, session_id: str) -> list[RawEvent]:
        """Return the events of a session by time."""
        within = KeyRange(session_id, "0", AFTER_DIGITS)
        return [encoding.decode_raw_event(one) for one in self._dynamo.query(self._table, within)]

    def every(self) -> Iterator[RawEvent]:
        """Yield all events."""
        return map(encoding.decode_raw_event, self._dynamo.scan(self._table, having="body"))

    def delete(self, events: Collection[RawEvent]) -> None:
        """Delete events."""
        keys = {tuple(event_key(raw).items()): event_key(raw) for raw in events}
        self._dynamo.delete_all(self._table, list(keys.values()))


def _unchanged_since(version: int) -> Condition:
    return Condition("version = :version", {":version": version}) if version else NEW


def _identity(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"], item.get("sk", "")


def _parse_rollup_key(item: Item) -> RollupKey:
    generation, site_id = item["pk"].split("#")
    _, day, partition, layer = item["sk"].split("#")
    return RollupKey(
        int(generation), site_id, date.fromisoformat(day), int(partition), Layer(layer)
    )


def _parse_seal_key(head: Item) -> SealKey:
    generation, site_id = head["pk"].split("#")
    period, first = head["sk"].split("#")
    return SealKey(int(generation), site_id, Period(period), date.fromisoformat(first))


def _pieces(head: Item) -> list[str]:
    """Return the sort keys of the body of a seal, in order."""
    prefix = f"{PIECE}#{head['sk']}#{head['write_id'].hex()}"
    return [f"{prefix}#{number:0{PARTITION_WIDTH}d}" for number in range(head["pieces"])]


def _cut(body: bytes) -> list[bytes]:
    size = encoding.MAX_ITEM_BYTES
    return [body[start : start + size] for start in range(0, len(body), size)]


def _parse_minute_key(item: Item) -> MinuteKey:
    minute, partition = item["sk"].split("#")
    return MinuteKey(item["pk"], int(minute), int(partition))
