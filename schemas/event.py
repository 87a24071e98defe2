"""Accepted events, as they lie on the stream.

These types are made by the collector from validated hits, or decoded from bytes that the collector
wrote; they are trusted and checked no further.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import itemgetter
from typing import Any

from schemas import codec
from schemas.codec import UndecodableError

VISITOR_ID_LENGTH = 8


class EventType(StrEnum):
    """What kind of thing happened."""

    PAGE_VIEW = "page_view"
    CUSTOM = "custom"
    ENGAGEMENT = "engagement"
    UNKNOWN = "unknown"  # a kind that a newer collector wrote and this reader does not know


@dataclass(frozen=True, slots=True)
class Revenue:
    """Money that came with an event."""

    amount: str  # a decimal number, as the hit wrote it
    currency: str  # ISO 4217


@dataclass(frozen=True, slots=True)
class Context:
    """What one request says about the browser. Empty string: not set."""

    browser: str = ""
    os: str = ""
    device: str = ""
    language: str = ""
    country: str = ""
    region: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a visitor did. Times are epoch milliseconds; empty string: not set."""

    event_id: bytes
    event_type: EventType
    occurred_at: int
    session_id: str
    hostname: str = ""
    page: str = ""
    query: str = ""
    title: str = ""
    referrer: str = ""
    source: str = ""
    channel: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_term: str = ""
    utm_content: str = ""
    name: str = ""
    props: Mapping[str, str] = field(default_factory=dict)
    revenue: Revenue | None = None
    engaged_ms: int = 0
    scroll_depth: int = 0
    screen_width: int = 0


@dataclass(frozen=True, slots=True)
class RejectedHit:
    """A hit that the collector refused: why, and where it is kept what it was."""

    code: str
    field: str = ""
    hit: str = ""
    """JSON, scrubbed of what names a person; empty: not kept."""


@dataclass(frozen=True, slots=True)
class EventBatch:
    """What one request of one visitor came to: one record on the stream.

    The collector accounts for every hit: `received` is the number of events, duplicates and
    rejected hits together.
    """

    site_id: str
    visitor_id: bytes
    received_at: int
    context: Context
    events: tuple[Event, ...]
    received: int = 0
    """Hits in the request; 0: as many as there are events."""
    duplicates: int = 0
    """Hits whose event id stood in the request before."""
    rejected: tuple[RejectedHit, ...] = ()
    session_id: str = ""
    """The request's session, where a rejected hit is kept."""

    @property
    def hits(self) -> int:
        """How many hits the request had."""
        return self.received or len(self.events)


def encode_batch(batch: EventBatch) -> bytes:
    """Encode a batch for the stream."""
    raw = _fields(batch)
    raw["context"] = _fields(batch.context)
    raw["events"] = [_raw(event) for event in batch.events]
    raw["rejected"] = [_fields(hit) for hit in batch.rejected]
    return codec.encode("event_batch", raw)


def decode_batch(encoded: bytes) -> EventBatch:
    """Decode a record's bytes.

    Raises:
        UndecodableError: the bytes are not an event batch of any known version.
    """
    raw = codec.decode("event_batch", encoded)
    return EventBatch(
        site_id=raw["site_id"],
        visitor_id=raw["visitor_id"],
        received_at=raw["received_at"],
        context=Context(*_CONTEXT(raw["context"])),
        events=tuple(_event(event) for event in raw["events"]),
        received=raw["received"],
        duplicates=raw["duplicates"],
        rejected=tuple(RejectedHit(**hit) for hit in raw["rejected"]),
        session_id=raw["session_id"],
    )


def visitor_in(encoded: bytes) -> bytes:
    """Return the visitor id of a record's bytes, without decoding the rest.

    Every version of the schema begins with the site id and the visitor id. Of bytes that are no
    event batch it returns some bytes, always the same ones.
    """
    start, shift, zigzag = codec.HEADER_LENGTH, 0, 0
    for byte in encoded[start : start + 3]:
        zigzag |= (byte & 0x7F) << shift
        start, shift = start + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a number, as Avro writes it
            break
    start += zigzag >> 1
    return encoded[start : start + VISITOR_ID_LENGTH]


def _fields(value: EventBatch | Context | Event | Revenue | RejectedHit) -> dict[str, Any]:
    """Return a value's fields as they are; `dataclasses.asdict` would copy them deeply."""
    return {name: getattr(value, name) for name in value.__slots__}


def _raw(event: Event) -> dict[str, Any]:
    raw = _fields(event)
    if event.revenue is not None:
        raw["revenue"] = _fields(event.revenue)
    return raw


def _event(raw: dict[str, Any]) -> Event:
    raw["event_type"] = _TYPES[raw["event_type"]]
    if raw["revenue"] is not None:
        raw["revenue"] = Revenue(**raw["revenue"])
    return Event(*_EVENT(raw))


_TYPES = {kind.value: kind for kind in EventType}
# By place: half the time that it takes by name.
_EVENT = itemgetter(*(one.name for one in fields(Event)))
_CONTEXT = itemgetter(*(one.name for one in fields(Context)))


__all__ = [
    "Context",
    "Event",
    "EventBatch",
    "EventType",
    "RejectedHit",
    "Revenue",
    "UndecodableError",
    "decode_batch",
    "visitor_in",
    "encode_batch",
]
