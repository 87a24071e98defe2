"""Values that several test modules need: traffic, and one of each thing that a store keeps."""

from datetime import UTC, date, datetime
from random import Random
from uuid import UUID

from aggregates.filter import NO_VALUES
from aggregates.minute import LiveEvent, LiveVisitor, Minute
from aggregates.progress import Progress
from aggregates.rollup import Counters, Dimension, Rollup
from aggregates.seal import Part, Seal, tables_of
from aggregates.stores.ports import (
    RawEvent,
    StoredMinute,
    StoredRollup,
    StoredSeal,
    StoredVisitor,
)
from aggregates.value import DIRECT, OTHER
from aggregates.visitor import Moment, PageAt, Visit, VisitDay, VisitorState
from schemas.event import Context, Event, EventBatch, EventType, Revenue
from tests.processors.stream import SITE

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
START = int(datetime(2026, 5, 3, 23, 30, tzinfo=UTC).timestamp()) * 1000
"""When the traffic begins: half an hour before a midnight."""


def traffic(rng: Random, size: int) -> list[EventBatch]:
    """Records of three visitors around a midnight, some of them sent twice."""
    batches: list[EventBatch] = []
    for _ in range(size):
        if batches and rng.random() < 0.2:
            batches.append(rng.choice(batches[-5:]))
            continue
        events = tuple(
            Event(
                event_id=UUID(int=rng.getrandbits(128)).bytes,
                event_type=rng.choice([EventType.PAGE_VIEW, EventType.PAGE_VIEW, EventType.CUSTOM]),
                occurred_at=START + rng.randrange(90) * 60_000,
                session_id=rng.choice(["session-a", "session-b"]),
                page=rng.choice(["/", "/a", "/b"]),
                source=rng.choice(["", "Google"]),
                name="signup",
            )
            for _ in range(rng.randint(1, 3))
        )
        visitor = rng.randrange(3).to_bytes(8, "big")
        batches.append(EventBatch(SITE, visitor, START, Context(), events))
    return batches


DAY = date(2026, 5, 4)
PROGRESS = Progress({"shardId-0": 10**55 + 7, "shardId-1": 3}, 1_777_000_000_123, 1_777_000_000_456)
ROLLUP = StoredRollup(
    Rollup(
        {
            (Dimension.TOTAL, ""): Counters(3, 2, 1, 0, -1, 10**12, 5),
            (Dimension.PAGE, "/é\u2028<b>"): Counters(visits=1),
            (Dimension.PAGE, OTHER): Counters(visits=1),
            (Dimension.PAGE, "(other)"): Counters(visits=2),
        }
    ),
    PROGRESS,
    NO_VALUES.with_all(["page|/a"], b"key"),
)
SEAL = StoredSeal(
    Seal(
        tables_of(ROLLUP.rollup),
        {(DAY, 0): Part(3, PROGRESS, Counters(3, 2, 1), {"accepted": 7}), (DAY, 1): Part(1)},
    ),
    1_777_000_000,
)
FIRST = Moment(1_777_000_000_000, b"sixteen bytes id")
VISITOR = StoredVisitor(
    VisitorState(
        checkpoints={"shardId-0": 10**55},
        recent_event_ids=(b"8bytes_b", b"8bytes_a"),
        seen=frozenset({b"12345678", b"abcdefgh"}),
        frozen=frozenset({b"frozen01"}),
        visits=(
            Visit(
                first=FIRST,
                ended_at=1_777_000_060_000,
                traits=((Dimension.SOURCE, DIRECT), (Dimension.CITY, "Kyoto")),
                days={DAY: VisitDay(2, 1, 300)},
                entry=PageAt(FIRST, "/"),
                exit=PageAt(Moment(1_777_000_060_000, b"sixteen bytes 2."), "/b"),
                counts_visitor=False,
            ),
        ),
    ),
    expires_at=1_777_100_000,
)
MINUTE = StoredMinute(
    Minute(
        3,
        1,
        {b"visitor1": LiveVisitor(5, "/", 4, "Google", "DE")},
        {"/": 2, "/é": 1},
        7,
        (
            LiveEvent(
                5, 4, b"4b_b", b"visitor1", "session-a", "/", "signup", "", "DE", "Köln", "Mobile"
            ),
            LiveEvent(
                4, 4, b"4b_a", b"visitor1", "session-a", "/", "", "Google", "DE", "Köln", "Mobile"
            ),
        ),
    ),
    PROGRESS,
    (b"4b_b", b"4b_a"),
    1_777_100_000,
)
EVENT = Event(
    event_id=UUID(int=1).bytes,
    event_type=EventType.CUSTOM,
    occurred_at=1_777_000_000_000,
    session_id="session-a",
    name="signup",
    props={"plan": "pro"},
    revenue=Revenue("9.90", "EUR"),
)
RAW = RawEvent("my.site", b"visitor1", 1_777_000_000_500, Context(browser="Firefox"), EVENT, 2000)
