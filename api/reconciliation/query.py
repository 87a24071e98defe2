"""Answers whether the stages of the pipeline agree about the hits of a range of days."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from aggregates.ledger import ARCHIVE_GENERATION, Account, reconcile
from aggregates.rollup import merge
from aggregates.stores.ports import RollupKey, RollupStore, StoredRollup
from api.days import max_age, parse_days
from api.document import freshness
from api.endpoint import Answer
from liveinsight.runtime.sites.site import Site

SETTLES_AFTER = timedelta(minutes=5)
"""How long after the newest record the stages may still be at different places on the stream."""

State = Literal["balanced", "settling", "unbalanced"]
Items = Sequence[tuple[RollupKey, StoredRollup]]


class ReconciliationQuery:
    """Reads the ledgers of both consumers."""

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
        counting = self._rollups.days(site.generation, site.site_id, first, last)
        archiving = self._rollups.days(ARCHIVE_GENERATION, site.site_id, first, last)
        items = [*counting, *archiving]
        account = _account(counting, archiving)
        days = sorted({key.day for key, _ in items})
        return {
            "site_id": site.site_id,
            "from": first.isoformat(),
            "to": last.isoformat(),
            "timezone": site.timezone,
            **freshness(stored.progress for _, stored in items),
            "state": _state(account, items, now),
            **_document(account),
            "days": [
                {
                    "day": day.isoformat(),
                    **_document(_account(_of(day, counting), _of(day, archiving))),
                }
                for day in days
            ],
        }


def _account(counting: Items, archiving: Items) -> Account:
    return reconcile(
        merge(stored.rollup for _, stored in counting),
        merge(stored.rollup for _, stored in archiving),
    )


def _of(day: date, items: Items) -> Items:
    return [(key, stored) for key, stored in items if key.day == day]


def _state(
    account: Account, items: Iterable[tuple[RollupKey, StoredRollup]], now: datetime
) -> State:
    if account.balanced:
        return "balanced"
    newest = max((stored.progress.arrived_at for _, stored in items), default=0)
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
