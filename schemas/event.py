"""Accepted events, as they lie on the stream.

These types are made by the collector from validated hits, or decoded from bytes that the collector
wrote; they are trusted and checked no further.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter, itemgetter
from typing import Any

from schemas import codec, registry
from schemas.codec import UndecodableError

VISITOR_ID_LENGTH = 8

PLAIN_VERSION = 2
"""Of the schema: the one that `_plain_batch` reads."""
EVENT_ID_LENGTH = 16


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


def encode_batch(batch: EventBatch, *, least: int = 1) -> bytes:
    """Encode a batch for the stream, with the version that is written, or the least one."""
    plain = registry.versions("event_batch")[PLAIN_VERSION - 1]
    if registry.written("event_batch") is plain and least <= PLAIN_VERSION:
        try:
            return _plain_bytes(batch)
        except _NotPlainError:
            pass
    return any_bytes(batch, least=least)


def any_bytes(batch: EventBatch, *, least: int = 1) -> bytes:
    """Encode a batch, whatever is in it; see `encode_batch`."""
    raw = _fields(batch)
    raw["context"] = _fields(batch.context)
    raw["events"] = [_raw(event) for event in batch.events]
    raw["rejected"] = [_fields(hit) for hit in batch.rejected]
    return codec.encode("event_batch", raw, least=least)


def encoded_texts(texts: Iterable[str]) -> bytes:
    """Return texts as they stand in a batch, one after the other: see `ViewEncoder`."""
    parts: list[bytes] = []
    _put_texts(parts.append, texts)
    return b"".join(parts)


class ViewEncoder:
    """Encodes page views of one site about which nothing more is known than logs say.

    What it returns is what `encode_batch` would of the same batch: parts that many events have in
    common are encoded once, by whoever calls.
    """

    def __init__(self, site_id: str) -> None:
        self.is_plain = (
            registry.written("event_batch") is registry.versions("event_batch")[PLAIN_VERSION - 1]
        )
        """Whether that is the version that is written."""
        self._head = codec.header("event_batch", PLAIN_VERSION) + encoded_texts((site_id,))

    def encode(
        self,
        visitor_id: bytes,
        occurred_at: int,
        context: bytes,
        event_id: bytes,
        session_id: bytes,
        place: bytes,
    ) -> bytes:
        """Return the bytes of a batch with one page view.

        Args:
            visitor_id: of the batch.
            occurred_at: when it happened, and arrived.
            context: `encoded_texts` of the values of a Context.
            event_id: of the event.
            session_id: `encoded_texts` of it alone.
            place: `encoded_texts` of an event's texts from `hostname` to `utm_content`.
        """
        at = _zigzag(occurred_at)
        return b"".join(
            (
                *(self._head, visitor_id, at, context, b"\x02", event_id, _VIEW, at, session_id),
                *(place, _VIEW_END),
            )
        )


def decode_batch(encoded: bytes) -> EventBatch:
    """Decode a record's bytes.

    Raises:
        UndecodableError: the bytes are not an event batch of any known version.
    """
    if encoded[: codec.HEADER_LENGTH] == codec.header("event_batch", PLAIN_VERSION):
        try:
            return _plain_batch(encoded)
        except (_NotPlainError, LookupError, ValueError):
            pass  # whether it can be decoded at all, is for the library to say
    return any_batch(encoded)


def any_batch(encoded: bytes) -> EventBatch:
    """Decode a record's bytes, of whatever version and with whatever is in it.

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
    start = _visitor_at(encoded)
    return encoded[start : start + VISITOR_ID_LENGTH]


def received_in(encoded: bytes) -> int:
    """Return when a record was received (epoch milliseconds), without decoding the rest.

    It follows the visitor id in every version of the schema. Of bytes that are no event batch it
    returns some number.
    """
    try:
        return _number(encoded, _visitor_at(encoded) + VISITOR_ID_LENGTH)[0]
    except (_NotPlainError, LookupError):
        return 0


def _visitor_at(encoded: bytes) -> int:
    start, shift, zigzag = codec.HEADER_LENGTH, 0, 0
    for byte in encoded[start : start + 3]:
        zigzag |= (byte & 0x7F) << shift
        start, shift = start + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a number, as Avro writes it
            break
    return start + (zigzag >> 1)


class _NotPlainError(Exception):
    """The record has what few have."""


def _plain_batch(encoded: bytes) -> EventBatch:
    """Decode a record of PLAIN_VERSION, without properties, revenue and refused hits.

    Every consumer decodes every record, and most are like that. It takes half the time that it
    takes by a dict of all fields. https://avro.apache.org/docs/1.12.0/specification/#binary-encoding

    Raises:
        _NotPlainError, LookupError, ValueError: it has one of those, or is broken.
    """
    (site_id,), at = _texts(encoded, codec.HEADER_LENGTH, 1)
    visitor_id = encoded[at : at + VISITOR_ID_LENGTH]
    received_at, at = _number(encoded, at + VISITOR_ID_LENGTH)
    context, at = _texts(encoded, at, len(_CONTEXT_FIELDS))
    events: list[Event] = []
    left, at = _number(encoded, at)
    while left > 0:
        event, at = _plain_event(encoded, at)
        events.append(event)
        left -= 1
        if not left:  # blocks of events, the last one is empty
            left, at = _number(encoded, at)
    received, at = _number(encoded, at)
    duplicates, at = _number(encoded, at)
    refused, at = _number(encoded, at)
    (session_id,), at = _texts(encoded, at, 1)
    if left or refused or at != len(encoded):  # also where a slice was short
        raise _NotPlainError
    return EventBatch(
        site_id,
        visitor_id,
        received_at,
        Context(*context),
        tuple(events),
        received,
        duplicates,
        session_id=session_id,
    )


def _plain_bytes(batch: EventBatch) -> bytes:
    """Encode a batch as `_plain_batch` decodes it: a third of the time that the library takes.

    Raises:
        _NotPlainError: it has properties, revenue or refused hits.
    """
    if batch.rejected:
        raise _NotPlainError
    parts = [codec.header("event_batch", PLAIN_VERSION)]
    put = parts.append
    _put_texts(put, (batch.site_id,))
    put(batch.visitor_id)
    put(_zigzag(batch.received_at))
    _put_texts(put, _CONTEXT_VALUES(batch.context))
    if batch.events:
        put(_zigzag(len(batch.events)))
    for event in batch.events:
        _put_event(put, event)
    put(b"\0")  # the block of events that is empty and the last
    put(_zigzag(batch.received))
    put(_zigzag(batch.duplicates))
    put(b"\0")
    _put_texts(put, (batch.session_id,))
    return b"".join(parts)


def _put_event(put: Callable[[bytes], None], event: Event) -> None:
    if event.props or event.revenue is not None:
        raise _NotPlainError
    event_id, kind, occurred_at, *texts = _EVENT_VALUES(event)
    if len(event_id) != EVENT_ID_LENGTH:
        raise _NotPlainError
    put(event_id)
    put(_KIND_BYTES[kind])
    put(_zigzag(occurred_at))
    _put_texts(put, texts)
    put(b"\0\0")  # no properties, no revenue
    put(_zigzag(event.engaged_ms))
    put(_zigzag(event.scroll_depth))
    put(_zigzag(event.screen_width))


def _put_texts(put: Callable[[bytes], None], texts: Iterable[str]) -> None:
    for text in texts:
        if not text:
            put(b"\0")
            continue
        encoded = text.encode()
        put(_zigzag(len(encoded)))
        put(encoded)


def _zigzag(number: int) -> bytes:
    """Return a number as Avro writes it."""
    if 0 <= number < _FEW:
        return _SMALL[number]
    left = (number << 1) ^ (number >> 63)
    written = bytearray()
    while left >= _MORE:
        written.append(left & 0x7F | _MORE)
        left >>= 7
    written.append(left)
    return bytes(written)


def _plain_event(encoded: bytes, at: int) -> tuple[Event, int]:
    event_id = encoded[at : at + EVENT_ID_LENGTH]
    at += EVENT_ID_LENGTH
    kind = _KINDS[encoded[at]]
    occurred_at, at = _number(encoded, at + 1)
    texts, at = _texts(encoded, at, _EVENT_TEXTS)
    if encoded[at] or encoded[at + 1]:
        raise _NotPlainError
    engaged_ms, at = _number(encoded, at + 2)
    scroll_depth, at = _number(encoded, at)
    screen_width, at = _number(encoded, at)
    numbers = engaged_ms, scroll_depth, screen_width
    in_order: list[Any] = [event_id, kind, occurred_at, *texts, {}, None, *numbers]
    return Event(*in_order), at


def _texts(encoded: bytes, at: int, count: int) -> tuple[list[str], int]:
    """Read strings that stand one after the other; return them, and where the next value begins."""
    texts: list[str] = []
    for _ in range(count):
        size = encoded[at]
        if not size:
            texts.append("")
            at += 1
            continue
        if size < _MORE:  # twice the length
            end = at + 1 + (size >> 1)
            if size & 1:
                raise _NotPlainError
            texts.append(encoded[at + 1 : end].decode())
        else:
            length, at = _number(encoded, at)
            if length < 0:
                raise _NotPlainError
            end = at + length
            texts.append(encoded[at:end].decode())
        at = end
    return texts, at


def _number(encoded: bytes, at: int) -> tuple[int, int]:
    """Read a number; return it, and where the next value begins."""
    zigzag = shift = 0
    while (byte := encoded[at]) >= _MORE:
        zigzag |= (byte - _MORE) << shift
        shift += 7
        at += 1
    if shift > _MOST_SHIFT:
        raise _NotPlainError
    zigzag |= byte << shift
    return (zigzag >> 1) ^ -(zigzag & 1), at + 1


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
_KINDS = {2 * place: kind for place, kind in enumerate(EventType)}
"""By the byte that stands for them: twice their place among the symbols of the schema."""
_EVENT_TEXTS = [one.name for one in fields(Event)].index("props") - 3
"""From `session_id` to `name`."""
_CONTEXT_FIELDS = [one.name for one in fields(Context)]
_MORE, _MOST_SHIFT = 0x80, 56
_FEW = 0x80 // 2
_SMALL = [bytes([2 * number]) for number in range(_FEW)]
_KIND_BYTES = {kind: bytes([byte]) for byte, kind in _KINDS.items()}
_VIEW = _KIND_BYTES[EventType.PAGE_VIEW]
_VIEW_END = b"\0" + b"\0\0" + b"\0\0\0" + b"\0" + b"\0\0\0\0"
"""No name, properties, revenue, numbers; the last block; nothing of the request itself."""
# By place: half the time that it takes by name.
_EVENT = itemgetter(*(one.name for one in fields(Event)))
_CONTEXT = itemgetter(*_CONTEXT_FIELDS)
_CONTEXT_VALUES = attrgetter(*_CONTEXT_FIELDS)
_EVENT_VALUES = attrgetter(*[one.name for one in fields(Event)][: 3 + _EVENT_TEXTS])


__all__ = [
    "Context",
    "Event",
    "EventBatch",
    "EventType",
    "RejectedHit",
    "Revenue",
    "UndecodableError",
    "any_batch",
    "any_bytes",
    "decode_batch",
    "visitor_in",
    "received_in",
    "encode_batch",
    "encoded_texts",
    "ViewEncoder",
]
