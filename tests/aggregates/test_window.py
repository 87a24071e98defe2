from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.window import LocalHour, hour_start, hours_in, local_hour, tumbling

ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana"]
moments = st.integers(
    int(datetime(1990, 1, 1, tzinfo=UTC).timestamp() * 1000),
    int(datetime(2040, 1, 1, tzinfo=UTC).timestamp() * 1000),
)


@given(moments, st.integers(1, 10**8))
def test_a_window_is_half_open_and_holds_its_moment(moment: int, width: int) -> None:
    start = tumbling(moment, width)
    assert start <= moment < start + width
    assert tumbling(start, width) == start


@given(moments, st.sampled_from(ZONES))
def test_the_local_day_is_the_calendars(moment: int, timezone: str) -> None:
    local = local_hour(moment, timezone)
    calendar = datetime.fromtimestamp(moment / 1000, UTC).astimezone(ZoneInfo(timezone))
    assert local.day == calendar.date()
    assert 0 <= local.hour < hours_in(local.day, timezone)


@given(moments, st.sampled_from(ZONES))
def test_an_hour_starts_at_or_before_each_of_its_moments(moment: int, timezone: str) -> None:
    start = hour_start(local_hour(moment, timezone), timezone)
    assert 0 <= moment - start.timestamp() * 1000 < 3_600_000


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_days_on_which_clocks_change_have_23_or_25_hours(day: date, hours: int) -> None:
    assert hours_in(day, "Europe/Berlin") == hours
    starts = [hour_start(LocalHour(day, hour), "Europe/Berlin") for hour in range(hours)]
    assert len({start.astimezone(UTC) for start in starts}) == hours
