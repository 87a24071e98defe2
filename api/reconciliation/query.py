"""Answers whether the stages of the pipeline agree about the hits of a range of days."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import reduce
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aggregates.ledger import ARCHIVE_GENERATION, Account, Stage, reconcile
from aggregates.progress import Progress
from aggregates.seal import NO_PART, Part
from aggregates.stores.reading import Reading
from api.days import DAYS, max_age, parse_days
from api.document import freshness
from api.endpoint import Answer, encoded
from api.reconciliation.evidence import Evidence, Witnesses
from api.reconciliation.verdict import DayAccount, judge, verdict_document
from runtime.sites.site import Site

Sides = tuple[Part, Part]
"""What is counted of a day of a partition, and what is archived."""


class ReconciliationQuery:
    """Lays the ledgers of both consumers beside what the witnesses say."""

    parameters: ClassVar[frozenset[str]] = DAYS

    def __init__(self, reading: Reading, witnesses: Witnesses) -> None:
        self._reading = reading
        self._witnesses = witnesses

    def __call__(self, site: Site, parameters: Mapping[str, str], now: datetime) -> Answer:
        """Answer a request.

        Raises:
            ProblemError: a parameter cannot be used.
        """
        first, last = parse_days(parameters, now.astimezone(ZoneInfo(site.timezone)).date())
        return Answer(encoded(self.document(site, first, last, now)), max_age(site, last, now))

    def document(self, site: Site, first: date, last: date, now: datetime) -> dict[str, Any]:
        """Return the answer for a range of days, both ends included."""
        evidence = _from(site.compared_from, self._witnesses.of(site, first, last))
        by_day = self._by_day(site, first, last)
        days = {day: _day(of_day) for day, of_day in by_day.items()}
        compared = {day: one for day, one in days.items() if day >= (site.compared_from or day)}
        return {
            "site_id": site.site_id,
            "from": first.isoformat(),
            "to": last.isoformat(),
            "timezone": site.timezone,
            "compared_from": site.compared_from.isoformat() if site.compared_from else None,
            **freshness(_progresses(sides for of_day in by_day.values() for sides in of_day)),
            **verdict_document(judge(compared, evidence, now), evidence),
            **_document(_sum(one.account for one in days.values())),
            "days": [
                {"day": day.isoformat(), **_document(one.account)} for day, one in days.items()
            ],
        }

    def _by_day(self, site: Site, first: date, last: date) -> dict[date, list[Sides]]:
        counting = self._reading.days(site.generation, site.site_id, first, last).parts
        archiving = self._reading.days(ARCHIVE_GENERATION, site.site_id, first, last).parts
        by_day: dict[date, list[Sides]] = {}
        for place in sorted(counting.keys() | archiving.keys()):
            sides = counting.get(place, NO_PART), archiving.get(place, NO_PART)
            by_day.setdefault(place[0], []).append(sides)
        return by_day


def _from(first: date | None, evidence: Evidence) -> Evidence:
    """Return the evidence without what was accepted on days that are in another time zone."""
    if first is None:
        return evidence
    accepted = {day: events for day, events in evidence.accepted.items() if day >= first}
    return replace(evidence, accepted=accepted)


def _day(of_day: Sequence[Sides]) -> DayAccount:
    """Return the account of a day, reconciled partition by partition."""
    return DayAccount(
        account=_sum(reconcile(ours.intake, theirs.intake) for ours, theirs in of_day),
        archived=sum(theirs.intake.get(Stage.ACCEPTED, 0) for _, theirs in of_day),
        newest_at=max(progress.arrived_at for progress in _progresses(of_day)),
    )


def _progresses(sides: Iterable[Sides]) -> Iterator[Progress]:
    return (part.progress for both in sides for part in both)


def _sum(accounts: Iterable[Account]) -> Account:
    return reduce(Account.plus, accounts, Account())


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
