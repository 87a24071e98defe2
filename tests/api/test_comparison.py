"""What a range is compared with, and where both are cut while it is running."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.days import Range
from api.query.comparison import Comparison, comparison_in
from runtime.problem import ProblemError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 27, 15, 30, 12, tzinfo=BERLIN)  # a Friday


def days(first: str, last: str) -> Range:
    return Range(date.fromisoformat(first), date.fromisoformat(last))


def compare(text: str, first: str, last: str, now: datetime = NOW) -> Comparison:
    found = comparison_in(text, days(first, last), now)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "of", "with_"),
    [
        ("previous", ("2026-11-01", "2026-11-07"), ("2026-10-25", "2026-10-31")),
        ("previous", ("2026-11-20", "2026-11-20"), ("2026-11-19", "2026-11-19")),
        ("weekday", ("2026-11-20", "2026-11-20"), ("2026-11-13", "2026-11-13")),
        ("weekday", ("2026-11-01", "2026-11-10"), ("2026-10-18", "2026-10-27")),
        ("weekday", ("2026-10-01", "2026-10-28"), ("2026-09-03", "2026-09-30")),
        ("year", ("2024-02-01", "2024-02-29"), ("2023-02-01", "2023-02-28")),
        ("year", ("2025-03-01", "2025-03-31"), ("2024-03-01", "2024-03-31")),
        ("2026-01-01..2026-01-31", ("2026-10-01", "2026-10-10"), ("2026-01-01", "2026-01-31")),
    ],
)
def test_whole_days_are_compared_with_whole_days(
    text: str, of: tuple[str, str], with_: tuple[str, str]
) -> None:
    found = compare(text, *of)
    assert (found.days, found.until) == (days(*with_), None)


@pytest.mark.parametrize(
    ("text", "of", "with_"),
    [
        ("previous", ("2026-11-27", "2026-11-27"), ("2026-11-26", "2026-11-26")),
        ("weekday", ("2026-11-27", "2026-11-27"), ("2026-11-20", "2026-11-20")),
        ("previous", ("2026-11-21", "2026-11-27"), ("2026-11-14", "2026-11-20")),
        ("year", ("2026-11-01", "2026-11-27"), ("2025-11-01", "2025-11-27")),
        # The range goes on beyond today: so does nothing of what it is compared with.
        ("previous", ("2026-11-23", "2026-11-29"), ("2026-11-16", "2026-11-20")),
        ("2026-01-01..2026-01-31", ("2026-11-26", "2026-11-30"), ("2026-01-01", "2026-01-02")),
    ],
)
def test_a_running_day_is_compared_with_a_day_up_to_the_same_time(
    text: str, of: tuple[str, str], with_: tuple[str, str]
) -> None:
    found = compare(text, *of)
    assert found.days == days(*with_)
    assert found.until is not None
    assert found.until.date() == found.days.last
    assert found.until.time() == NOW.time()


@pytest.mark.parametrize(
    ("now", "until"),
    [
        # On 29 March the clocks skip from 02:00 to 03:00; on 25 October 02:00 to 03:00 comes twice.
        (datetime(2026, 3, 30, 2, 30, tzinfo=BERLIN), "2026-03-29T03:30:00+02:00"),
        (datetime(2026, 3, 30, 3, 30, tzinfo=BERLIN), "2026-03-29T03:30:00+02:00"),
        (datetime(2026, 10, 26, 2, 30, tzinfo=BERLIN), "2026-10-25T02:30:00+02:00"),
        (datetime(2026, 10, 26, 3, 30, tzinfo=BERLIN), "2026-10-25T03:30:00+01:00"),
        (datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN), "2026-10-24T02:30:00+02:00"),
    ],
)
def test_clocks_that_were_changed_show_the_same(now: datetime, until: str) -> None:
    found = compare("previous", str(now.date()), str(now.date()), now)
    assert found.until is not None
    assert found.until.isoformat() == until


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_comparison"),
        ("next", "bad_comparison"),
        ("custom", "bad_comparison"),
        ("2026-01-01", "bad_comparison"),
        ("2026-01-01..", "bad_comparison"),
        ("2026-1-1..2026-01-31", "bad_comparison"),
        ("2026-02-01..2026-01-31", "bad_comparison"),
        ("1971-01-01..2026-01-31", "range_too_long"),
    ],
)
def test_what_is_no_comparison_is_refused(text: str, code: str) -> None:
    with pytest.raises(ProblemError) as refused:
        compare(text, "2026-11-01", "2026-11-07")
    assert refused.value.problem.code == code


def test_without_one_nothing_is_compared() -> None:
    assert comparison_in(None, days("2026-11-01", "2026-11-07"), NOW) is None


@given(
    st.sampled_from(["previous", "weekday", "year"]),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.integers(0, 400),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - gets its zone below
    st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe"]),
)
def test_what_is_compared_lies_before_and_is_no_longer(
    mode: str, first: date, length: int, at: datetime, zone: str
) -> None:
    asked = Range(first, first + timedelta(days=length))
    now = at.replace(tzinfo=ZoneInfo(zone))
    found = comparison_in(mode, asked, now)
    assert found is not None
    assert found.days.first <= found.days.last
    assert found.days.days <= asked.days + 1  # a year before may have a leap day more
    if mode == "weekday":
        assert found.days.first.weekday() == first.weekday()
    if mode != "year":
        assert found.days.last < first
    is_running = asked.first <= now.date() <= asked.last
    assert (found.until is not None) == is_running
    if found.until is not None:
        assert found.until.date() == found.days.last
