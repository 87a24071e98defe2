"""Answers whether the stages of the pipeline agree about the hits of a range of days."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from aggregates.ledger import ARCHIVE_GENERATION, Account, reconcile
from aggregates.rollup import EMPTY, Rollup
from aggregates.stores.ports import RollupKey, RollupStore, StoredRollup
from api.days import DAYS, max_age, parse_days
from api.document import freshness
from api.endpoint import Answer
from runtime.sites.site import Site

SETTLES_AFTER = timedelta(minutes=5)
"""How long after the newest record the stages may still be at different places on the stream."""

State = Literal["balanced", "settling", "unbalanced"]
STATES: tuple[State, ...] = ("balanced", "settling", "unbalanced")
"""From good to bad."""

Items = list[tuple[RollupKey, StoredRollup]]


class ReconciliationQuery:
    """Reads the ledgers of both consumers."""

    parameters: ClassVar[frozenset[str]] = DAYS

    def __init__(self, rollups: RollupStore) -> None:
        self._rollups = rollups

    def __call__(self, site: Site, parameters: Mapping[str, str], now: datetime) -> Answer:
        """Answer a request.

        Raises:
            ProblemError: a parameter cannot be used.
        """
        first, last = parse_days(parameters, now.astimezone(ZoneInfo(site.timezone)).date())
        return Answer(self.document(site, first, last, now), max_age(site, last, now))

    def document(self, site: Site, first: date, last: date, now: datetime) -> dict[str, Any]:
        """Return the answer for a range of days, both ends included."""
        items = [
            *self._rollups.days(site.generation, site.site_id, first, last),
            *self._rollups.days(ARCHIVE_GENERATION, site.site_id, first, last),
        ]
        by_day: dict[date, Items] = {}
        for item in items:
            by_day.setdefault(item[0].day, []).append(item)
        accounts = {day: _account(of_day) for day, of_day in sorted(by_day.items())}
        states = {_state(accounts[day], of_day, now) for day, of_day in by_day.items()}
        return {
            "site_id": site.site_id,
            "from": first.isoformat(),
            "to": last.isoformat(),
            "timezone": site.timezone,
            **freshness(stored.progress for _, stored in items),
            "state": max(states, key=STATES.index, default="balanced"),
            **_document(_sum(accounts.values())),
            "days": [
                {"day": day.isoformat(), **_document(account)} for day, account in accounts.items()
            ],
        }


def _account(items: Items) -> Account:
    """Return the account of a day, reconciled partition by partition."""
    sides: dict[int, dict[bool, Rollup]] = {}
    for key, stored in items:
        sides.setdefault(key.partition, {})[key.generation == ARCHIVE_GENERATION] = stored.rollup
    return _sum(reconcile(side.get(False, EMPTY), side.get(True, EMPTY)) for side in sides.values())


def _sum(accounts: Iterable[Account]) -> Account:
    return reduce(Account.plus, accounts, Account())


def _state(account: Account, items: Items, now: datetime) -> State:
    if account.balanced:
        return "balanced"
    newest = max(stored.progress.arrived_at for _, stored in items)
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
