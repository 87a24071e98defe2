"""Whatever is asked has one answer: before sealing, after it, and with what comes late."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.filter import NO_VALUES
from aggregates.progress import Progress
from aggregates.rollup import (
    BREAKDOWNS,
    EMPTY,
    ZERO,
    Counters,
    Dimension,
    Rollup,
    admit,
    merge,
)
from aggregates.seal import LONGER, NO_PART, UNSEALED, Period, Place, Seal, joined, whole_of
from aggregates.stores.cache import VersionCache
from aggregates.stores.layers import READS, OpenDay
from aggregates.stores.ports import (
    Layer,
    RollupKey,
    SealKey,
    StoredRollup,
    StoredSeal,
    Versioned,
)
from aggregates.stores.reading import Counted, Reading
from aggregates.window import LocalHour
from runtime.errors import RetryableError
from tests.effort import examples
from tests.simulation.memory_stores import MemoryRollupStore, MemorySealStore
from tests.stores.engines import Stores

SITE = "my.site"
FIRST = date(2026, 4, 29)
DAYS = [FIRST + timedelta(days=passed) for passed in (0, 1, 2, 17, 32, 33)]
"""Of three months, of which May is whole in the range."""
PLACES = [(day, partition) for day in DAYS for partition in (0, 1)]

keys = st.tuples(
    st.sampled_from(
        [
            Dimension.TOTAL,
            Dimension.PAGE,
            Dimension.CITY,
            Dimension.INTAKE,
        ]
    ),
    st.sampled_from(["", "a", "b", "c"]),
).filter(lambda key: key[0] is not Dimension.TOTAL or not key[1]) | st.tuples(
    st.just(Dimension.HOUR), st.sampled_from(["00", "07", "24"])
)
rows = st.builds(Counters, *[st.integers(-1, 3)] * 7).filter(any)
ledgers = st.builds(lambda count: Counters(events=count), st.integers(1, 3))
added = st.dictionaries(keys, rows, max_size=5).map(
    lambda found: Rollup(
        {
            key: Counters(events=1 + abs(row.events)) if key[0] is Dimension.INTAKE else row
            for key, row in found.items()
        }
    )
)
places = st.sampled_from(PLACES)
steps = st.one_of(
    st.tuples(st.just("add"), places, added),
    st.tuples(st.just("add"), places, added),
    st.tuples(st.sampled_from(["hand", "settle", "seal", "drop", "week", "month", "read"]), places),
)


class House:
    """The stores of a site, written as the consumers and the sealer do, and all that was added."""

    def __init__(self) -> None:
        self.rollups, self.seals = MemoryRollupStore(), MemorySealStore()
        self.reading = Reading(self.rollups, self.seals, VersionCache(2**20))
        self.all: list[tuple[Place, Rollup]] = []

    def add(self, place: Place, delta: Rollup) -> None:
        day = self.open_day(place)
        self.all.append((place, delta))
        progress = Progress({"s": len(self.all)}, len(self.all), len(self.all) + 5)
        settled = day.base.epoch >= day.recent.epoch
        recent = StoredRollup(
            rollup=merge((day.recent.rollup, delta)),
            progress=progress,
            epoch=max(day.recent.epoch, self.sealed(place)),
            handed=EMPTY if settled else day.recent.handed,
        )
        self.write(place, Layer.RECENT, recent)

    def hand(self, place: Place) -> None:
        day = self.open_day(place)
        settled = not day.recent.handed.rows or day.base.epoch >= day.recent.epoch
        if settled and day.recent.rollup.rows and not day.base.frozen:
            recent = replace(
                day.recent,
                rollup=EMPTY,
                handed=day.recent.rollup,
                epoch=day.recent.epoch + 1,
                body=b"",
            )
            self.write(place, Layer.RECENT, recent)

    def settle(self, place: Place) -> None:
        day = self.open_day(place)
        if day.recent.epoch > max(day.base.epoch, self.sealed(place)) and not day.base.frozen:
            base = StoredRollup(admit(day.base.rollup, day.recent.handed), epoch=day.recent.epoch)
            self.write(place, Layer.BASE, base)

    def seal(self, place: Place) -> None:
        """Join all that is of epochs that are over, and leave the items as they are."""
        key = SealKey(1, SITE, Period.DAY, place[0])
        stored = self.seals.load([key])[key]
        seal = stored.value.seal
        parts: dict[Place, tuple[Rollup, int, Progress]] = {}
        for one in (one for one in PLACES if one[0] == place[0]):
            self.hand(one)
            day = self.open_day(one)
            ended = day._replace(recent=replace(day.recent, rollup=EMPTY))
            if day.recent.epoch > seal.epoch(one):
                rollup = ended.rollup(seal.epoch(one))
                parts[one] = rollup, day.recent.epoch, day.progress
                self.write(one, Layer.BASE, replace(day.base, frozen=True, body=b""))
        if parts:
            self.keep(key, joined(seal, parts))

    def week(self, place: Place) -> None:
        self.longer(place, Period.WEEK)

    def month(self, place: Place) -> None:
        self.longer(place, Period.MONTH)

    def longer(self, place: Place, period: Period) -> None:
        first = period.first_day(place[0])
        days = self.seals.seals(1, SITE, Period.DAY, first, period.last_day(first))
        if days:
            self.keep(SealKey(1, SITE, period, first), whole_of(one.seal for one in days.values()))

    def drop(self, place: Place) -> None:
        """Drop what the seals of the day, and of its week and month where it has them, all hold."""
        day = self.open_day(place)
        keys = [SealKey(1, SITE, period, period.first_day(place[0])) for period in LONGER]
        known = [one.value.seal for one in self.seals.load(keys).values() if one.version]
        epoch = min([self.sealed(place), *(seal.epoch(place) for seal in known)])
        handed = EMPTY if epoch >= day.recent.epoch else day.recent.handed
        if epoch >= day.recent.epoch and not day.recent.rollup.rows:
            self.let_go(RollupKey(1, SITE, *place, layer) for layer in Layer)
        elif epoch >= day.base.epoch and day.base.frozen:
            self.let_go([RollupKey(1, SITE, *place, Layer.BASE)])
            self.write(place, Layer.RECENT, replace(day.recent, handed=handed, body=b""))

    def let_go(self, keys: Iterable[RollupKey]) -> None:
        standing = {key: one for key, one in self.rollups.load(keys).items() if one.version}
        self.rollups.drop({key: one.version for key, one in standing.items()})

    def open_day(self, place: Place) -> OpenDay:
        recent, base = (RollupKey(1, SITE, *place, layer) for layer in Layer)
        loaded = self.rollups.load([recent, base])
        return OpenDay(loaded[recent].value, loaded[base].value)

    def sealed(self, place: Place) -> int:
        key = SealKey(1, SITE, Period.DAY, place[0])
        return self.seals.load([key])[key].value.seal.epoch(place)

    def write(self, place: Place, layer: Layer, item: StoredRollup) -> None:
        key = RollupKey(1, SITE, *place, layer)
        version = self.rollups.load([key])[key].version
        assert not self.rollups.save({key: Versioned(item, version)})

    def keep(self, key: SealKey, seal: Seal) -> None:
        version = self.seals.load([key])[key].version
        assert not self.seals.save({key: Versioned(StoredSeal(seal), version)})

    def check(self) -> None:
        for first, last in ((DAYS[0], DAYS[-1]), (DAYS[1], DAYS[-2]), (DAYS[2], DAYS[2])):
            counted = self.reading.days(1, SITE, first, last)
            found = [one for one in self.all if first <= one[0][0] <= last]
            check(counted, found, by_hour=first == last)
            check_hours(self.reading.hours(1, SITE, first, last), found)


def check(counted: Counted, added: Sequence[tuple[Place, Rollup]], *, by_hour: bool) -> None:
    """Compare an answer with what a plain merge of all that was added gives."""
    whole = merge(rollup for _, rollup in added)
    days = {place[0] for place, _ in added}
    dimensions = (*BREAKDOWNS, *([Dimension.HOUR] if by_hour else []))
    for dimension in dimensions:
        expected = sorted(
            whole.table(dimension),
            key=lambda row: (-row[1].visitors, -row[1].pageviews, -row[1].events, row[0]),
        )
        assert counted.listing(dimension, 2).rows == expected[:2]
        assert counted.listing(dimension, 2, 1) == (expected[1:3], len(expected))
        assert counted.table(dimension) == dict(expected)
    assert counted.total() == whole.total
    of_days = {
        day: merge(rollup for place, rollup in added if place[0] == day).total for day in days
    }
    assert {day: row for day, row in counted.days().items() if row != ZERO} == {
        day: row for day, row in of_days.items() if row != ZERO
    }
    for place in {place for place, _ in added}:
        part = merge(rollup for at, rollup in added if at == place)
        intake = {name: row.events for name, row in part.table(Dimension.INTAKE)}
        assert counted.parts.get(place, NO_PART).intake == intake


def check_hours(hours: dict[LocalHour, Counters], added: Sequence[tuple[Place, Rollup]]) -> None:
    """Compare the hours of a range with those of a plain merge of each day."""
    expected = {}
    for day in {place[0] for place, _ in added}:
        whole = merge(rollup for place, rollup in added if place[0] == day)
        for hour, row in whole.table(Dimension.HOUR):
            expected[LocalHour(day, int(hour))] = row
    assert {hour: row for hour, row in hours.items() if row != ZERO} == expected


@settings(max_examples=examples(100))
@given(st.lists(steps, max_size=40))
def test_any_question_answers_the_same_however_much_is_sealed(taken: list[Any]) -> None:
    house = House()
    for name, place, *more in taken:
        if name == "read":
            house.check()
        else:
            getattr(house, name)(place, *more)
    house.check()


@given(added, added, added, st.sets(st.sampled_from(["page|a", "page|b", "city|"])))
def test_what_was_crowded_out_is_read_as_other(
    base: Rollup, handed: Rollup, recent: Rollup, moved: set[str]
) -> None:
    house, place = House(), PLACES[0]
    crowded_out = NO_VALUES.with_all(moved, b"key") if moved else NO_VALUES
    house.write(place, Layer.BASE, StoredRollup(base, crowded_out=crowded_out, epoch=1))
    epoch = 1 + bool(handed.rows)
    house.write(place, Layer.RECENT, StoredRollup(recent, handed=handed, epoch=epoch))
    expected = house.open_day(place).rollup()
    assert expected == admit(admit(base, handed, crowded_out), recent, crowded_out) or moved
    counted = house.reading.days(1, SITE, place[0], place[0])
    check(counted, [(place, expected)], by_hour=True)


PLACE = PLACES[0]
SOME = Rollup({(Dimension.TOTAL, ""): Counters(visits=1), (Dimension.PAGE, "a"): Counters(3)})


def ask(house: House) -> None:
    counted = house.reading.days(1, SITE, DAYS[0], DAYS[-1])
    check(counted, house.all, by_hour=False)


class Interleaved(House):
    """Something happens after the first of the reads of an answer."""

    def __init__(self, happens: Callable[["Interleaved"], None]) -> None:
        super().__init__()
        self.pending: list[Callable[[Interleaved], None]] = []
        house = self

        class Rollups(MemoryRollupStore):
            def items(self, *asked: Any) -> dict[RollupKey, Versioned[StoredRollup]]:
                found = super().items(*asked)
                house.happen()
                return found

        class Seals(MemorySealStore):
            def versions(self, *asked: Any) -> dict[SealKey, int]:
                found = super().versions(*asked)
                house.happen()
                return found

        self.rollups, self.seals = Rollups(), Seals()
        self.reading = Reading(self.rollups, self.seals)
        for _ in range(2):
            self.add(PLACE, SOME)
        self.pending = [happens]

    def happen(self) -> None:
        while self.pending:
            self.pending.pop()(self)


def sealed_and_dropped(house: House) -> None:
    house.seal(PLACE)
    house.drop(PLACE)
    assert not house.rollups.items(1, SITE, DAYS[0], DAYS[-1])


def test_what_is_sealed_and_dropped_during_a_read_is_not_missed() -> None:
    ask(Interleaved(sealed_and_dropped))


def test_an_epoch_that_is_on_its_way_during_a_read_is_not_missed() -> None:
    """The base is read before it gets an epoch, and RECENT after it has let it go."""
    house = House()
    house.add(PLACE, SOME)
    house.hand(PLACE)
    key = RollupKey(1, SITE, *PLACE)
    before = house.rollups.load([key])[key].value
    house.settle(PLACE)
    house.add(PLACE, SOME)
    after = house.rollups.items(1, SITE, *[PLACE[0]] * 2)
    torn = {key: after[key]}
    answers = [torn, torn, after]
    assert before.handed == SOME

    class Torn(MemoryRollupStore):
        def items(self, *_: Any) -> dict[RollupKey, Versioned[StoredRollup]]:
            return answers.pop(0)

    house.reading = Reading(Torn(), house.seals)
    ask(house)
    answers += [torn] * READS
    with pytest.raises(RetryableError):
        ask(house)
    assert not answers


def test_what_is_remembered_of_seals_is_given_up_with_their_versions() -> None:
    house, loaded = House(), []

    class Counting(MemorySealStore):
        def load(self, keys: Iterable[SealKey]) -> dict[SealKey, Versioned[StoredSeal]]:
            wanted = list(keys)
            loaded.append(len(wanted))
            return super().load(wanted)

    house.seals = Counting()
    house.reading = Reading(house.rollups, house.seals, VersionCache(2**20))
    for place in PLACES:
        house.add(place, SOME)
        house.seal(place)
    for expected in ([len(DAYS)], []):
        loaded.clear()
        ask(house)
        assert loaded == expected
    house.add(PLACE, SOME)
    house.drop(PLACE)
    house.seal(PLACE)
    loaded.clear()
    ask(house)
    assert loaded == [1]


def test_months_of_which_a_day_is_not_asked_for_are_read_by_the_day() -> None:
    house, may = House(), (date(2026, 5, 1), date(2026, 5, 31))
    for place in PLACES:
        house.add(place, SOME)
        house.seal(place)
    house.month(PLACES[4])
    month = SealKey(1, SITE, Period.MONTH, may[0])
    house.keep(month, Seal({}, house.seals.load([month])[month].value.seal.parts))
    page = Dimension.PAGE
    assert house.reading.days(1, SITE, *may).table(page) == {}, "the month's seal, and no other"
    assert house.reading.days(1, SITE, may[0], date(2026, 6, 1)).table(page) == {"a": Counters(6)}
    assert house.reading.days(1, SITE, may[0], date(2026, 5, 30)).table(page) == {"a": Counters(12)}


def test_a_week_is_used_only_where_no_month_has_days_of_it() -> None:
    house = House()
    for place in PLACES:
        house.add(place, SOME)
        house.seal(place)
    for place in PLACES:
        house.week(place)
        house.month(place)
    for first in (date(2026, 4, 27), date(2026, 4, 30), date(2026, 5, 2)):
        for last in (date(2026, 5, 3), date(2026, 5, 31), date(2026, 6, 7)):
            counted = house.reading.days(1, SITE, first, last)
            days = [day for day in DAYS if first <= day <= last]
            assert list(counted.days()) == days
            pages = {"a": Counters(3 * 2 * len(days))} if days else {}
            assert counted.table(Dimension.PAGE) == pages, (first, last)


def test_a_month_that_lacks_for_a_while_what_a_day_has_is_read_by_the_day() -> None:
    """The sealer was stopped after a late record's day, and before its month."""
    house, place = House(), PLACES[4]
    items = [RollupKey(1, SITE, *place, layer) for layer in Layer]
    house.add(place, SOME)
    house.seal(place)
    house.month(place)
    house.let_go(items)
    house.add(place, SOME)
    house.seal(place)
    house.let_go(items)
    begun = StoredRollup(progress=Progress({"s": 2}, 2, 7), epoch=house.sealed(place))
    house.write(place, Layer.RECENT, begun)
    house.check()


def test_any_store_answers_the_same(stores: Stores) -> None:
    house = House()
    house.rollups, house.seals = stores.rollups(), stores.seals()  # type: ignore[assignment]
    house.reading = Reading(house.rollups, house.seals, VersionCache(2**20))
    items = {
        RollupKey(1, SITE, *place): Versioned(StoredRollup(SOME, Progress({"s": 1}, 1, 2)), 0)
        for place in PLACES
    }
    house.all = [(place, SOME) for place in PLACES]
    assert not house.rollups.save(items)
    ask(house)
    parts = {place: (SOME, 1, Progress({"s": 1}, 1, 2)) for place in PLACES}
    for day in DAYS:
        of_day = {place: part for place, part in parts.items() if place[0] == day}
        house.keep(SealKey(1, SITE, Period.DAY, day), joined(UNSEALED, of_day))
    for _ in range(2):
        ask(house)
    house.let_go(items)
    ask(house)
