"""The schedule of a site's numbers of partitions, and what may be changed when."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import UsageError
from runtime.sites.cache import LIFETIME
from runtime.sites.partitions import (
    ALWAYS_ONE,
    MAX_CHANGES,
    MAX_PARTITIONS,
    NOTICE,
    PartitionSchedule,
)
from runtime.sites.site import DAY, Site

TODAY = date(2026, 11, 26)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TOMORROW = TODAY + DAY

MOMENTS = st.timedeltas(timedelta(0), timedelta(days=500)).map(NOON.__add__)
TIMEZONES = st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/St_Johns"])
NUMBERS = st.integers(1, MAX_PARTITIONS)


@st.composite
def schedules(draw: st.DrawFn) -> PartitionSchedule:
    """A schedule as a site gets it: changed now and then, never more than doubled."""
    schedule, day = PartitionSchedule.always(draw(NUMBERS)), date(2026, 1, 1)
    for _ in range(draw(st.integers(0, 5))):
        day += timedelta(days=draw(st.integers(1, 200)))
        number = draw(st.integers(1, min(2 * schedule.number_on(day), MAX_PARTITIONS)))
        schedule = schedule.changed(number, day)
    return schedule


def site_of(schedule: PartitionSchedule, timezone: str = "UTC") -> Site:
    return Site(site_id="my.site", timezone=timezone, partitions=schedule)


def test_a_new_site_has_one_partition_on_every_day() -> None:
    for day in (date.min, TODAY, date.max):
        assert Site(site_id="my.site").partitions.number_on(day) == 1


def test_a_days_number_is_the_newest_of_before() -> None:
    schedule = PartitionSchedule(((date.min, 2), (TODAY, 4), (TODAY + 2 * DAY, 3)))
    days = [TODAY + offset * DAY for offset in (-1, 0, 1, 2, 3)]
    assert [schedule.number_on(day) for day in days] == [2, 4, 4, 3, 3]
    assert schedule.after(TODAY) == {TODAY + 2 * DAY: 3}


@pytest.mark.parametrize("number", [0, -1, MAX_PARTITIONS + 1])
def test_numbers_that_cannot_be_are_refused(number: int) -> None:
    with pytest.raises(UsageError, match=f"partitions: {number} is not from 1 to 1024"):
        PartitionSchedule.always(number)


@pytest.mark.parametrize(
    "days", [[], [TODAY], [date.min, TOMORROW, TODAY], [date.min, TODAY, TODAY], [date.min] * 2]
)
def test_days_out_of_order_are_refused(days: list[date]) -> None:
    with pytest.raises(ValueError, match="first days"):
        PartitionSchedule(tuple((day, 1) for day in days))


@given(schedules(), MOMENTS, TIMEZONES, st.data())
def test_a_change_begins_tomorrow_and_is_at_most_a_doubling(
    schedule: PartitionSchedule, now: datetime, timezone: str, draw: st.DataObject
) -> None:
    """No day's number changes that has begun, or that begins within the notice."""
    site = site_of(schedule, timezone)
    first_day = site.next_day(now)
    before = schedule.number_on(first_day - DAY)
    number = draw.draw(st.integers(1, min(2 * before, MAX_PARTITIONS)))
    changed = site.with_partitions(number, now=now).partitions
    for offset in range(-400, 1):
        day = first_day - DAY + offset * DAY
        assert changed.number_on(day) == schedule.number_on(day)
    for offset in (0, 1, 1000):
        assert changed.number_on(first_day + offset * DAY) == number
    begins_at = datetime.combine(first_day, datetime.min.time(), ZoneInfo(timezone))
    assert NOTICE <= begins_at - now <= timedelta(days=1, hours=2) + NOTICE
    if 2 * before < MAX_PARTITIONS:
        with pytest.raises(UsageError, match=f"is more than twice {before}"):
            site.with_partitions(2 * before + 1, now=now)


def test_the_notice_is_longer_than_settings_are_remembered() -> None:
    assert NOTICE > 10 * LIFETIME


def test_a_change_in_the_last_minutes_of_a_day_begins_the_day_after_tomorrow() -> None:
    midnight = datetime(2026, 11, 27, tzinfo=UTC)
    site = site_of(ALWAYS_ONE)
    assert site.next_day(midnight - NOTICE - timedelta(microseconds=1)) == TOMORROW
    assert site.next_day(midnight - NOTICE) == TOMORROW + DAY
    assert site.next_day(midnight) == TOMORROW + DAY


def test_a_second_change_of_a_day_replaces_the_first() -> None:
    site = site_of(PartitionSchedule.always(4)).with_partitions(8, now=NOON)
    assert site.partitions.after(TODAY) == {TOMORROW: 8}
    assert site.with_partitions(3, now=NOON).partitions.after(TODAY) == {TOMORROW: 3}
    with pytest.raises(UsageError, match="9 is more than twice 4, the number before 2026-11-27"):
        site.with_partitions(9, now=NOON)


def test_todays_number_again_takes_a_change_back() -> None:
    site = site_of(PartitionSchedule.always(4))
    assert site.with_partitions(8, now=NOON).with_partitions(4, now=NOON) == site


def test_a_site_does_not_change_without_end() -> None:
    """Each number is kept, for whoever imports the days that had it."""
    schedule = ALWAYS_ONE
    for offset in range(MAX_CHANGES):
        assert not schedule.is_full
        schedule = schedule.changed(2 - offset % 2, TODAY + offset * DAY)
    assert schedule.is_full
    site = site_of(schedule)
    later = NOON + (MAX_CHANGES + 1) * DAY
    number = 3 - schedule.number_on(date.max)
    with pytest.raises(UsageError, match="have changed 100 times, which is the most"):
        site.with_partitions(number, now=later)
    assert site.with_partitions(3 - number, now=later) == replace(site)
