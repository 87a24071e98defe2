"""How stored values become attributes, the same on every adapter.

Attributes are numbers, strings, bytes and maps of numbers or strings: what DynamoDB and SQLite
both hold. Sequence numbers are strings: with up to 56 digits they do not fit a DynamoDB number.
"""

import zlib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import product
from typing import Any

from aggregates.minute import LiveVisitor, Minute
from aggregates.progress import Progress
from aggregates.rollup import TOTAL, ZERO, Counters, Dimension, Rollup, RowKey
from aggregates.stores.ports import (
    RawEvent,
    StoredMinute,
    StoredRollup,
    StoredVisitor,
)
from aggregates.visitor import PageAt, Visit, VisitDay, VisitorState
from schemas import codec
from schemas.event import EventBatch, decode_batch, encode_batch

Attributes = dict[str, Any]

COMPRESSION_LEVEL = 6
DIGEST_LENGTH = 8
EPOCH = date(1970, 1, 1)


def encode_rollup(stored: StoredRollup) -> Attributes:
    """Return the attributes of a rollup item: totals and progress native, the tables one blob."""
    tables: dict[str, dict[str, Counters]] = {}
    for (dimension, value), row in sorted(stored.rollup.rows.items()):
        if dimension is not Dimension.TOTAL:
            tables.setdefault(dimension, {})[value] = row
    columns = {dimension: _encode_table(table) for dimension, table in tables.items()}
    body = zlib.compress(codec.encode("rollup", {"dimensions": columns}), COMPRESSION_LEVEL)
    return {
        "totals": stored.rollup.total._asdict(),
        **_encode_progress(stored.progress),
        "body": body,
    }


def decode_rollup(attributes: Mapping[str, Any]) -> StoredRollup:
    """Read the attributes of a rollup item."""
    rows: dict[RowKey, Counters] = {}
    total = Counters(**{name: int(count) for name, count in attributes["totals"].items()})
    if total != ZERO:
        rows[TOTAL] = total
    tables = codec.decode("rollup", zlib.decompress(attributes["body"]))["dimensions"]
    for name, table in tables.items():
        rows.update(
            zip(product((Dimension(name),), table["values"]), _decode_table(table), strict=True)
        )
    return StoredRollup(Rollup(rows), _decode_progress(attributes))


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
    """Return the attributes of a realtime item."""
    minute = stored.minute
    visitors = [{"visitor_id": v, **live._asdict()} for v, live in sorted(minute.visitors.items())]
    body = {
        "visitors": visitors,
        "pages": dict(sorted(minute.pages.items())),
        "recent_event_ids": b"".join(stored.recent_event_ids),
    }
    return {
        "pageviews": minute.pageviews,
        "events": minute.events,
        **_encode_progress(stored.progress),
        "body": zlib.compress(codec.encode("minute", body), COMPRESSION_LEVEL),
        "expires_at": stored.expires_at,
    }


def decode_minute(attributes: Mapping[str, Any]) -> StoredMinute:
    """Read the attributes of a realtime item."""
    raw = codec.decode("minute", zlib.decompress(attributes["body"]))
    visitors = dict(_decode_live_visitor(**visitor) for visitor in raw["visitors"])
    return StoredMinute(
        Minute(int(attributes["pageviews"]), int(attributes["events"]), visitors, raw["pages"]),
        _decode_progress(attributes),
        tuple(_split(raw["recent_event_ids"])),
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


def _encode_table(table: Mapping[str, Counters]) -> dict[str, list[Any]]:
    columns = zip(Counters._fields, zip(*table.values(), strict=True), strict=True)
    return {
        "values": list(table),
        **{name: list(column) for name, column in columns if any(column)},
    }


def _decode_table(table: Mapping[str, list[Any]]) -> Iterator[Counters]:
    zeros = [0] * len(table["values"])
    columns = (table[name] or zeros for name in Counters._fields)
    return map(Counters._make, zip(*columns, strict=True))


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
    entry, exit_ = visit.entry or PageAt(0, ""), visit.exit or PageAt(0, "")
    return {
        "session_id": visit.session_id,
        "started_at": visit.started_at,
        "ended_at": visit.ended_at,
        "traits": dict(visit.traits),
        "entry_at": entry.at,
        "entry_page": visit.entry and entry.page,
        "exit_at": exit_.at,
        "exit_page": visit.exit and exit_.page,
        "days": [
            {"day": (day - EPOCH).days, **counts._asdict()} for day, counts in visit.days.items()
        ],
    }


def _decode_visit(raw: Mapping[str, Any]) -> Visit:
    return Visit(
        session_id=raw["session_id"],
        started_at=raw["started_at"],
        ended_at=raw["ended_at"],
        traits=tuple((Dimension(name), value) for name, value in raw["traits"].items()),
        days=dict(_decode_visit_day(**day) for day in raw["days"]),
        entry=_page(raw["entry_at"], raw["entry_page"]),
        exit=_page(raw["exit_at"], raw["exit_page"]),
    )


def _decode_visit_day(day: int, **counts: int) -> tuple[date, VisitDay]:
    return EPOCH + timedelta(days=day), VisitDay(**counts)


def _decode_live_visitor(visitor_id: bytes, **place: Any) -> tuple[bytes, LiveVisitor]:
    return visitor_id, LiveVisitor(**place)


def _page(at: int, page: str | None) -> PageAt | None:
    return None if page is None else PageAt(at, page)


def _digits(checkpoints: Mapping[str, int]) -> dict[str, str]:
    return {shard: str(number) for shard, number in sorted(checkpoints.items())}


def _numbers(checkpoints: Mapping[str, str]) -> dict[str, int]:
    return {shard: int(number) for shard, number in checkpoints.items()}


def _split(digests: bytes) -> Iterator[bytes]:
    return (
        digests[start : start + DIGEST_LENGTH] for start in range(0, len(digests), DIGEST_LENGTH)
    )
