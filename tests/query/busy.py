"""Traffic that meets itself: few visitors around midnights, late, repeated, with all that can be
asked for; and questions about it. All is decided by one seed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from aggregates.value import DIRECT, NOT_SET
from query.question import Condition, Goal, Operator, Question, Reached
from runtime.sites.site import Site
from schemas.event import Context, Event, EventBatch, EventType, Revenue
from tests.query.shelf import SITE

TIMEZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns")
MIDNIGHTS = ("2026-03-29", "2026-10-25", "2026-03-08", "2026-12-31")
"""In three of these nights, clocks change in one of the zones."""

HOSTILE = ["'", '"; DROP TABLE visits; --', "%", "_", "\0", "\0other", "é" * 150, "$p0", "{0}"]
VALUES = {
    "page": ["/", "/pricing", "/blog/a", "/é'", NOT_SET],
    "hostname": ["my.site", "www.my.site", NOT_SET],
    "event": ["signup", "it's", NOT_SET],
    "prop:plan": ["pro", "fr'ee", NOT_SET],
    "prop:it's": ["%"],
    "source": ["Google", "newsletter", DIRECT],
    "channel": ["Organic Search", NOT_SET],
    "country": ["DE", "JP", NOT_SET],
    "city": ["Kyoto", NOT_SET],
    "utm_campaign": ["spring", NOT_SET],
    "entry_page": ["/", "/pricing", NOT_SET],
    "exit_page": ["/", "/blog/a", NOT_SET],
    "screen": ["< 576", "1440-1919", NOT_SET],
    "device": ["Mobile", NOT_SET],
}
PATTERNS = ["*", "/*", "*i*", "/blog/*", "/", "si?nup", "*'", "[a-z]*", "pr.", "*\\"]
PARTS = ["g", "/", "p", "i", "Goo", "%", "'"]


class Busy:
    """A site's traffic of two days."""

    def __init__(self, seed: int, records: int = 60) -> None:
        self.rng = Random(seed)
        self.site = Site(site_id=SITE, timezone=self.rng.choice(TIMEZONES))
        self.midnight = date.fromisoformat(self.rng.choice(MIDNIGHTS))
        utc = datetime(*self.midnight.timetuple()[:3], tzinfo=UTC)
        self.start = int((utc - timedelta(hours=self.rng.randrange(2, 16))).timestamp()) * 1000
        self._ids = 0
        self._sent: list[EventBatch] = []
        self.batches = [self._batch(number) for number in range(records)]

    def question(self) -> Question:
        """Ask something."""
        rng, midnight = self.rng, self.midnight
        first = midnight + timedelta(days=rng.choice([-1, -1, 0, 0, 1]))
        last = max(first, midnight + timedelta(days=rng.choice([-1, 0, 1])))
        until = None
        if rng.random() < 0.3:
            some = rng.choice(rng.choice([one for one in self.batches if one.events]).events)
            until = datetime.fromtimestamp(some.occurred_at / 1000, UTC)
        conditions = tuple(self.condition() for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3])))
        reached: tuple[Reached, ...] = ()
        if rng.random() < 0.3:
            goals = tuple(self.goal() for _ in range(rng.choice([1, 2])))
            reached = (Reached(goals, rng.random() < 0.4),)
        return Question(self.site, first, last, until, conditions, reached)

    def goal(self) -> Goal:
        """Make a goal."""
        return Goal(tuple(self.condition() for _ in range(self.rng.choice([1, 1, 2]))))

    def condition(self) -> Condition:
        """Make a condition; most are met by something."""
        rng = self.rng
        dimension = rng.choice([*VALUES, "page", "event", "page", "prop:plan"])
        operator = rng.choice([Operator.IS, *Operator])
        texts = VALUES[dimension]
        if operator in {Operator.CONTAINS, Operator.MATCHES}:
            texts = PARTS if operator is Operator.CONTAINS else PATTERNS
        values = [rng.choice(texts) for _ in range(rng.choice([1, 1, 2, 3]))]
        if rng.random() < 0.1:
            values.append(rng.choice(HOSTILE))
        return Condition(dimension, operator, tuple(values))

    def _batch(self, number: int) -> EventBatch:
        rng = self.rng
        if self._sent and rng.random() < 0.15:
            again = rng.choice(self._sent[-8:])
            return replace(again, events=tuple(self._shifted(one) for one in again.events))
        now = self.start + number * rng.choice([8, 8, 12, 20]) * 60_000
        events = tuple(self._event(now) for _ in range(rng.choice([0, 1, 1, 2, 3])))
        context = Context(
            country=rng.choice(["", "DE", "JP"]),
            city=rng.choice(["", "Kyoto"]),
            device=rng.choice(["", "Mobile"]),
        )
        visitor = rng.randrange(7).to_bytes(8, "big") if rng.random() < 0.8 else b"\xff" * 8
        batch = EventBatch(SITE, visitor, now, context, events)
        self._sent.append(batch)
        return batch

    def _shifted(self, event: Event) -> Event:
        """Send an event again: at times another moment is told, on another day perhaps."""
        shift = self.rng.choice([0, 0, 1, 40 * 60_000])
        return replace(event, occurred_at=event.occurred_at + shift)

    def _event(self, now: int) -> Event:
        rng = self.rng
        self._ids += 1
        kind = rng.choice([*[EventType.PAGE_VIEW] * 4, EventType.CUSTOM, EventType.ENGAGEMENT])
        is_custom = kind is EventType.CUSTOM
        late = rng.choice([0, 0, 0, 10, 35, 300]) * 60_000
        props = rng.choice([{}, {"plan": "pro"}, {"plan": "fr'ee", "it's": "%"}])
        paid = is_custom and rng.random() < 0.5
        return Event(
            event_id=rng.getrandbits(128).to_bytes(16, "big"),
            event_type=kind,
            occurred_at=now - late - rng.randrange(2) * 1000,
            session_id="session-a",
            hostname=rng.choice(["my.site", "my.site", "www.my.site", ""]),
            page=rng.choice(["/", "/", "/pricing", "/blog/a", "/é'", ""]),
            source=rng.choice(["", "Google", "newsletter"]),
            channel=rng.choice(["", "Organic Search"]),
            utm_campaign=rng.choice(["", "spring"]),
            name=rng.choice(["signup", "it's"]) if is_custom else "",
            props=props if rng.random() < 0.5 else {},
            revenue=Revenue(rng.choice(["19.90", "-0.000001"]), "EUR") if paid else None,
            engaged_ms=rng.randrange(5000) if kind is EventType.ENGAGEMENT else 0,
            scroll_depth=rng.choice([0, 30, 89, 90, 100]),
            screen_width=rng.choice([0, 320, 1440]),
        )
