"""Which days a request means."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.seal import FIRST_DAY
from api.days import Period, Range, parse_range, range_of
from runtime.problem import ProblemError

TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ({"period": "today"}, "2026-11-27", "2026-11-27"),
        ({"period": "day", "date": "2026-03-01"}, "2026-03-01", "2026-03-01"),
        ({"period": "yesterday"}, "2026-11-26", "2026-11-26"),
        ({"period": "yesterday", "date": "2026-03-01"}, "2026-02-28", "2026-02-28"),
        ({"period": "7d"}, "2026-11-21", "2026-11-27"),
        ({"period": "28d", "date": "2026-03-01"}, "2026-02-02", "2026-03-01"),
        ({"period": "30d"}, "2026-10-29", "2026-11-27"),
        ({"period": "91d"}, "2026-08-29", "2026-11-27"),
        ({"period": "month"}, "2026-11-01", "2026-11-27"),
        ({"period": "month", "date": "2024-02-11"}, "2024-02-01", "2024-02-29"),
        ({"period": "month", "date": "2027-01-11"}, "2027-01-01", "2027-01-31"),
        ({"period": "6mo"}, "2026-06-01", "2026-11-27"),
        ({"period": "12mo"}, "2025-12-01", "2026-11-27"),
        ({"period": "12mo", "date": "2026-01-31"}, "2025-02-01", "2026-01-31"),
        ({"period": "year"}, "2026-01-01", "2026-11-27"),
        ({"period": "year", "date": "2025-06-30"}, "2025-01-01", "2025-12-31"),
        ({"from": "2026-11-01", "to": "2026-11-03"}, "2026-11-01", "2026-11-03"),
        ({}, "2026-11-27", "2026-11-27"),
    ],
)
def test_a_period_is_a_range_of_days(asked: dict[str, str], first: str, last: str) -> None:
    assert parse_range(asked, TODAY) == (date.fromisoformat(first), date.fromisoformat(last))


def test_all_days_begin_with_the_first_that_has_numbers() -> None:
    assert parse_range({"period": "all"}, TODAY) == (FIRST_DAY, TODAY)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"period": "week"}, "bad_period"),
        ({"period": ""}, "bad_period"),
        ({"period": "28D"}, "bad_period"),
        ({"period": "7d", "from": "2026-11-01"}, "bad_period"),
        ({"period": "7d", "to": "2026-11-01"}, "bad_period"),
        ({"date": "2026-11-01"}, "bad_period"),
        ({"period": "7d", "date": "1970-12-31"}, "bad_date"),
        ({"period": "7d", "date": "today"}, "bad_date"),
    ],
)
def test_what_is_no_range_is_refused(asked: dict[str, str], code: str) -> None:
    with pytest.raises(ProblemError) as refused:
        parse_range(asked, TODAY)
    assert refused.value.problem.code == code


DAYS = st.dates(date(1971, 1, 1), date(9000, 1, 1))


@given(st.sampled_from(Period), DAYS, DAYS)
def test_a_period_ends_with_its_day_or_has_it_in_it(period: Period, day: date, today: date) -> None:
    found: Range = range_of(period, day, today)
    assert found.first <= found.last
    if period is Period.YESTERDAY:
        assert found.last == day - timedelta(days=1)
    elif period in {Period.MONTH, Period.YEAR}:
        assert found.first <= day
        assert (found.first.day, found.first.year) == (1, day.year)
        assert today < day or day <= found.last
    else:
        assert found.last == day
