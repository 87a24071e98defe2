"""Hypothesis strategies for traffic: few visitors, sessions and pages, so that they meet."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import strategies as st

from aggregates.rollup import Counters, Dimension, Rollup
from schemas.event import Context, Event, EventBatch, EventType, RejectedHit

NOON = int(datetime(2026, 3, 28, 22, 0, tzinfo=UTC).timestamp()) * 1000
"""Two hours before a midnight, in the night in which clocks in Europe change."""
MINUTE = 60_000

pages = st.sampled_from(["/", "/pricing", "/blog/a", "/é"])
event_ids = st.integers(0, 40).map(lambda number: UUID(int=number).bytes)
occurred = st.integers(0, 6 * 60).map(lambda minutes: NOON + minutes * MINUTE)
contexts = st.builds(
    Context,
    browser=st.sampled_from(["", "Firefox", "Chrome"]),
    country=st.sampled_from(["", "DE", "JP"]),
    city=st.sampled_from(["", "Kyoto"]),
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    kinds = [*[EventType.PAGE_VIEW] * 3, EventType.CUSTOM, EventType.ENGAGEMENT]
    kind = draw(st.sampled_from(kinds))
    return Event(
        event_id=draw(event_ids),
        event_type=kind,
        occurred_at=draw(occurred),
        session_id=draw(st.sampled_from(["session-a", "session-b"])),
        hostname="my.site",
        page=draw(pages),
        source=draw(st.sampled_from(["", "Google", "newsletter"])),
        channel=draw(st.sampled_from(["", "Organic Search"])),
        utm_campaign=draw(st.sampled_from(["", "spring"])),
        name="signup" if kind is EventType.CUSTOM else "",
        engaged_ms=draw(st.integers(0, 5000)) if kind is EventType.ENGAGEMENT else 0,
    )


visitor_ids = st.integers(0, 2).map(lambda number: number.to_bytes(8, "big"))
rejected = st.lists(
    st.builds(
        RejectedHit,
        code=st.sampled_from(["bot", "invalid_field"]),
        field=st.sampled_from(["", "page_url"]),
        hit=st.sampled_from(["", "{}"]),
    ),
    max_size=2,
).map(tuple)


@st.composite
def accounted(draw: st.DrawFn) -> EventBatch:
    accepted = draw(st.lists(events(), max_size=4).map(tuple))
    duplicates, refused = draw(st.integers(0, 2)), draw(rejected)
    return EventBatch(
        site_id="my.site",
        visitor_id=draw(visitor_ids),
        received_at=draw(st.integers(NOON, NOON + 360 * MINUTE)),
        context=draw(contexts),
        events=accepted,
        received=len(accepted) + duplicates + len(refused),
        duplicates=duplicates,
        rejected=refused,
    )


batches = accounted()
streams = st.lists(batches, max_size=12)
timezones = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])

counters = st.builds(Counters, *[st.integers(-3, 3)] * 7)
row_keys = st.tuples(st.sampled_from(list(Dimension)), st.sampled_from(["", "a", "b", "c"]))
rollups = st.dictionaries(row_keys, counters.filter(any), max_size=6).map(Rollup)
