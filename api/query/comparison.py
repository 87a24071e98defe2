"""What a range of days is compared with, and where both are cut while the range is running."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from aggregates.seal import DAY
from api.days import MAX_DAYS, Range, read_day, too_long
from api.problem import ReadProblem
from runtime.problem import ProblemError

WEEK = 7
CUSTOM = "custom"


class Mode(StrEnum):
    """A way to find the days to compare with."""

    PREVIOUS = "previous"
    """As many days, right before."""
    WEEKDAY = "weekday"
    """The same weekdays: so many whole weeks before that the ranges do not touch."""
    YEAR = "year"
    """The same dates of the year before; 28 February for the 29th."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared with."""

    mode: str
    """A Mode, or CUSTOM."""
    days: Range
    until: datetime | None
    """Where its last day is cut, because the range that is compared is still running; None: the
    whole of it counts."""


def comparison_in(text: str | None, days: Range, now: datetime) -> Comparison | None:
    """Read what a range is to be compared with.

    Args:
        text: the parameter; None: with nothing.
        days: the range.
        now: the time, in the site's time zone.

    Raises:
        ProblemError: it cannot be compared so.
    """
    if text is None:
        return None
    today = now.date()
    is_running = days.first <= today <= days.last
    last = today if is_running else days.last
    mode = text if text in set(Mode) else CUSTOM
    if mode != CUSTOM:
        before = Range(shifted(Mode(mode), days.first, days), shifted(Mode(mode), last, days))
    else:
        before = _custom(text)
        if is_running:
            before = before._replace(last=min(before.last, before.first + (last - days.first)))
    return Comparison(mode, before, cut(before.last, now) if is_running else None)


def shifted(mode: Mode, day: date, days: Range) -> date:
    """Return the day that one of a range is compared with."""
    if mode is Mode.YEAR:
        last = 28 if (day.month, day.day) == (2, 29) else day.day
        return day.replace(year=day.year - 1, day=last)
    length = days.days if mode is Mode.PREVIOUS else -(-days.days // WEEK) * WEEK
    return day - length * DAY


def cut(day: date, now: datetime) -> datetime:
    """Return the instant of a day at which its clocks show what they show now.

    An hour that the clocks skip on that day is where they would be without the skip; of an hour
    that they show twice it is the first.
    """
    there = datetime.combine(day, now.time(), now.tzinfo).replace(fold=0)
    return there.astimezone(UTC).astimezone(now.tzinfo)  # a time that the clocks skip is not shown


def _custom(text: str) -> Range:
    first, dots, last = text.partition("..")
    days = read_day(first), read_day(last)
    if not dots or days[0] is None or days[1] is None:
        raise _bad(
            f"compare must be one of {', '.join(Mode)}, or two days such as 2026-10-01..2026-10-31."
        )
    if days[0] > days[1]:
        raise _bad(f"compare: {first} lies after {last}.")
    before = Range(days[0], days[1])
    if before.days > MAX_DAYS:
        raise too_long()
    return before


def _bad(detail: str) -> ProblemError:
    return ProblemError(422, ReadProblem.BAD_COMPARISON, detail)
