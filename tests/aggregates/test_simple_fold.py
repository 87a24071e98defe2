"""The fold gives what the simple fold gives: equal states, and equal rows of every record."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.accumulator import Rows, rollup_of
from aggregates.fold import fold
from aggregates.progress import Position
from aggregates.rollup import Dimension, RowKey
from aggregates.visitor import NEW, VisitorState
from processors.record import UNFOLDABLE
from schemas.event import Context, Event, EventBatch, EventType, RejectedHit
from tests.aggregates import simple_fold
from tests.aggregates.folding import fold_alone, rollups_of
from tests.effort import examples
from tests.strategies import NOON, streams, timezones

BEYOND = 10**18
"""Of no calendar, in milliseconds."""
HOUR = 3_600_000


def follow(stream: Iterable[EventBatch], timezone: str) -> None:
    """Fold a stream both ways, and compare after each record."""
    states: dict[bytes, VisitorState] = {}
    for number, batch in enumerate(stream, 1):
        state, position = states.get(batch.visitor_id, NEW), Position("shard", number)
        simple = simple_fold.fold(state, batch, position, timezone)
        folded = fold_alone(state, batch, position, timezone)
        assert folded.deltas == simple.deltas
        assert folded.state == simple.state
        assert (folded.events_counted, folded.events_duplicate, folded.redelivered) == (
            simple.events_counted,
            simple.events_duplicate,
            simple.redelivered,
        )
        states[batch.visitor_id] = folded.state


def random_stream(
    rng: Random, records: int, *, visitors: int, span: int, most: int
) -> Iterator[EventBatch]:
    """Yield records of few visitors whose events happen anywhere in a span, in no order."""
    for _ in range(records):
        events = tuple(random_event(rng, span) for _ in range(rng.randint(0, most)))
        context = Context(
            browser=rng.choice(["", "Firefox"]),
            country=rng.choice(["", "DE", "JP"]),
            city=rng.choice(["", "Kyoto", "a\nb"]),
        )
        refused = (RejectedHit(rng.choice(["bot", "a\nb"])),) * rng.choice([0, 0, 0, 1, 3])
        visitor = rng.randrange(visitors).to_bytes(8, "big")
        at = NOON + rng.randrange(span)
        yield EventBatch("my.site", visitor, at, context, events, 0, rng.choice([0, 2]), refused)


def random_event(rng: Random, span: int) -> Event:
    kind = rng.choice([*[EventType.PAGE_VIEW] * 3, *EventType])
    return Event(
        event_id=UUID(int=rng.randrange(400)).bytes,
        event_type=kind,
        occurred_at=NOON + rng.randrange(span) // 60_000 * 60_000,
        session_id="session-a",
        hostname=rng.choice(["", "my.site", "b.my.site"]),
        page=rng.choice(["", "/", "/a", "/b", "/é\u2028"]),
        referrer=rng.choice(["", "", "example.org/"]),
        source=rng.choice(["", "Google", "(other)"]),
        channel=rng.choice(["", "Organic Search"]),
        utm_term=rng.choice(["", "", "x" * 400]),
        name=rng.choice(["", "signup"]),
        engaged_ms=rng.choice([0, 0, 1500]),
    )


@given(streams, timezones)
@settings(max_examples=examples(300))
def test_every_record_gives_the_same_state_and_rows(
    stream: list[EventBatch], timezone: str
) -> None:
    follow(stream, timezone)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    ("visitors", "span", "most"),
    [(3, 3 * HOUR, 2), (2, 60 * HOUR, 1), (1, 400 * HOUR, 3), (40, 12 * HOUR, 6)],
)
def test_long_streams_in_any_order_give_the_same(
    seed: int, visitors: int, span: int, most: int
) -> None:
    """Few hours: visits join. Many: more visits than a state keeps, so that some leave."""
    rng = Random(seed)
    timezone = rng.choice(["UTC", "Europe/Berlin", "Asia/Kolkata"])
    follow(random_stream(rng, 400, visitors=visitors, span=span, most=most), timezone)


@pytest.mark.parametrize("limit", ["MAX_SEEN", "MAX_FROZEN", "MAX_VISITS", "RECENT_EVENT_IDS"])
def test_at_the_limits_of_a_state_they_give_the_same(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("aggregates.fold", "tests.aggregates.simple_fold"):
        monkeypatch.setattr(f"{module}.{limit}", 12)
    for seed in range(4):
        follow(random_stream(Random(seed), 300, visitors=2, span=90 * HOUR, most=4), "UTC")


@given(streams, timezones)
def test_one_accumulator_for_all_holds_the_sum_of_what_each_record_adds(
    stream: list[EventBatch], timezone: str
) -> None:
    together: defaultdict[date, Rows] = defaultdict(dict)
    apart: defaultdict[date, Rows] = defaultdict(dict)
    states: dict[bytes, VisitorState] = {}
    for number, batch in enumerate(stream, 1):
        state, position = states.get(batch.visitor_id, NEW), Position("shard", number)
        folded = fold(state, batch, position, timezone, together.__getitem__)
        for day, rollup in fold_alone(state, batch, position, timezone).deltas.items():
            for key, row in rollup.rows.items():
                known = apart[day].setdefault(key, [0] * len(row))
                known[:] = map(sum, zip(known, row, strict=True))
        states[batch.visitor_id] = folded.state
    assert rollups_of(together) == rollups_of(apart)


def unless(held: date, days: defaultdict[date, Rows], day: date) -> Rows | None:
    return None if day == held else days[day]


@given(streams, timezones, st.data())
def test_a_day_that_holds_the_record_gets_nothing_and_the_state_moves_all_the_same(
    stream: list[EventBatch], timezone: str, data: st.DataObject
) -> None:
    held = data.draw(st.sampled_from([date(2026, 3, 28) + timedelta(days=n) for n in range(2)]))
    states: dict[bytes, VisitorState] = {}
    for number, batch in enumerate(stream, 1):
        state, position = states.get(batch.visitor_id, NEW), Position("shard", number)
        days: defaultdict[date, Rows] = defaultdict(dict)
        folded = fold(state, batch, position, timezone, partial(unless, held, days))
        whole = fold_alone(state, batch, position, timezone)
        assert folded.state == whole.state
        assert rollups_of(days) == {day: one for day, one in whole.deltas.items() if day != held}
        states[batch.visitor_id] = folded.state


@given(streams, st.sampled_from([BEYOND, -BEYOND]), st.data())
def test_a_record_with_a_time_beyond_the_calendar_adds_nothing(
    stream: list[EventBatch], beyond: int, data: st.DataObject
) -> None:
    days: defaultdict[date, Rows] = defaultdict(dict)
    bad = Event(b"sixteen bytes id", EventType.PAGE_VIEW, beyond, "session-a")
    for number, batch in enumerate(stream, 1):
        place = data.draw(st.integers(0, len(batch.events)))
        events = (*batch.events[:place], bad, *batch.events[place:])
        poison = replace(batch, events=events)
        with pytest.raises(UNFOLDABLE):
            fold(NEW, poison, Position("shard", number), "UTC", days.__getitem__)
        assert not any(days.values())


def test_a_record_that_arrived_beyond_the_calendar_adds_nothing() -> None:
    days: defaultdict[date, Rows] = defaultdict(dict)
    view = Event(b"sixteen bytes id", EventType.PAGE_VIEW, NOON, "session-a")
    batch = EventBatch("my.site", b"visitor1", BEYOND, Context(), (view,))
    with pytest.raises(UNFOLDABLE):
        fold(NEW, batch, Position("shard", 1), "UTC", days.__getitem__)
    assert not any(days.values())


def test_rows_that_come_to_nothing_are_dropped() -> None:
    """The first page is the exit page no more."""
    first = Event(b"sixteen bytes id", EventType.PAGE_VIEW, NOON, "session-a", page="/a")
    second = replace(first, event_id=b"another event id", occurred_at=NOON + 1, page="/b")
    days: defaultdict[date, Rows] = defaultdict(dict)
    state = NEW
    for number, event in enumerate((first, second)):
        batch = EventBatch("my.site", b"visitor1", NOON, Context(), (event,))
        state = fold(state, batch, Position("s", number), "UTC", days.__getitem__).state
    (rows,) = days.values()
    left: RowKey = (Dimension.EXIT_PAGE, "/a")
    assert not any(rows[left])
    assert left not in rollup_of(rows).rows
