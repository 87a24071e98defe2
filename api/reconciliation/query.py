"""Answers whether the stages of the pipeline agree about the hits of a range of days."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from aggregates.ledger import ARCHIVE_GENERATION, Account, reconcile
from aggregates.progress import Progress
from aggregates.seal import NO_PART, Part
from aggregates.stores.reading import Reading
from api.days import DAYS, max_age, parse_days
from api.document import freshness
from api.endpoint import Answer
from runtime.sites.site import Site

SETTLES_AFTER = timedelta(minutes=5)
"""How long after the newest record the stages may still be at different places on the stream."""

State = Literal["balanced", "settling", "unbalanced"]
STATES: tuple[State, ...] = ("balanced", "settling", "unbalanced")
"""From good to bad."""

Sides = tuple[Part, Part]
"""What is counted of a day of a partition, and what is archived."""


class ReconciliationQuery:
    """Reads the ledgers of both consumers."""

    parameters: ClassVar[frozenset[str]] = DAYS

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __call__(self, site: Site, parameters: Mapping[str, str], now: datetime) -> Answer:
        """Answer a request.

        Raises:
            ProblemError: a parameter cannot be used.
        """
        first, last = parse_days(parameters, now.astimezone(ZoneInfo(site.timezone)).date())
        return Answer(self.document(site, first, last, now), max_age(site, last, now))

    def document(self, site: Site, first: date, last: date, now: datetime) -> dict[str, Any]:
        """Return the answer for a range of days, both ends included."""
        counting = self._reading.days(site.generation, site.site_id, first, last).parts
        archiving = self._reading.days(ARCHIVE_GENERATION, site.site_id, first, last).parts
        by_day: dict[date, list[Sides]] = {}
        for place in sorted(counting.keys() | archiving.keys()):
            sides = counting.get(place, NO_PART), archiving.get(place, NO_PART)
            by_day.setdefault(place[0], []).append(sides)
        accounts = {day: _account(of_day) for day, of_day in by_day.items()}
        states = {_state(accounts[day], of_day, now) for day, of_day in by_day.items()}
        return {
            "site_id": site.site_id,
            "from": first.isoformat(),
            "to": last.isoformat(),
            "timezone": site.timezone,
            **freshness(_progresses(sides for of_day in by_day.values() for sides in of_day)),
            "state": max(states, key=STATES.index, default="balanced"),
            **_document(_sum(accounts.values())),
            "days": [
                {"day": day.isoformat(), **_document(account)} for day, account in accounts.items()
            ],
        }


def _account(of_day: Iterable[Sides]) -> Account:
    """Return the account of a day, reconciled partition by partition."""
    return _sum(reconcile(ours.intake, theirs.intake) for ours, theirs in of_day)


def _progresses(sides: Iterable[Sides]) -> Iterator[Progress]:
    return (part.progress for both in sides for part in both)


def _sum(accounts: Iterable[Account]) -> Account:
    return reduce(Account.plus, accounts, Account())


def _state(account: Account, of_day: Iterable[Sides], now: datetime) -> State:
    if account.balanced:
        return "balanced"
    newest = max(progress.arrived_at for progress in _progresses(of_day))
    settled = now.timestamp() - newest / 1000 > SETTLES_AFTER.total_seconds()
    return "unbalanced" if settled else "settling"


def _document(account: Account) -> dict[str, Any]:
    return {
        "received": account.received,
        "accepted": account.accepted,
        "duplicates": account.duplicates,
        "rejected": dict(account.rejected),
        "archived": account.archived,
        "counted": account.counted,
        "balanced": account.balanced,
        "unaccounted": account.unaccounted,
        "unarchived": account.unarchived,
        "uncounted": account.uncounted,
    }
