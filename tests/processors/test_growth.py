"""When a site grows, by how much, and that two who find it need not speak to each other."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.stores.encoding import MAX_ITEM_BYTES
from processors.growth import (
    BUSY_PER_SECOND,
    HOUR_SECONDS,
    LARGE_ITEM_BYTES,
    LEAST_PER_SECOND,
    PartitionLoad,
    grow,
    grown,
)
from runtime.sites.partitions import MAX_CHANGES, MAX_PARTITIONS, PartitionSchedule
from runtime.sites.site import DAY, Site, SiteStore
from runtime.sites.sqlite import SqliteSiteStore

TODAY = date(2026, 11, 26)
YESTERDAY, TOMORROW = TODAY - DAY, TODAY + DAY
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
BUSY = BUSY_PER_SECOND * HOUR_SECONDS
BRISK = LEAST_PER_SECOND * HOUR_SECONDS
LOADS = st.builds(
    PartitionLoad,
    day=st.sampled_from([YESTERDAY, TODAY]),
    busiest_hour_records=st.integers(0, 1100 * BUSY),
    largest_item_bytes=st.integers(0, 2 * LARGE_ITEM_BYTES),
)


@pytest.fixture(params=["sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SiteStore:
    if request.param == "sqlite":
        return SqliteSiteStore(tmp_path / "sites.sqlite")
    sites: SiteStore = request.getfixturevalue("aws").sites()
    return sites


def schedule_of(store: SiteStore) -> PartitionSchedule:
    site = store.get("my.site")
    assert site is not None
    return site.partitions


@pytest.mark.parametrize(
    ("partitions", "records", "item_bytes", "expected"),
    [
        (1, 0, 0, 1),
        (1, BUSY, LARGE_ITEM_BYTES, 1),
        (1, BUSY + 1, 0, 2),
        (1, BRISK, LARGE_ITEM_BYTES + 1, 2),
        (1, BRISK - 1, 2 * LARGE_ITEM_BYTES, 1),
        (8, 8 * BRISK, LARGE_ITEM_BYTES, 8),
        (8, 8 * BRISK, LARGE_ITEM_BYTES + 1, 16),
        (16, 8 * BRISK, 2 * LARGE_ITEM_BYTES, 16),
        (1, 50 * BUSY, 2 * LARGE_ITEM_BYTES, 2),
        (4, 4 * BUSY, 0, 4),
        (4, 4 * BUSY + 1, 0, 8),
        (8, BUSY, 0, 8),
        (600, 601 * BUSY, 0, 1024),
        (1024, 2000 * BUSY, 2 * LARGE_ITEM_BYTES, 1024),
    ],
)
def test_a_busy_hour_or_a_large_item_doubles_the_partitions(
    partitions: int, records: int, item_bytes: int, expected: int
) -> None:
    assert grown(partitions, PartitionLoad(TODAY, records, item_bytes)) == expected


@given(st.integers(1, MAX_PARTITIONS), LOADS)
def test_a_site_never_shrinks_nor_grows_more_than_twofold(
    partitions: int, load: PartitionLoad
) -> None:
    assert partitions <= grown(partitions, load) <= min(2 * partitions, MAX_PARTITIONS)


def test_a_steady_load_is_carried_after_a_few_days(store: SiteStore) -> None:
    """700 records a second on the mean of an hour: eight partitions, and no more."""
    store.add(Site(site_id="my.site"))
    numbers = []
    for day in range(6):
        load = PartitionLoad(TODAY + day * DAY, 7 * BUSY, 0)
        grow(store, "my.site", load, now=NOON + day * DAY)
        numbers.append(schedule_of(store).number_on(TOMORROW + day * DAY))
    assert numbers == [2, 4, 8, 8, 8, 8]


def test_a_site_grows_once_for_one_load(store: SiteStore) -> None:
    """Found again later, or the next day of what is yesterday then, it asks for no more."""
    store.add(Site(site_id="my.site"))
    load = PartitionLoad(TODAY, BUSY, 2 * LARGE_ITEM_BYTES)
    assert grow(store, "my.site", load, now=NOON)
    for later in (timedelta(0), timedelta(hours=11, minutes=55), timedelta(hours=13), DAY):
        assert not grow(store, "my.site", load, now=NOON + later)
    assert schedule_of(store).after(date.min) == {TOMORROW: 2}


def test_of_many_who_grow_a_site_at_the_same_time_one_does(store: SiteStore) -> None:
    store.add(Site(site_id="my.site"))
    load = PartitionLoad(TODAY, 2 * BUSY, 0)
    with ThreadPoolExecutor(4) as threads:
        grew = list(threads.map(lambda _: grow(store, "my.site", load, now=NOON), range(4)))
    assert sorted(grew) == [False, False, False, True]
    assert schedule_of(store).after(date.min) == {TOMORROW: 2}


def test_a_stranger_who_fills_items_makes_no_site_grow(store: SiteStore) -> None:
    """Ten requests fill an item of the largest size; they are no traffic."""
    store.add(Site(site_id="my.site"))
    assert not grow(store, "my.site", PartitionLoad(TODAY, 10, MAX_ITEM_BYTES), now=NOON)


def test_a_number_that_the_owner_has_set_stands(store: SiteStore) -> None:
    store.add(Site(site_id="my.site", partitions=PartitionSchedule.always(4)))
    store.update("my.site", lambda site: site.with_partitions(1, now=NOON))
    load = PartitionLoad(TODAY, 5 * BUSY, 0)
    assert not grow(store, "my.site", load, now=NOON)
    assert schedule_of(store).number_on(TOMORROW) == 1
    assert grow(store, "my.site", load, now=NOON + DAY)
    assert schedule_of(store).number_on(TOMORROW + DAY) == 2, "at most twice the day before"


def test_a_site_that_has_used_up_its_changes_does_not_grow(store: SiteStore) -> None:
    schedule = PartitionSchedule.always(1)
    for back in reversed(range(MAX_CHANGES)):
        schedule = schedule.changed(3 - schedule.number_on(TODAY), TODAY - back * DAY)
    store.add(Site(site_id="my.site", partitions=schedule))
    assert not grow(store, "my.site", PartitionLoad(TODAY, 9 * BUSY, 0), now=NOON)
    assert schedule_of(store) == schedule


def test_a_quiet_site_and_one_that_is_gone_do_not_grow(store: SiteStore) -> None:
    store.add(Site(site_id="my.site"))
    assert not grow(store, "my.site", PartitionLoad(TODAY, BUSY, 0), now=NOON)
    assert not grow(store, "no.site", PartitionLoad(TODAY, 9 * BUSY, 0), now=NOON)
    assert schedule_of(store) == PartitionSchedule.always(1)
