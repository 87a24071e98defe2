"""How stored values become attributes, the same on every adapter.

Attributes are numbers, strings, bytes and maps of numbers or strings: what DynamoDB and SQLite
both hold. Sequence numbers are strings: with up to 56 digits they do not fit a DynamoDB number.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from hashlib import blake2b
from itertools import chain
from sys import intern
from typing import Any

from aggregates.filter import KEY_BYTES, NO_VALUES, Filter
from aggregates.minute import LiveEvent, LiveVisitor, Minute, shrunk
from aggregates.progress import Progress
from aggregates.rollup import Counters, Dimension, Rollup, crowd_out
from aggregates.seal import Part, Place, Seal
from aggregates.stores.ports import (
    RawEvent,
    StoredMinute,
    StoredRollup,
    StoredSeal,
    StoredVisitor,
)
from aggregates.table import SEPARATOR, PackedRows, Table, tables_in
from aggregates.visitor import Moment, PageAt, Traits, Visit, VisitDay, VisitorState
from schemas import codec
from schemas.event import EventBatch, decode_batch, encode_batch

Attributes = dict[str, Any]

MAX_ITEM_BYTES = 256 * 1024
"""Of a rollup or realtime item as it is stored, but for its key and some numbers. DynamoDB takes
400 KB of an item; the distance is for what an estimate may miss, and for the reads."""

AFTER_CROWDING = 0.75
"""Which part of MAX_ITEM_BYTES is filled once values had to leave, so that it happens seldom."""

SEAL_LEVEL = 6
ITEM_LEVEL = 4
"""Of compression. A seal is written once, an item again and again: at this level it is 4 % larger,
and takes half the time."""

UNZIPPED, DECODED = 5, 25
"""How many bytes of memory tables take for each that they take as they are stored: packed, and as
rows. Measured on days of 200 to 5,000 pages."""

DIGEST_LENGTH = 8
LIVE_DIGEST_LENGTH = 4
"""Bytes of an event id in a realtime item, which is written about once a second: 512 of them do not
compress, and are most of it. That an event is not shown, because another of the last 512 has the
same, happens to one in eight million."""

EPOCH = date(1970, 1, 1)
EPOCH_ORDINAL = EPOCH.toordinal()

_DIMENSIONS = {str(dimension): dimension for dimension in Dimension}


def encode_rollup(stored: StoredRollup) -> Attributes:
    """Return the attributes of a rollup item: its tables as one blob, the rest native.

    Raises:
        PermanentError: a number has more than 63 bits.
    """
    return {
        "epoch": stored.epoch,
        "frozen": int(stored.frozen),
        **_encode_progress(stored.progress),
        "body": stored.body or _encode_body(stored),
    }


def decode_rollup(attributes: Mapping[str, Any]) -> StoredRollup:
    """Read the attributes of a rollup item. Its tables stay packed until a row is asked for."""
    body = codec.decode("rollup", zlib.decompress(attributes["body"]))
    return StoredRollup(
        _rollup_of(body["tables"]),
        _decode_progress(attributes),
        Filter(body["crowded_out"], body["crowded_out_key"]),
        int(attributes["epoch"]),
        _rollup_of(body["handed"]),
        bool(attributes["frozen"]),
        attributes["body"],
    )


def first_version(stored: StoredRollup) -> int:
    """Return the version that an item begins with.

    An item that was dropped may begin again. It has seen more of the stream then, and, if it had
    any rows, another epoch: so whoever remembers the old one meets none of its versions in it.
    """
    if not stored.epoch:
        return 1  # nothing is dropped before it has been sealed
    seen = zlib.crc32(repr(_encode_progress(stored.progress)).encode())
    return (stored.epoch << 32) + (seen >> 1) + 1


def bounded(stored: StoredRollup) -> StoredRollup:
    """Return an item encoded, and without what makes it larger than MAX_ITEM_BYTES."""
    progress = _encode_progress(stored.progress)
    bound = MAX_ITEM_BYTES - _size_of(progress)
    body = _encode_body(stored)
    while len(body) > bound:
        rollup, moved = crowd_out(stored.rollup, 1 - AFTER_CROWDING * bound / len(body))
        if not moved:
            break
        crowded_out = stored.crowded_out.with_all(moved, _filter_key(body, progress))
        stored = replace(stored, rollup=rollup, crowded_out=crowded_out)
        body = _encode_body(stored)
    return replace(stored, body=body)


def encode_seal(stored: StoredSeal) -> Attributes:
    """Return the attributes of a seal: all of it one blob, of any size."""
    seal = stored.seal
    body = {
        "tables": [_encode_table(dimension, table) for dimension, table in seal.tables.items()],
        "parts": [_encode_part(*place, part) for place, part in seal.parts.items()],
    }
    compressed = zlib.compress(codec.encode("seal", body), SEAL_LEVEL)
    return {"sealed_at": stored.sealed_at, "body": compressed}


def decode_seal(attributes: Mapping[str, Any]) -> StoredSeal:
    """Read the attributes of a seal. Its tables stay packed."""
    body = codec.decode("seal", zlib.decompress(attributes["body"]))
    tables = {Dimension(raw["dimension"]): _table_of(raw) for raw in body["tables"]}
    parts = dict(_decode_part(**raw) for raw in body["parts"])
    return StoredSeal(Seal(tables, parts), int(attributes["sealed_at"]))


def encode_visitor(stored: StoredVisitor) -> Attributes:
    """Return the attributes of a visitor's state."""
    state = stored.state
    body = codec.encode(
        "visitor_state",
        {
            "checkpoints": _digits(state.checkpoints),
            "recent_event_ids": b"".join(state.recent_event_ids),
            "seen": b"".join(sorted(state.seen)),
            "frozen": b"".join(sorted(state.frozen)),
            "visits": [_encode_visit(visit) for visit in state.visits],
        },
    )
    return {"body": body, "expires_at": stored.expires_at}


def decode_visitor(attributes: Mapping[str, Any]) -> StoredVisitor:
    """Read the attributes of a visitor's state."""
    raw = codec.decode("visitor_state", attributes["body"])
    state = VisitorState(
        checkpoints=_numbers(raw["checkpoints"]),
        recent_event_ids=tuple(_split(raw["recent_event_ids"])),
        seen=frozenset(_split(raw["seen"])),
        frozen=frozenset(_split(raw["frozen"])),
        visits=tuple(_decode_visit(visit) for visit in raw["visits"]),
    )
    return StoredVisitor(state, int(attributes["expires_at"]))


def encode_minute(stored: StoredMinute) -> Attributes:
    """Return the attributes of a realtime item. What is more than MAX_ITEM_BYTES is left out."""
    progress = _encode_progress(stored.progress)
    bound = MAX_ITEM_BYTES - _size_of(progress)
    minute = stored.minute
    body = _encode_places(minute, stored.recent_event_ids)
    while len(body) > bound and (minute.visitors or minute.pages):
        minute = shrunk(minute)
        body = _encode_places(minute, stored.recent_event_ids)
    return {
        "pageviews": minute.pageviews,
        "events": minute.events,
        **progress,
        "body": body,
        "expires_at": stored.expires_at,
    }


def decode_minute(attributes: Mapping[str, Any]) -> StoredMinute:
    """Read the attributes of a realtime item."""
    raw = codec.decode("minute", zlib.decompress(attributes["body"]))
    visitors = dict(_decode_live_visitor(**visitor) for visitor in raw["visitors"])
    pageviews, events = int(attributes["pageviews"]), int(attributes["events"])
    return StoredMinute(
        Minute(
            pageviews,
            events,
            visitors,
            raw["pages"],
            raw["unlisted"],
            tuple(LiveEvent(**event) for event in raw["newest"]),
        ),
        _decode_progress(attributes),
        tuple(_split(raw["recent_event_ids"], LIVE_DIGEST_LENGTH)),
        int(attributes["expires_at"]),
    )


def encode_raw_event(raw: RawEvent) -> Attributes:
    """Return the attributes of a raw event; its body is an event batch of its own."""
    batch = EventBatch(raw.site_id, raw.visitor_id, raw.received_at, raw.context, (raw.event,))
    return {"body": encode_batch(batch), "expires_at": raw.expires_at}


def decode_raw_event(attributes: Mapping[str, Any]) -> RawEvent:
    """Read the attributes of a raw event."""
    batch = decode_batch(attributes["body"])
    return RawEvent(
        site_id=batch.site_id,
        visitor_id=batch.visitor_id,
        received_at=batch.received_at,
        context=batch.context,
        event=batch.events[0],
        expires_at=int(attributes["expires_at"]),
    )


def memory_of(stored: StoredRollup) -> int:
    """Return how many bytes of memory an item takes that was read, about.

    Rows are unpacked only where values were crowded out (`aggregates.stores.layers`).
    """
    each = UNZIPPED if stored.crowded_out == NO_VALUES else DECODED
    return each * len(stored.body)


def _encode_places(minute: Minute, recent_event_ids: Iterable[bytes]) -> bytes:
    visitors = [{"visitor_id": v, **live._asdict()} for v, live in sorted(minute.visitors.items())]
    body = {
        "visitors": visitors,
        "pages": dict(sorted(minute.pages.items())),
        "unlisted": minute.unlisted,
        "newest": [event._asdict() for event in minute.newest],
        "recent_event_ids": b"".join(recent_event_ids),
    }
    return zlib.compress(codec.encode("minute", body), ITEM_LEVEL)


def _encode_body(stored: StoredRollup) -> bytes:
    body = {
        "tables": _encode_tables(stored.rollup),
        "handed": _encode_tables(stored.handed),
        "crowded_out": stored.crowded_out.bits,
        "crowded_out_key": stored.crowded_out.key,
    }
    return zlib.compress(codec.encode("rollup", body), ITEM_LEVEL)


def _encode_tables(rollup: Rollup) -> list[dict[str, Any]]:
    return [_encode_table(dimension, table) for dimension, table in tables_in(rollup).items()]


def _encode_table(dimension: Dimension, table: Table) -> dict[str, Any]:
    columns = zip(Counters._fields, table.packed, strict=True)
    return {"dimension": str(dimension), "values": table.text, **dict(columns)}


def _encode_part(day: date, partition: int, part: Part) -> dict[str, Any]:
    return {
        "day": (day - EPOCH).days,
        "partition": partition,
        "epoch": part.epoch,
        **_encode_progress(part.progress),
        "total": list(part.total),
        "intake": dict(part.intake),
    }


def _decode_part(
    day: int,
    partition: int,
    epoch: int,
    total: list[int],
    intake: dict[str, int],
    **progress: Any,
) -> tuple[Place, Part]:
    part = Part(epoch, _decode_progress(progress), Counters._make(total), intake)
    return (EPOCH + timedelta(days=day), partition), part


def _rollup_of(raw: Iterable[Mapping[str, Any]]) -> Rollup:
    return Rollup(PackedRows({Dimension(one["dimension"]): _table_of(one) for one in raw}))


def _table_of(raw: Mapping[str, Any]) -> Table:
    return Table(raw["values"], tuple(raw[name] for name in Counters._fields))


def _encode_progress(progress: Progress) -> Attributes:
    return {
        "checkpoints": _digits(progress.checkpoints),
        "arrived_at": progress.arrived_at,
        "processed_at": progress.processed_at,
    }


def _decode_progress(attributes: Mapping[str, Any]) -> Progress:
    return Progress(
        _numbers(attributes["checkpoints"]),
        int(attributes["arrived_at"]),
        int(attributes["processed_at"]),
    )


def _encode_visit(visit: Visit) -> dict[str, Any]:
    first, ended_at, traits, days, entry, last, counts_visitor = visit
    pages = [] if entry is None or last is None else [entry] if entry == last else [entry, last]
    return {
        "started_at": first.at,
        "first_event": first.event_id,
        "ended_at": ended_at,
        "traits": SEPARATOR.join(chain.from_iterable(traits)),
        "pages": [{"at": at, "event": event, "page": page} for (at, event), page in pages],
        "counts_visitor": counts_visitor,
        "days": [
            {
                "day": day.toordinal() - EPOCH_ORDINAL,
                "pageviews": pageviews,
                "events": events,
                "engaged_ms": engaged_ms,
            }
            for day, (pageviews, events, engaged_ms) in days.items()
        ],
    }


def _decode_visit(raw: Mapping[str, Any]) -> Visit:
    pages = [PageAt(Moment(page["at"], page["event"]), page["page"]) for page in raw["pages"]]
    return Visit(
        first=Moment(raw["started_at"], raw["first_event"]),
        ended_at=raw["ended_at"],
        traits=_traits_of(raw["traits"]),
        days={
            date.fromordinal(day["day"] + EPOCH_ORDINAL): VisitDay(
                day["pageviews"], day["events"], day["engaged_ms"]
            )
            for day in raw["days"]
        },
        entry=pages[0] if pages else None,
        exit=pages[-1] if pages else None,
        counts_visitor=raw["counts_visitor"],
    )


def _traits_of(text: str) -> Traits:
    """Return the traits of a visit. Their values are interned, because visits share them."""
    texts = text.split(SEPARATOR)
    names, values = texts[::2], map(intern, texts[1::2])
    return tuple(zip(map(_DIMENSIONS.__getitem__, names), values, strict=True))


def _decode_live_visitor(visitor_id: bytes, **place: Any) -> tuple[bytes, LiveVisitor]:
    return visitor_id, LiveVisitor(**place)


def _digits(checkpoints: Mapping[str, int]) -> dict[str, str]:
    return {shard: str(number) for shard, number in sorted(checkpoints.items())}


def _numbers(checkpoints: Mapping[str, str]) -> dict[str, int]:
    return {shard: int(number) for shard, number in checkpoints.items()}


def _split(digests: bytes, length: int = DIGEST_LENGTH) -> Iterator[bytes]:
    return (digests[start : start + length] for start in range(0, len(digests), length))


def _filter_key(body: bytes, progress: Attributes) -> bytes:
    """Return a key that nobody outside knows: of all counts, places on the stream and times."""
    return blake2b(body + repr(progress).encode(), digest_size=KEY_BYTES).digest()


def _size_of(progress: Attributes) -> int:
    return sum(len(shard) + len(number) for shard, number in progress["checkpoints"].items())
