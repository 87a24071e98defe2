"""The columns of events as they are stored, and of visits: names, types, and rows for them.

What is counted by value is stored as the value (`aggregates.value`), NULL where there is none. The
rest is as it came. Moments are UTC.
"""

import json
from collections.abc import Iterator
from operator import attrgetter
from typing import NamedTuple

from aggregates.value import value_of
from query.columns import CONTEXT, MEASURES
from query.question import TRAITS
from schemas.event import Event, EventBatch

COUNTED = (
    *("hostname", "page", "referrer", "source", "channel"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "name"),
)
"""Texts of an event that rows count."""

AS_THEY_CAME = ("session_id", "query", "title")

EVENT_COLUMNS: dict[str, str] = {
    "visitor_id": "BIGINT",
    "event_id": "UUID",
    "event_type": "VARCHAR",
    "occurred_at": "TIMESTAMP",
    **dict.fromkeys(AS_THEY_CAME, "VARCHAR"),
    **dict.fromkeys(COUNTED, "VARCHAR"),
    "props": "MAP(VARCHAR, VARCHAR)",
    "revenue_amount": "DECIMAL(18, 6)",
    "revenue_currency": "VARCHAR",
    **dict.fromkeys(MEASURES, "INTEGER"),
    **dict.fromkeys(CONTEXT, "VARCHAR"),
    "received_at": "TIMESTAMP",
    "arrived_at": "TIMESTAMP",
    "partition": "INTEGER",
    "shard": "VARCHAR",
    "sequence_number": "VARCHAR",
    "place": "INTEGER",
}
"""Of an event, in order, with DuckDB's types. `place`: among the events of its record."""

ENDS_OF_VISIT = ("entry_page", "exit_page")

VISIT_OF_EVENT: dict[str, str] = {
    "visit_started_at": "TIMESTAMP",
    "visit_ended_at": "TIMESTAMP",
    **{f"visit_{trait}": "VARCHAR" for trait in TRAITS},
    **{f"visit_{end}": "VARCHAR" for end in ENDS_OF_VISIT},
    "visit_screen_width": "INTEGER",
}
"""What a merged event has besides: of the visit that it belongs to. Visitor and start name it."""

VISIT_COLUMNS: dict[str, str] = {
    "visitor_id": "BIGINT",
    "visit_started_at": "TIMESTAMP",
    "visit_ended_at": "TIMESTAMP",
    "step": "INTEGER",
    "opens": "BOOLEAN",
    "alone": "BOOLEAN",
    "pageviews": "INTEGER",
    "events": "INTEGER",
    "engaged_ms": "BIGINT",
    "bounces": "INTEGER",
    "duration_ms": "BIGINT",
    **{trait.value: "VARCHAR" for trait in TRAITS},
    **dict.fromkeys(ENDS_OF_VISIT, "VARCHAR"),
    "screen_width": "INTEGER",
}
"""Of a visit, a row for each quarter of an hour in which it has events: any time zone's days and
hours begin with one. Bounces and duration stand in the one that opens it. `alone`: it is the only
row of its visitor."""


class StoredEvent(NamedTuple):
    """An event with what its record says. Times are epoch milliseconds."""

    batch: EventBatch
    event: Event
    place: int
    arrived_at: int
    partition: int
    shard: str
    sequence_number: int


_AS_THEY_CAME, _COUNTED = attrgetter(*AS_THEY_CAME), attrgetter(*COUNTED)
_CONTEXT = attrgetter(*CONTEXT)
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

LINE_COLUMNS: dict[str, str] = {
    **EVENT_COLUMNS,
    **dict.fromkeys(("occurred_at", "received_at", "arrived_at"), "BIGINT"),
    "event_id": "VARCHAR",
    "revenue_amount": "VARCHAR",
}
"""The types of what `line_of` writes."""

FROM_LINE = {
    **{
        name: f"epoch_ms({name}) AS {name}" for name in ("occurred_at", "received_at", "arrived_at")
    },
    "event_id": "event_id::UUID AS event_id",
    "revenue_amount": "try_cast(revenue_amount AS DECIMAL(18, 6)) AS revenue_amount",
}


def from_lines() -> str:
    """Return the SQL that makes columns of lines."""
    return ", ".join(FROM_LINE.get(name, f'"{name}"') for name in EVENT_COLUMNS)


def line_of(stored: StoredEvent) -> bytes:
    """Return an event as a line of JSON, as DuckDB reads it."""
    event, batch = stored.event, stored.batch
    row: dict[str, object] = {
        "visitor_id": visitor_number(batch.visitor_id),
        "event_id": event.event_id.hex(),
        "event_type": event.event_type.value,
        "occurred_at": event.occurred_at,
        "received_at": batch.received_at,
        "arrived_at": stored.arrived_at,
        "partition": stored.partition,
        "shard": stored.shard,
        "sequence_number": str(stored.sequence_number),
        "place": stored.place,
    }
    row.update((name, getattr(event, name)) for name in MEASURES)
    row.update(_texts(stored))
    if event.props:
        row["props"] = {value_of(key): value_of(text) for key, text in event.props.items()}
    if event.revenue is not None:
        row["revenue_amount"] = event.revenue.amount
        row["revenue_currency"] = value_of(event.revenue.currency)
    return _JSON.encode(row).encode(errors="replace") + b"\n"


def _texts(stored: StoredEvent) -> Iterator[tuple[str, str]]:
    """Yield the texts that are set."""
    event, context = stored.event, stored.batch.context
    for name, text in zip(AS_THEY_CAME, _AS_THEY_CAME(event), strict=True):
        if text:
            yield name, text
    for names, texts in ((COUNTED, _COUNTED(event)), (CONTEXT, _CONTEXT(context))):
        for name, text in zip(names, texts, strict=True):
            if text:
                yield name, value_of(text)


def visitor_number(visitor_id: bytes) -> int:
    """Return a visitor id as the number that it is stored as."""
    return int.from_bytes(visitor_id, "big", signed=True)
