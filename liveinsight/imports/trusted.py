"""Events that carry their own time: lines of a log and sample history.

They go through the collector's validation and the stream like any hit. What differs: the time of
the event is also its arrival time, and the visitor id comes from the site's import secret, so that
the same event always has the same visitor and the same id. The visitor's partition is that of the
event's day, whatever the site's number of partitions is today.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from aggregates.visitor import RECENT_EVENT_IDS
from aggregates.window import SECOND_MS, local_hour
from ingest.accepted.port import Accepted
from ingest.hits.client import Client
from ingest.hits.judge import Policy, Rejected, collect, context, partition_key
from ingest.hits.visitor import partition_of, visitor_id
from ingest.stream.sink import SinkRecord
from runtime.sites.site import Site
from schemas.event import Context, EventBatch, encode_batch
from schemas.hit import Hit

ID_WINDOW = RECENT_EVENT_IDS
"""How many of the last events of one visitor the consumers recognise when they are sent again."""

CHUNK_SIZE = 500
"""Records in one chunk: as many as one PutRecords call takes.
https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html"""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Before this there was no website; the clock of what wrote such a time stood still, or at zero."""
MOST_AHEAD = timedelta(days=1)
"""Time zones that were taken for another come to less."""


def is_plausible(at: datetime, now: datetime) -> bool:
    """Say whether something can have happened at a time, as somebody knows who looks at `now`."""
    return EARLIEST <= at <= now + MOST_AHEAD


@dataclass(frozen=True, slots=True)
class TrustedRecord:
    """One accepted event on its way to the stream."""

    visitor_id: bytes
    day: date
    """The site-local day of the event."""
    record: SinkRecord


@dataclass(frozen=True, slots=True)
class TrustedCollector:
    """Turns hits whose time can be trusted into records for the stream."""

    site: Site
    """As it was on the last day of the events, or later: until a day begins its number of
    partitions may change."""
    policy: Policy
    _salts: dict[date, bytes] = field(default_factory=dict, repr=False)

    def collect(
        self, hit: Hit, client: Client, *, event_id: UUID, at: datetime
    ) -> TrustedRecord | Rejected:
        """Turn a hit into a record, or say why not. The same arguments give the same record.

        Args:
            hit: its `timestamp` is `at`. Without a session id its visitor has one session, which
                only pauses divide into visits.
            client: who sent it.
            event_id: the event's id.
            at: when it happened, and arrived.
        """
        day = local_hour(int(at.timestamp()) * SECOND_MS, self.site.timezone).day
        visitor = visitor_id(self._salt(day), self.site.site_id, client)
        outcome = collect(
            hit,
            site=self.site,
            session_id=hit.session_id or visitor.hex(),
            policy=self.policy,
            new_id=lambda: event_id,
            now=at,
        )
        if isinstance(outcome, Rejected):
            return outcome
        batch = EventBatch(
            site_id=self.site.site_id,
            visitor_id=visitor,
            received_at=outcome.occurred_at,
            context=_context(client),
            events=(outcome,),
        )
        key = partition_key(self.site.site_id, partition_of(self.site, day, visitor))
        record = SinkRecord(key, encode_batch(batch), Accepted(self.site.site_id, day, 1))
        return TrustedRecord(visitor, day, record)

    def _salt(self, day: date) -> bytes:
        if day not in self._salts:
            self._salts[day] = self.site.import_salt(day)
        return self._salts[day]


@dataclass(slots=True)
class ChunkLimit:
    """Says when a chunk must end, so that all of it may be sent twice and is counted once.

    A visitor's state recognises the last ID_WINDOW events; a chunk that was sent, but not noted
    before a crash, is sent again as a whole.
    """

    size: int = 0
    most: int = CHUNK_SIZE
    _per_visitor: Counter[bytes] = field(default_factory=Counter)
    _most: int = 0

    def add(self, visitor: bytes | None = None) -> None:
        """Count one more entry of the chunk, and the visitor of its event where it has one."""
        self.size += 1
        if visitor is not None:
            self._per_visitor[visitor] += 1
            self._most = max(self._most, self._per_visitor[visitor])

    @property
    def reached(self) -> bool:
        """Whether the chunk must end here."""
        return self.size >= self.most or self._most >= ID_WINDOW


@lru_cache(maxsize=4096)
def _context(client: Client) -> Context:
    return context(client, client.language)
