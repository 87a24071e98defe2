"""The sealer on real tables: what it seals and drops when, and what races do to it.

That counts are exact whatever goes wrong is shown in tests/simulation.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from aggregates.rollup import TOTAL, Counters, Rollup, RowKey
from aggregates.seal import Period
from aggregates.stores.cache import VersionCache
from aggregates.stores.ports import (
    RollupKey,
    SealKey,
    StoredRollup,
    Versioned,
)
from aggregates.stores.reading import Reading
from aggregates.stores.sqlite import (
    SqliteRollupStore,
    SqliteSealStore,
    SqliteVisitorStore,
    tables,
)
from liveinsight.engine.lambda_context import LocalContext
from processors.dead_letter import DeadLetters
from processors.record import Record
from processors.seal import bootstrap
from processors.seal.handler import handler
from processors.seal.processor import GRACE, SealOutcome, SealProcessor, rotated
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.errors import PermanentError
from runtime.objects.folder import FolderObjects
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from schemas.event import Context, Event, EventBatch, EventType
from tests import oracle
from tests.factories import NOW, START, traffic
from tests.processors.stream import SITE, records
from tests.simulation.expectation import read_day

DAY = datetime.fromtimestamp(START / 1000, UTC).date()
NEXT = DAY + timedelta(days=1)
CLOSED = NOW + timedelta(days=4)
DAYS = (DAY, NEXT)


class House:
    """A stats consumer and a sealer on one folder."""

    def __init__(self, folder: Path) -> None:
        self.database = tables(folder / "tables.sqlite")
        self.sites = SqliteSiteStore(folder / "sites.sqlite")
        self.sites.add(Site(site_id=SITE))
        self.rollups = SqliteRollupStore(self.database)
        self.seals = SqliteSealStore(self.database)
        self.letters = DeadLetters(FolderObjects(folder / "dead"))
        self.sealer = SealProcessor(self.sites, self.rollups, self.seals)

    def consumer(self, recent_bytes: int = 500) -> StatsProcessor:
        visitors = SqliteVisitorStore(self.database)
        stores = StatsStores(self.rollups, self.seals, visitors, self.letters)
        return StatsProcessor(SiteCache(self.sites), stores, recent_bytes=recent_bytes)

    def rows(self, day: date) -> Mapping[RowKey, Counters]:
        read = read_day(self.rollups, self.seals, 1, day)
        assert not read.misses
        return read.rows()

    def items(self) -> list[RollupKey]:
        return list(self.rollups.items(1, SITE, date.min, date.max))

    def sealed(self, period: Period = Period.DAY) -> list[date]:
        return [key.first for key in self.seals.seals(1, SITE, period, date.min, date.max)]

    def is_right(self, batches: list[EventBatch]) -> bool:
        expected = oracle.count(batches, "UTC")
        return all(self.rows(day) == expected.get(day, {}) for day in DAYS)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_day_is_sealed_48_hours_after_its_end_and_dropped_a_day_later(house: House) -> None:
    batches = traffic(Random(1), 40)
    house.consumer().run(records(batches), now=NOW)
    end = datetime(NEXT.year, NEXT.month, NEXT.day, tzinfo=UTC)
    steps: list[tuple[timedelta, list[date], int]] = [
        (timedelta(hours=47, minutes=59), [], 0),
        (timedelta(hours=48), [DAY], 0),
        (timedelta(hours=72), [DAY, NEXT], 4),
        (timedelta(hours=72), [DAY, NEXT], 0),
        (timedelta(hours=96), [DAY, NEXT], 4),
    ]
    for after, sealed, dropped in steps:
        outcome = house.sealer.run(now=end + after)
        assert (house.sealed(), outcome.items_dropped) == (sealed, dropped), after
        assert house.is_right(batches)
    assert house.items() == []


def test_a_run_that_finds_nothing_to_do_writes_nothing(house: House) -> None:
    house.consumer().run(records(traffic(Random(2), 20)), now=NOW)
    house.sealer.run(now=CLOSED)
    before = house.rollups.load(house.items()), house.sealed()
    assert house.sealer.run(now=CLOSED) == SealOutcome()
    assert (house.rollups.load(house.items()), house.sealed()) == before


@pytest.mark.parametrize("dropped", [False, True])
def test_what_comes_for_a_sealed_day_is_counted_beside_it_and_joined(
    house: House, dropped: bool
) -> None:
    stream = records(batches := traffic(Random(3), 60))
    house.consumer().run(stream[:30], now=NOW)
    house.sealer.run(now=CLOSED)
    if dropped:
        house.sealer.run(now=CLOSED + GRACE)
        assert house.items() == []
    late = house.consumer()
    late.run(stream[20:45], now=CLOSED)  # with what was counted before
    assert house.is_right(batches[:45])
    late.run(stream[45:], now=CLOSED)
    assert house.is_right(batches)
    house.sealer.run(now=CLOSED + 2 * GRACE)
    assert house.is_right(batches)
    house.sealer.run(now=CLOSED + 3 * GRACE)
    house.sealer.run(now=CLOSED + 4 * GRACE)
    assert house.items() == []
    assert house.is_right(batches)


def test_a_month_is_sealed_when_its_last_day_is_and_follows_its_days(house: House) -> None:
    stream = records(batches := traffic(Random(4), 60))
    house.consumer().run(stream[:40], now=NOW)
    house.sealer.run(now=CLOSED)
    assert house.sealed(Period.MONTH) == []
    june = datetime(2026, 6, 4, tzinfo=UTC)
    assert house.sealer.run(now=june).periods_sealed == 2
    house.sealer.run(now=june + GRACE)
    assert house.items() == []
    house.consumer().run(stream[40:], now=june)
    outcome = house.sealer.run(now=june + GRACE)
    assert (outcome.days_sealed, outcome.periods_sealed) == (2, 3)
    key = SealKey(1, SITE, Period.MONTH, date(2026, 5, 1))
    month = house.seals.load([key])[key].value.seal
    expected = oracle.count(batches, "UTC")
    visits = sum(expected[day][TOTAL].visits for day in DAYS)
    assert month.rollup().rows[TOTAL].visits == visits
    assert {place[0] for place in month.parts} == set(DAYS)


def test_a_day_that_a_wrong_clock_sealed_goes_on(house: House) -> None:
    """It is joined at each run, because its base takes nothing more."""
    stream = records(batches := traffic(Random(5), 60))
    consumer = house.consumer()
    consumer.run(stream[:20], now=NOW)
    house.sealer.run(now=CLOSED)  # four days too early
    for first in range(20, 60, 10):
        consumer.run(stream[first : first + 10], now=NOW)
        assert house.is_right(batches[: first + 10])
        house.sealer.run(now=NOW)
        assert house.is_right(batches[: first + 10])
    assert {key.day for key in house.items()} == set(DAYS)


def test_a_month_that_a_wrong_clock_sealed_goes_on(house: House) -> None:
    stream = records(batches := traffic(Random(5), 60))
    expected = oracle.count(batches, "UTC")
    reading = Reading(house.rollups, house.seals)
    house.consumer().run(stream[:20], now=NOW)
    house.sealer.run(now=datetime(2026, 6, 10, tzinfo=UTC))
    assert house.sealed(Period.MONTH) == [date(2026, 5, 1)]
    house.consumer().run(stream[20:], now=NOW)
    for days in range(7):
        house.sealer.run(now=NOW + timedelta(days=days))
        found = reading.days(1, SITE, date(2026, 5, 1), date(2026, 5, 31))
        assert found.total().pageviews == sum(rows[TOTAL].pageviews for rows in expected.values())
    assert house.items() == []


class RacedRollups(SqliteRollupStore):
    """A store in which something else happens before an item is dropped."""

    meanwhile: Callable[[], object] | None = None

    def drop(self, versions: Mapping[RollupKey, int]) -> set[RollupKey]:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return super().drop(versions)


def test_what_is_counted_while_its_day_is_dropped_is_not_lost(house: House) -> None:
    stream = records(batches := traffic(Random(6), 40))
    house.consumer().run(stream[:20], now=NOW)
    house.sealer.run(now=CLOSED)
    raced = RacedRollups(house.database)
    raced.meanwhile = lambda: house.consumer().run(stream[20:], now=CLOSED)
    SealProcessor(house.sites, raced, house.seals).run(now=CLOSED + GRACE)
    assert house.is_right(batches)


def test_who_remembers_a_dropped_item_does_not_take_a_new_one_for_it(house: House) -> None:
    """The new one has had as many writes, but another epoch, and so another version."""
    stream = records(batches := traffic(Random(7), 12))
    stale = house.consumer(recent_bytes=10**6)
    stale.run(stream[:3], now=NOW)
    stale.run(stream[3:6], now=NOW)  # now it remembers them
    house.sealer.run(now=CLOSED)
    house.sealer.run(now=CLOSED + GRACE)
    assert house.items() == []
    for one in stream[6:9]:
        house.consumer(recent_bytes=10**6).run([one], now=CLOSED)
    stale.run(stream[9:], now=CLOSED)
    assert house.is_right(batches)


LATE = START + 3 * 86_400_000


def view(number: int, page: str, kind: EventType = EventType.PAGE_VIEW) -> EventBatch:
    """A late record of a visitor; an engagement of no time changes no row of its day."""
    event = Event(number.to_bytes(16, "big"), kind, START, "session-a", page=page)
    return EventBatch(SITE, (4 * (number // 2)).to_bytes(8, "big"), LATE, Context(), (event,))


def dropped_without_rows(house: House, consumer: StatsProcessor, reading: Reading) -> list[Record]:
    """Let a day be sealed, begun anew without rows, and dropped; return the records to come."""
    first, nothing, *rest = records(
        [view(2, "/"), view(3, "/", EventType.ENGAGEMENT), view(4, "/b"), view(6, "/c")]
    )
    consumer.run([first], now=NOW)
    end = CLOSED + timedelta(days=3)
    for days in range(2):
        house.sealer.run(now=end + days * GRACE)
    assert house.items() == []
    consumer.run([nothing], now=NOW)
    assert reading.days(1, SITE, DAY, DAY).total().pageviews == 1
    for days in range(2, 5):
        house.sealer.run(now=end + days * GRACE)
    assert DAY not in {key.day for key in house.items()}
    return rest


def test_a_reader_does_not_take_what_is_begun_anew_for_what_was_dropped(house: House) -> None:
    cache = VersionCache(10**7)
    reading = Reading(SqliteRollupStore(house.database, cache), house.seals, cache)
    (one, _) = dropped_without_rows(house, house.consumer(10**6), reading)
    house.consumer(10**6).run([one], now=NOW)
    assert reading.days(1, SITE, DAY, DAY).total().pageviews == 2


def test_a_writer_does_not_take_what_is_begun_anew_for_what_was_dropped(house: House) -> None:
    stale, reading = house.consumer(10**6), Reading(house.rollups, house.seals)
    (one, other) = dropped_without_rows(house, stale, reading)
    house.consumer(10**6).run([one], now=NOW)
    stale.run([other], now=NOW)
    assert reading.days(1, SITE, DAY, DAY).total().pageviews == 3


def test_one_site_that_cannot_be_sealed_leaves_the_others_alone(house: House) -> None:
    batches = traffic(Random(8), 10)
    house.sites.add(Site(site_id="a.site"))
    house.consumer().run(records(batches), now=NOW)
    too_many = StoredRollup(Rollup({TOTAL: Counters(visits=2**62)}))
    keys = [RollupKey(1, "a.site", DAY, partition) for partition in (0, 1)]
    house.rollups.save({key: Versioned(too_many, 0) for key in keys})
    (failure,) = house.sealer.run(now=CLOSED).failures
    assert isinstance(failure, PermanentError)
    assert "too many digits" in str(failure)
    assert house.sealed() == [DAY, NEXT]


def test_a_run_without_time_begins_no_site(house: House) -> None:
    house.consumer().run(records(traffic(Random(8), 10)), now=NOW)
    hurried = SealProcessor(house.sites, house.rollups, house.seals, remaining=lambda: 5.0)
    assert hurried.run(now=CLOSED) == SealOutcome()
    assert house.sealed() == []


def test_each_hour_begins_with_another_site() -> None:
    sites = [Site(site_id=f"{name}.site") for name in "abc"]
    firsts = {rotated(sites, NOW + timedelta(hours=hour))[0].site_id for hour in range(3)}
    assert firsts == {site.site_id for site in sites}
    assert rotated([], NOW) == []


def test_the_handler_seals_what_the_settings_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEINSIGHT_DATA", str(tmp_path))
    bootstrap.sealer.cache_clear()
    house = House(tmp_path)
    house.consumer().run(records(traffic(Random(9), 10)), now=NOW)
    handler({}, LocalContext("sealer", timeout_seconds=60))  # type: ignore[arg-type]
    bootstrap.sealer.cache_clear()
    assert house.sealed() == [DAY, NEXT]
