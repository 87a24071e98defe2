"""What producers put on the stream: traffic of few visitors who meet at midnight, and poison."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

from ingest.hits.judge import partition_key
from ingest.hits.visitor import partition_of
from runtime.sites.partitions import PartitionSchedule
from runtime.sites.site import DAY, Site
from schemas.event import Context, Event, EventBatch, EventType, RejectedHit, encode_batch
from tests.simulation.faults import Fault

SITE = "my.site"
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
TIMEZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns")
MIDNIGHTS = ("2026-03-29", "2026-05-04", "2026-10-25", "2026-12-31")
"""Two of them open or follow a day in which clocks in Europe change."""
REMEMBERED = 64
"""The ids of a visitor among which a duplicate is found (RECENT_EVENT_IDS)."""
KINDS = (EventType.PAGE_VIEW,) * 4 + (EventType.CUSTOM, EventType.ENGAGEMENT)
KEPT = 0.6
"""How often a browser goes on with the token of the day before."""
SENT_AGAIN = 0.3
"""How often a line of a log that is imported is one that was sent before."""
NEVER = 10**17
"""A time beyond the calendar: decodes, and cannot be folded."""


@dataclass(frozen=True)
class Sent:
    """One record on its way to the stream. `batch`: what it says, None if it cannot be decoded."""

    partition_key: str
    data: bytes
    received_at: int
    batch: EventBatch | None
    poison: str = ""
    """How the reason of its dead letter begins; empty for a good record."""
    is_old: bool = False
    """Whether its raw events may have expired when it comes."""

    @property
    def counted(self) -> EventBatch | None:
        """The batch, where it counts in the rollups."""
        return None if self.poison else self.batch

    @property
    def accounted(self) -> EventBatch | None:
        """The batch, where it counts in the archive's ledger."""
        return None if self.poison in {"partition key", "unknown site"} else self.batch


@dataclass(frozen=True)
class Token:
    """What a browser shows: the id of the day when it was given, and where that id lives."""

    day: date
    visitor: bytes
    partition: int


class Traffic:
    """A producer.

    At the site's midnight the number of partitions changes, as it does when somebody has asked for
    it the day before. Browsers go on with the tokens that they have, or get new ones, or both.

    Args:
        rng: decides everything.
        fired: where faults of producers are counted.
        visitors: how many browsers there are.
        partitions: over how many partitions they are spread before midnight.
        records: how many they will send.
        storm: whether duplicates, poison and late events are certain to occur.
    """

    def __init__(
        self,
        rng: Random,
        fired: Counter[Fault],
        *,
        visitors: int,
        partitions: int,
        records: int,
        storm: bool,
    ) -> None:
        self._rng, self._fired = rng, fired
        self._visitors = visitors
        self.timezone = rng.choice(TIMEZONES)
        midnight = datetime.fromisoformat(rng.choice(MIDNIGHTS)).replace(
            tzinfo=ZoneInfo(self.timezone)
        )
        self._duplicates = 0.3 if storm else rng.choice([0, 0.1, 0.3])
        self._poison = 0.1 if storm else rng.choice([0, 0, 0.03, 0.1])
        self._late = 0.2 if storm else rng.choice([0, 0.05, 0.2])
        self._refusals = 0.3 if storm else rng.choice([0, 0.1])
        self._gap = rng.choice([5 * SECOND] if storm else [20 * SECOND, 2 * MINUTE, 6 * MINUTE])
        # In every other schedule midnight strikes among the records.
        before = rng.choice([rng.randrange(1 + records * self._gap), rng.randrange(2 * HOUR)])
        self.now = int(midnight.timestamp()) * SECOND - before
        self._site = Site(
            site_id=SITE,
            timezone=self.timezone,
            partitions=self._numbers(partitions, midnight.date()),
        )
        self._tokens: dict[int, Token] = {}
        self._lives: dict[bytes, Token] = {}
        self._sent: dict[bytes, list[Event]] = {}
        self._last: dict[str, list[bytes]] = {}
        self._lines: dict[bytes, list[Sent]] = {}

    def records(self, count: int) -> Iterator[Sent]:
        """Make records, one after another, each a little later than the one before."""
        for _ in range(count):
            self.now += self._rng.randrange(2 * self._gap)
            token = self._token(self._rng.randrange(self._visitors))
            sent = self._record(token)
            self._meet(sent.partition_key, token.visitor)
            yield sent

    def last_words(self) -> Iterator[Sent]:
        """Make one more record of each visitor, on the way of whom no other is left.

        It repeats what was said last: a state that was set back by a late write comes to light.
        """
        for visitor, events in self._sent.items():
            self.now += self._rng.randrange(2 * self._gap)
            said = (*events[-4:], self._event(visitor))
            batch = EventBatch(SITE, visitor, self.now, self._context(), said)
            key = partition_key(SITE, self._partition(self._lives[visitor]))
            yield Sent(key, encode_batch(batch), self.now, batch)
        for events in self._sent.values():
            self._fired[Fault.MIDNIGHT] += self._over_midnight(events)

    def chunk(self, day: date) -> Iterator[Sent]:
        """Make records of an old log's lines of a day, as `liveinsight.imports` does.

        Some repeat lines: an import that died sends its last chunk again.
        """
        for _ in range(self._rng.randint(1, 4)):
            visitor = bytes([*day.toordinal().to_bytes(4), 1, 0, 0, self._rng.randrange(2)])
            lines = self._lines.setdefault(visitor, [])
            if lines and self._rng.random() < SENT_AGAIN:
                self._fired[Fault.IMPORTED_AGAIN] += 1
                yield self._rng.choice(lines[-REMEMBERED // 2 :])
            else:
                lines.append(self._line(day, visitor))
                self._fired[Fault.IMPORTED] += 1
                yield lines[-1]

    def last_chunk(self) -> Iterator[Sent]:
        """Make one more record of each visitor of a log, after what was said last."""
        for visitor, lines in self._lines.items():
            yield from lines[-4:]
            yield self._line(date.fromordinal(int.from_bytes(visitor[:4])), visitor)

    def _line(self, day: date, visitor: bytes) -> Sent:
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.timezone))
        at = int(midnight.timestamp()) * SECOND + self._rng.randrange(22 * HOUR)
        event = self._said(visitor, self._rng.choice(KINDS), at)
        batch = EventBatch(SITE, visitor, at, self._context(), (event,))
        key = partition_key(SITE, self._partition_of_line(day, visitor))
        return Sent(key, encode_batch(batch), at, batch, is_old=True)

    def _partition_of_line(self, day: date, visitor: bytes) -> int:
        """Return where a line goes: its day decides, whatever day it is."""
        return partition_of(self._site, day, visitor)

    def _token(self, browser: int) -> Token:
        """Return what a browser shows now: a token of before, if it has one, or one of today."""
        today = self._site.local_day(datetime.fromtimestamp(self.now / SECOND, UTC))
        known = self._tokens.get(browser)
        if known is not None and (known.day == today or self._rng.random() < KEPT):
            self._count_change(known, today)
            return known
        visitor = bytes([*today.toordinal().to_bytes(4), 0, 0, 0, browser])
        token = Token(today, visitor, partition_of(self._site, today, visitor))
        # A browser with two tabs has two tokens.
        if known is None or self._rng.random() < KEPT:
            self._tokens[browser] = token
        self._count_change(token, today)
        return token

    def _partition(self, token: Token) -> int:
        """Return where the records of a token go: where it says, whatever day it is."""
        return token.partition

    def _count_change(self, token: Token, today: date) -> None:
        number_on = self._site.partitions.number_on
        if number_on(today) != number_on(today - DAY):
            self._fired[Fault.REPARTITIONED] += token.day == today
        if number_on(token.day) != number_on(today):
            self._fired[Fault.CARRIED_OVER] += 1

    def _numbers(self, partitions: int, turn: date) -> PartitionSchedule:
        """Return the schedule of a site whose number changes on the day that begins at the turn."""
        later = self._rng.randint(1, 2 * partitions)
        return PartitionSchedule.always(partitions).changed(later, turn)

    def _record(self, token: Token) -> Sent:
        visitor, key = token.visitor, partition_key(SITE, self._partition(token))
        self._lives[visitor] = token
        if self._rng.random() < self._poison:
            self._fired[Fault.POISON] += 1
            return self._bad(visitor, key)
        events = self._events(visitor)
        duplicates = 0
        rejected: tuple[RejectedHit, ...] = ()
        if self._rng.random() < self._refusals:
            duplicates, rejected = self._rng.randrange(3), self._rejected()
            events = self._rng.choice([events, ()])
            self._fired[Fault.REFUSED if events else Fault.ALL_REFUSED] += 1
        received = len(events) + duplicates + len(rejected)
        batch = EventBatch(
            SITE,
            visitor,
            self.now,
            self._context(),
            events,
            received=received,
            duplicates=duplicates,
            rejected=rejected,
        )
        return Sent(key, encode_batch(batch), self.now, batch)

    def _rejected(self) -> tuple[RejectedHit, ...]:
        codes = self._rng.choices(["bot", "invalid_field"], k=self._rng.randint(1, 3))
        return tuple(RejectedHit(code, hit=self._rng.choice(["", "{}"])) for code in codes)

    def _meet(self, partition: str, visitor: bytes) -> None:
        """Count where a visitor's record lies between two of another's."""
        last = self._last.setdefault(partition, [])
        last.append(visitor)
        if len(last) > 2 and last[-1] == last[-3] != last[-2]:
            self._fired[Fault.SHARED_PARTITION] += 1

    def _over_midnight(self, events: list[Event]) -> int:
        """Count how often the next event of a visit is of another day."""
        zone = ZoneInfo(self.timezone)
        found = 0
        by_time = sorted(events, key=lambda event: (event.session_id, event.occurred_at))
        for one, two in pairwise(by_time):
            near = two.occurred_at - one.occurred_at <= 30 * MINUTE
            if near and one.session_id == two.session_id:
                days = {
                    datetime.fromtimestamp(e.occurred_at / SECOND, zone).date() for e in (one, two)
                }
                found += len(days) - 1
        return found

    def _events(self, visitor: bytes) -> tuple[Event, ...]:
        """Make new events, or repeat some that the visitor's state still remembers."""
        sent = self._sent.setdefault(visitor, [])
        again: list[Event] = []
        if sent and self._rng.random() < self._duplicates:
            last = self._rng.randrange(max(0, len(sent) - REMEMBERED // 2), len(sent))
            again = sent[last : last + self._rng.randint(1, 4)]
        count = self._rng.choice([0, 0, 1, 2]) if again else self._rng.randint(1, 3)
        fresh = [self._event(visitor) for _ in range(count)]
        if again:
            self._fired[Fault.PART_DUPLICATE if fresh else Fault.DUPLICATE] += 1
        sent.extend(fresh)
        return (*again, *fresh)

    def _event(self, visitor: bytes) -> Event:
        kind = self._rng.choice(KINDS)
        age = self._rng.randrange(2 * MINUTE)
        if self._rng.random() < self._late:
            age = self._rng.randrange(2 * MINUTE, 24 * HOUR)
            self._fired[Fault.LATE_EVENT] += 1
        return self._said(visitor, kind, self.now - age)

    def _said(self, visitor: bytes, kind: EventType, at: int) -> Event:
        rng = self._rng
        return Event(
            event_id=rng.randbytes(16),
            event_type=kind,
            occurred_at=at,
            session_id=f"session-{visitor[-1]}-{rng.choice('aab')}",
            hostname=SITE,
            page=rng.choice(["/", "/pricing", "/blog/é"]),
            source=rng.choice(["", "", "Google"]),
            utm_campaign=rng.choice(["", "", "spring"]),
            name="signup" if kind is EventType.CUSTOM else "",
            engaged_ms=rng.randrange(5000) if kind is EventType.ENGAGEMENT else 0,
        )

    def _context(self) -> Context:
        choose = self._rng.choice
        return Context(browser=choose(["", "Firefox"]), country=choose(["", "DE", "JP"]))

    def _bad(self, visitor: bytes, key: str) -> Sent:
        event = self._event(visitor)
        batch = EventBatch(SITE, visitor, self.now, self._context(), (event,))
        good = encode_batch(batch)
        match self._rng.randrange(5):
            case 0:
                junk = self._rng.choice(
                    [b"", b'{"events": []}', bytes.fromhex("F3899AC2"), good[:-1]]
                )
                return Sent(key, junk, self.now, None, "undecodable")
            case 1:
                unknown = good[:2] + bytes(8) + good[10:]
                return Sent(key, unknown, self.now, None, "undecodable: unknown fingerprint")
            case 2:
                return Sent("other.site/0", good, self.now, None, "partition key")
            case 3:
                stranger = replace(batch, site_id="other.site")
                data = encode_batch(stranger)
                return Sent("other.site/0", data, self.now, stranger, "unknown site")
            case _:
                impossible = replace(self._event(visitor), occurred_at=NEVER)
                never = replace(batch, events=(event, impossible))
                return Sent(key, encode_batch(never), self.now, never, "unfoldable")
