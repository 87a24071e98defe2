"""Ranges of site-local days in a request, and for how long an answer about them may be kept."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from aggregates.seal import DAY, FIRST_DAY
from aggregates.window import LocalHour, hour_start
from api.problem import ReadProblem
from runtime.problem import ProblemError
from runtime.sites.site import Site

DAYS = frozenset({"from", "to"})
"""The parameters that `parse_days` reads."""

RANGE = DAYS | {"period", "date"}
"""The parameters that `parse_range` reads."""

MAX_DAYS = 40 * 366
"""Of one question: from before the first access log until long after this year."""

EARLIEST, LATEST = date(1971, 1, 1), date(9000, 1, 1)
"""The days that may be asked for."""

CLOSED_AFTER = timedelta(hours=26)
"""Events may come 24 h late, and a little more passes until they are counted. After that a day's
numbers change only when a log of that day is imported."""

OPEN_MAX_AGE = 5
CLOSED_MAX_AGE = 3600


class Period(StrEnum):
    """A range of days that is named by its length."""

    TODAY = "today"
    DAY = "day"
    YESTERDAY = "yesterday"
    DAYS_7 = "7d"
    DAYS_28 = "28d"
    DAYS_30 = "30d"
    DAYS_91 = "91d"
    MONTH = "month"
    MONTHS_6 = "6mo"
    MONTHS_12 = "12mo"
    YEAR = "year"
    ALL = "all"


OF_DAYS = {
    Period.TODAY: 1,
    Period.DAY: 1,
    Period.DAYS_7: 7,
    Period.DAYS_28: 28,
    Period.DAYS_30: 30,
    Period.DAYS_91: 91,
}
OF_MONTHS = {Period.MONTHS_6: 6, Period.MONTHS_12: 12}


class Range(NamedTuple):
    """Days from the first to the last, both included.

    One that begins with FIRST_DAY is of all days: it begins with the first that has numbers.
    """

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


def parse_range(parameters: Mapping[str, str], today: date) -> Range:
    """Read `period` and `date`, or `from` and `to`; without them the range is today.

    Raises:
        ProblemError: one of them cannot be used, or both ways are.
    """
    name = parameters.get("period")
    dates = sorted(DAYS & parameters.keys())
    if name is None:
        if parameters.get("date") is not None:
            raise _bad_period("date is of a period: add period, or say from and to.")
        return Range(*parse_days(parameters, today))
    if dates:
        raise _bad_period(f"period says the days by itself: leave out {' and '.join(dates)}.")
    if name not in set(Period):
        raise _bad_period(f"period must be one of {', '.join(Period)}.")
    return range_of(Period(name), _day(parameters, "date", today), today)


def range_of(period: Period, day: date, today: date) -> Range:
    """Return the days of a period.

    Args:
        period: which one.
        day: the last one of it; of a month or year: any one of it.
        today: where a month or year ends that is not over.
    """
    if period in OF_DAYS:
        return Range(day - (OF_DAYS[period] - 1) * DAY, day)
    if period in OF_MONTHS:
        return Range(_month_before(day, OF_MONTHS[period] - 1), day)
    if period is Period.YESTERDAY:
        return Range(day - DAY, day - DAY)
    if period is Period.ALL:
        return Range(FIRST_DAY, day)
    if period is Period.MONTH:
        first, last = day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
    else:
        first, last = date(day.year, 1, 1), date(day.year, 12, 31)
    return Range(first, today if first <= today <= last else last)


def parse_days(parameters: Mapping[str, str], today: date) -> tuple[date, date]:
    """Read `from` and `to`, the first and the last day; without them both are today.

    Raises:
        ProblemError: one of them cannot be used.
    """
    last = _day(parameters, "to", today)
    first = _day(parameters, "from", last)
    if first > last:
        raise ProblemError(422, ReadProblem.RANGE_REVERSED, f"from={first} lies after to={last}.")
    if (last - first).days >= MAX_DAYS:
        raise too_long()
    return first, last


def too_long() -> ProblemError:
    """Return what refuses a range of too many days."""
    return ProblemError(
        422,
        ReadProblem.RANGE_TOO_LONG,
        f"A range holds at most {MAX_DAYS:,} days; ask in parts.",
    )


def read_day(text: str) -> date | None:
    """Return the day that a text is, such as 2026-11-22; None: it is none that may be asked for."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, not an instant
    except ValueError:
        return None
    return day if text == str(day) and EARLIEST <= day <= LATEST else None


def max_age(site: Site, last: date, now: datetime) -> int:
    """Return for how many seconds an answer about days up to `last` may be kept."""
    end = hour_start(LocalHour(last + DAY, 0), site.timezone)
    return CLOSED_MAX_AGE if now - end > CLOSED_AFTER else OPEN_MAX_AGE


def _month_before(day: date, months: int) -> date:
    """Return the first day of the month that begins so many months before that of a day."""
    passed = day.year * 12 + day.month - 1 - months
    return date(passed // 12, passed % 12 + 1, 1)


def _day(parameters: Mapping[str, str], name: str, default: date) -> date:
    text = parameters.get(name)
    if text is None:
        return default
    day = read_day(text)
    if day is None:
        raise ProblemError(
            422,
            ReadProblem.BAD_DATE,
            f"{name} must be a date such as 2026-11-22, in the site's time zone.",
        )
    return day


def _bad_period(detail: str) -> ProblemError:
    return ProblemError(422, ReadProblem.BAD_PERIOD, detail)
