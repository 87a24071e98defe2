"""Into how many partitions a site's visitors fall, day by day.

A visitor must stay in one partition for ever, and a visitor id belongs to one site-local day. So
the number of a day is fixed before the day begins, and is kept: whoever makes ids of that day, even
years later from an old log, finds the same number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from runtime.errors import UsageError

DEFAULT_PARTITIONS = 1
MAX_PARTITIONS = 1024
MAX_GROWTH = 2
"""How many times the number of the day before a day's number may be."""
MAX_CHANGES = 100
"""Growing from 1 to 1,024 takes ten; a change takes 18 bytes of the site's settings."""

NOTICE = timedelta(minutes=10)
"""How long before a day begins its number stands. Who counts may know settings that are 10 seconds
old (runtime/sites/cache.py); slow writes and clocks that differ have the rest."""


@dataclass(frozen=True, slots=True)
class PartitionSchedule:
    """The numbers of partitions, each from its first day on.

    Raises:
        UsageError: a number cannot be; the message says what it can be.
        ValueError: the entries are not in order, or do not begin with the first of all days.
    """

    entries: tuple[tuple[date, int], ...] = ((date.min, DEFAULT_PARTITIONS),)
    """First day and number, by day. The first entry's day is `date.min`: every day has a number."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be."""
        days = [first_day for first_day, _ in self.entries]
        if days[:1] != [date.min] or sorted(set(days)) != days:
            raise ValueError(f"the first days of numbers of partitions cannot be {days}")
        for _, number in self.entries:
            if not 1 <= number <= MAX_PARTITIONS:
                raise UsageError(f"partitions: {number} is not from 1 to {MAX_PARTITIONS}")
        for (_, before), (first_day, number) in pairwise(self.entries):
            if number > MAX_GROWTH * before:
                raise UsageError(
                    f"partitions: {number} is more than twice {before}, the number before"
                    f" {first_day}: take at most {MAX_GROWTH * before}"
                )
        if len(self.entries) - 1 > MAX_CHANGES:
            raise UsageError(
                f"partitions: they have changed {MAX_CHANGES} times, which is the most"
            )

    @property
    def is_full(self) -> bool:
        """Whether it takes no change more."""
        return len(self.entries) - 1 >= MAX_CHANGES

    @classmethod
    def always(cls, number: int) -> "PartitionSchedule":
        """Return the schedule of a site that has had one number since ever."""
        return cls(((date.min, number),))

    def number_on(self, day: date) -> int:
        """Return the number of a site-local day: the newest that begins on it or before."""
        return next(number for first, number in reversed(self.entries) if first <= day)

    def after(self, day: date) -> Mapping[date, int]:
        """Return the numbers that begin after a day, by their first day."""
        return {first: number for first, number in self.entries if first > day}

    def changed(self, number: int, first_day: date) -> "PartitionSchedule":
        """Return the schedule with this number from a day on, whatever was planned from then on.

        Raises:
            UsageError: it is more than twice the number of the day before, or otherwise impossible.
        """
        kept = tuple((first, before) for first, before in self.entries if first < first_day)
        if kept[-1][1] == number:
            return PartitionSchedule(kept)
        return PartitionSchedule((*kept, (first_day, number)))


ALWAYS_ONE = PartitionSchedule()
"""Of a new site: one partition carries 1,000 records a second, and is the cheapest to count."""
