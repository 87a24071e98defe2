"""Ranges of site-local days in a request, and for how long an answer about them may be kept."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from aggregates.window import LocalHour, hour_start
from api.problem import ReadProblem
from runtime.problem import ProblemError
from runtime.sites.site import Site

DAYS = frozenset({"from", "to"})
"""The parameters that `parse_days` reads."""

MAX_DAYS = 40 * 366
"""Of one question: from before the first access log until long after this year."""

CLOSED_AFTER = timedelta(hours=26)
"""Events may come 24 h late, and a little more passes until they are counted. After that a day's
numbers change only when a log of that day is imported."""

OPEN_MAX_AGE = 5
CLOSED_MAX_AGE = 3600


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
        raise ProblemError(
            422,
            ReadProblem.RANGE_TOO_LONG,
            f"A range holds at most {MAX_DAYS:,} days; ask in parts.",
        )
    return first, last


def max_age(site: Site, last: date, now: datetime) -> int:
    """Return for how many seconds an answer about days up to `last` may be kept."""
    end = hour_start(LocalHour(last + timedelta(days=1), 0), site.timezone)
    return CLOSED_MAX_AGE if now - end > CLOSED_AFTER else OPEN_MAX_AGE


def _day(parameters: Mapping[str, str], name: str, default: date) -> date:
    text = parameters.get(name)
    if text is None:
        return default
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, not an instant
    except ValueError:
        day = None
    if day is None or text != str(day) or not date(1971, 1, 1) <= day <= date(9000, 1, 1):
        raise ProblemError(
            422,
            ReadProblem.BAD_DATE,
            f"{name} must be a date such as 2026-11-22, in the site's time zone.",
        )
    return day
