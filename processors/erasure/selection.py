"""What of a site is to be erased, and what is left of a record.

A record keeps its place and its account where somebody else could miss it: its events leave it as
hits that were refused with the reason ERASED, under no visitor's id. So a rebuild finds the request
of a day on which it came, and the ledgers of both consumers agree.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from aggregates.ledger import ERASED
from aggregates.stores.ports import RawEvent
from schemas.codec import HEADER_LENGTH
from schemas.event import (
    VISITOR_ID_LENGTH,
    Context,
    Event,
    EventBatch,
    RejectedHit,
    UndecodableError,
    decode_batch,
    encode_batch,
)

NOBODY = bytes(VISITOR_ID_LENGTH)
ACCOUNTED_VERSION = 2
"""Of event batches: the first that says what became of each hit."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What erasing makes of a record."""

    data: bytes | None
    """What is left of it; None: nothing."""
    events: int = 0
    """That left it."""
    moments: tuple[int, ...] = ()
    """When it was received, and its events occurred that left it: epoch milliseconds."""


Eraser = Callable[[str, bytes, int], Erased | None]
"""Says what erasing makes of a record, by its partition key, its bytes and when it arrived (epoch
milliseconds); None: it stays as it is."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a site is to be erased: all of it, one visitor, or what came before a moment.

    Args:
        site_id: of the site.
        visitor_id: of the visitor; empty: of all.
        before: epoch milliseconds: events that occurred before, or were received before; None: all.
    """

    site_id: str
    visitor_id: bytes = b""
    before: int | None = None

    @property
    def is_site(self) -> bool:
        """Whether it is all of the site."""
        return not self.visitor_id and self.before is None

    def erase(self, partition_key: str, data: bytes, arrived_at: int) -> Erased | None:
        """Say what erasing makes of a record; None: it stays as it is."""
        if not self._is_of_site(partition_key, data) or self.visitor_id not in data:
            return None
        try:
            batch = decode_batch(data)
        except UndecodableError:
            # Nobody counts it. Whose it is, only its bytes can say, and they name the visitor.
            is_late = self.before is not None and arrived_at >= self.before
            return None if is_late else Erased(None)
        if self.visitor_id and batch.visitor_id != self.visitor_id:
            return None
        if self.is_site or (self.before is not None and batch.received_at < self.before):
            return _erased(batch, None, batch.events)
        gone = [event for event in batch.events if self._has(event)]
        if self.visitor_id or gone:
            return _erased(batch, _rest(batch, gone, wholly=bool(self.visitor_id)), gone)
        return None

    def has_raw(self, raw: RawEvent) -> bool:
        """Say whether a raw event is to be erased."""
        if raw.site_id != self.site_id or self.visitor_id not in {b"", raw.visitor_id}:
            return False
        received = self.before is not None and raw.received_at < self.before
        return received or self._has(raw.event)

    def _has(self, event: Event) -> bool:
        return self.before is None or event.occurred_at < self.before

    def _is_of_site(self, partition_key: str, data: bytes) -> bool:
        """Look at both: what they do not agree on is poison, and of either."""
        site = self.site_id.encode()
        beginning = _zigzag(len(site)) + site
        is_keyed = partition_key.rpartition("/")[0] == self.site_id
        return is_keyed or data.startswith(beginning, HEADER_LENGTH)


def _erased(batch: EventBatch, rest: EventBatch | None, gone: Iterable[Event]) -> Erased:
    events = list(gone)
    return Erased(
        None if rest is None else encode_batch(rest, least=ACCOUNTED_VERSION),
        len(events),
        (batch.received_at, *(event.occurred_at for event in events)),
    )


def _rest(batch: EventBatch, gone: list[Event], *, wholly: bool) -> EventBatch:
    """Return a record without some events.

    Args:
        batch: the record.
        gone: the events.
        wholly: whether nothing shall say whose it was.
    """
    rest = replace(
        batch,
        events=tuple(event for event in batch.events if event not in gone),
        received=batch.hits,
        rejected=(*batch.rejected, *[RejectedHit(ERASED)] * len(gone)),
    )
    if not wholly:
        return rest
    refused = tuple(RejectedHit(hit.code, hit.field) for hit in rest.rejected)
    return replace(
        rest, visitor_id=NOBODY, context=Context(), session_id="", events=(), rejected=refused
    )


def _zigzag(length: int) -> bytes:
    """Return a length as Avro writes it; site ids have less than 8,192 bytes."""
    doubled = 2 * length
    few = doubled < 0x80  # noqa: PLR2004 - seven bits in each byte
    return bytes([doubled]) if few else bytes([doubled & 0x7F | 0x80, doubled >> 7])
