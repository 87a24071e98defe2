"""A rebuild of some days: these are as after a rebuild of all, and the others as they were."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.rollup import Counters, Dimension, Rollup, RowKey, merge
from aggregates.seal import DAY, Period, tables_of
from aggregates.stores.difference import days_of, differences
from aggregates.stores.ports import SealKey, Versioned
from aggregates.stores.reading import Reading
from liveinsight.replay.plan import Span, Window
from processors.seal.processor import SealProcessor
from runtime.errors import UsageError
from schemas.event import Context, Event, EventBatch, EventType, encode_batch, received_in
from tests import oracle
from tests.factories import NOW, traffic
from tests.processors.stream import SITE
from tests.replay.rebuilding import House

DAYS = 16
TODAY = NOW.date()
HOUR_MS = 3_600_000

Rows = Mapping[RowKey, Counters]


def at(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def history(rng: Random, size: int, first: int = 0) -> list[EventBatch]:
    """Records of visitors who live for a day and a half, over DAYS; events may be a day late."""
    batches: list[EventBatch] = []
    for number in range(size):
        if batches and rng.random() < 0.1:
            batches.append(rng.choice(batches[-5:]))
            continue
        born = rng.randrange(DAYS)
        received = at(TODAY - (DAYS - 1 - born) * DAY) + rng.randrange(36 * HOUR_MS)
        received = min(received, int(NOW.timestamp() * 1000) - 1)
        events = tuple(
            Event(
                event_id=UUID(int=rng.getrandbits(128)).bytes,
                event_type=rng.choice([EventType.PAGE_VIEW, EventType.CUSTOM]),
                occurred_at=received - rng.choice([0, 60_000, rng.randrange(24 * HOUR_MS)]),
                session_id="session-a",
                page=rng.choice(["/", "/a", "/b"]),
                source=rng.choice(["", "Google"]),
                name="signup",
            )
            for _ in range(rng.randint(0, 3))
        )
        visitor = (first + born * 3 + rng.randrange(3)).to_bytes(8, "big")
        hits = {"received": 1, "session_id": f"s{first + number}"} if not events else {}
        batches.append(EventBatch(SITE, visitor, received, Context(), events, **hits))  # type: ignore[arg-type]
    return sorted(batches, key=lambda batch: batch.received_at)


class Case(NamedTuple):
    seed: int
    first: int
    length: int
    zone: str
    unarchived: int
    uncounted: int
    sealed: int
    """So many days ago, for the last time."""
    shares: int


cases = st.builds(
    Case,
    seed=st.integers(0, 2**16),
    first=st.integers(0, DAYS),
    length=st.integers(1, 5),
    zone=st.sampled_from(["UTC", "Asia/Seoul", "America/New_York"]),
    unarchived=st.integers(0, 9),
    uncounted=st.integers(0, 9),
    sealed=st.integers(0, 12),
    shares=st.integers(1, 2),
)


def all_rows(house: House, generation: int) -> dict[date, Rows]:
    reading = Reading(house.rollups, house.seals)
    return {day: house.rows(generation, day) for day in days_of(reading, SITE, [generation])}


def longer_are_what_their_days_are(house: House, generation: int) -> bool:
    """Compare what is read of ranges, by weeks and months, with the days in them."""
    reading, last = Reading(house.rollups, house.seals), TODAY
    rows = all_rows(house, generation)
    for first in (TODAY - n * DAY for n in range(0, DAYS + 35, 7)):
        whole = reading.days(generation, SITE, first, last).table(Dimension.PAGE)
        days = merge(Rollup(of_day) for day, of_day in rows.items() if first <= day <= last)
        if whole != dict(days.table(Dimension.PAGE)):
            return False
    return True


@settings(max_examples=int(os.environ.get("RANGE_EXAMPLES", "8")), deadline=None)
@given(cases)
def test_days_inside_are_made_anew_and_days_outside_taken_over(
    tmp_path_factory: pytest.TempPathFactory, case: Case
) -> None:
    house = House(tmp_path_factory.mktemp("house"))
    batches = history(Random(case.seed), 90)
    house.live(batches[:70], case.zone)
    house.archive_all(but=case.unarchived)
    house.count(but=case.uncounted)
    sealer = SealProcessor(house.sites, house.rollups, house.seals)
    sealer.run(now=NOW - case.sealed * DAY)
    first = TODAY - case.first * DAY
    days = first, min(TODAY, first + (case.length - 1) * DAY)
    plan = house.build(shares=case.shares, days=days)
    house.live(batches[70:80], case.zone)
    house.count(but=case.uncounted)
    house.turn(plan)
    house.count()
    assert house.is_right(case.zone)
    assert longer_are_what_their_days_are(house, 2)
    house.live(batches[80:], case.zone)
    house.count(but=2)
    if case.seed % 2:
        house.turn_back()
    house.count(again=4)
    assert house.is_right(case.zone)
    sealer.run(now=NOW)
    assert house.is_right(case.zone)


def corrupt(house: House, day: date) -> None:
    """Change a sealed day by hand."""
    key = SealKey(1, SITE, Period.DAY, day)
    stored = house.seals.load([key])[key]
    wrong = merge(
        (stored.value.seal.rollup(), Rollup({(Dimension.PAGE, "/a"): Counters(3, pageviews=7)}))
    )
    seal = replace(stored.value.seal, tables=tables_of(wrong))
    assert not house.seals.save({key: Versioned(replace(stored.value, seal=seal), stored.version)})


def test_what_is_wrong_outside_stays_and_what_is_wrong_inside_is_named_and_mended(
    house: House,
) -> None:
    house.live(history(Random(3), 120))
    house.archive_all()
    house.count()
    SealProcessor(house.sites, house.rollups, house.seals).run(now=NOW)
    inside, outside = TODAY - 7 * DAY, TODAY - 10 * DAY
    for day in (inside, outside):
        corrupt(house, day)
    before = all_rows(house, 1)
    plan = house.build(days=(inside - DAY, inside + DAY))
    reading = Reading(house.rollups, house.seals)
    found = list(differences(reading, SITE, (1, 2), days_of(reading, SITE, (1, 2))))
    assert {one.day for one in found} == {inside}
    assert [(one.metric, one.before - one.after) for one in found] == [
        ("visitors", 3),
        ("pageviews", 7),
    ]
    house.turn(plan)
    after, right = all_rows(house, 2), oracle.count(house.sent, "UTC")
    assert after[outside] == before[outside] != right[outside]
    assert {**after, outside: right[outside]} == right
    assert longer_are_what_their_days_are(house, 2)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_less_is_folded_than_all(house: House) -> None:
    house.live(history(Random(4), 200))
    house.archive_all()
    house.count()
    day = TODAY - 10 * DAY
    plan = house.build(shares=1, days=(day, day))
    windows, batches = plan.windows(), list(house.sent)
    wanted = [one for one in batches if windows[SITE].has(one.received_at, one.received_at)]
    assert 0 < len(wanted) < len(batches)
    house.turn(plan)
    assert house.is_right()


def test_a_window_that_is_too_narrow_would_be_noticed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A control."""
    monkeypatch.setattr("liveinsight.replay.plan.MARGIN_MS", 0)
    house.live(history(Random(4), 200))
    house.archive_all()
    house.count()
    day = TODAY - 10 * DAY
    house.turn(house.build(shares=1, days=(day, day)))
    assert not house.is_right()


def test_what_was_archived_and_not_counted_is_counted_in_days_that_are_taken_over(
    house: House,
) -> None:
    """An import goes on: its records are of days outside, and the consumer is behind."""
    house.live(history(Random(5), 100))
    house.count()
    house.send(history(Random(6), 100, first=1000))
    house.archive_all()
    house.count(but=60)
    day = TODAY - 8 * DAY
    plan = house.build(days=(day, day))
    house.count(but=20)
    house.turn(plan)
    house.count()
    assert house.is_right()


def test_installing_that_is_stopped_and_done_again_takes_over_what_was_written(
    house: House,
) -> None:
    house.live(history(Random(7), 100))
    house.archive_all()
    house.count(but=3)
    day = TODAY - 8 * DAY

    class KilledError(Exception):
        pass

    def dies(days: int) -> None:
        if days == 9:
            raise KilledError

    plan = house.rebuild.begin([SITE], None, 2, (day, day))
    house.fold(plan)
    with pytest.raises(KilledError):
        house.rebuild.install(plan, dies)
    house.count()
    house.rebuild.install(plan, lambda _: None)
    house.turn(plan)
    assert house.is_right()
    assert longer_are_what_their_days_are(house, 2)


def test_a_range_cannot_be_mixed_with_another_rebuild(house: House) -> None:
    house.live(history(Random(8), 20))
    house.archive_all()
    house.count()
    day = TODAY - 3 * DAY
    with pytest.raises(UsageError, match="changes every day"):
        house.rebuild.begin([SITE], "Asia/Seoul", 1, (day, day))
    house.build(days=(day, day))
    with pytest.raises(UsageError, match=f"go on with --from {day} --to {day}"):
        house.rebuild.begin([SITE], None, 1)
    with pytest.raises(UsageError, match=f"from {day} to {day} has been begun"):
        house.rebuild.begin([SITE], None, 1, (day, TODAY))
    house.rebuild.abandon(SITE)
    house.build()
    with pytest.raises(UsageError, match="go on without --from"):
        house.rebuild.begin([SITE], None, 1, (day, day))


def test_when_a_record_was_received_is_read_of_its_bytes() -> None:
    for batch in traffic(Random(9), 20):
        far = replace(batch, site_id="a" * 200)
        assert received_in(encode_batch(batch)) == received_in(encode_batch(far)) == 1777851000000
    assert received_in(b"") == received_in(b"\xff" * 40) == 0


@pytest.mark.parametrize(
    ("received", "arrived", "expected"),
    [(-3, -3, True), (-4, -4, False), (4, 4, False), (3, 3, True), (-40, 27, True), (26, 0, False)],
)
def test_a_window_has_three_days_around(received: int, arrived: int, expected: bool) -> None:
    day = date(2026, 3, 1)
    window = Window(Span(day, day, day + 30 * DAY), "UTC")
    moments = [at(day) + int(timedelta(days=n).total_seconds() * 1000) for n in (received, arrived)]
    assert window.has(*moments) is expected
