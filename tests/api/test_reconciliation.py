"""The reconciliation API's handler on REST proxy events, over the real stores."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregates.ledger import ARCHIVE_GENERATION, counted, stated
from aggregates.progress import Progress
from aggregates.rollup import Rollup, merge
from aggregates.stores.ports import RollupKey, StoredRollup, Versioned
from aggregates.stores.sqlite import SqliteRollupStore, tables
from api.reconciliation import bootstrap as reconciliation_bootstrap
from runtime.sites.sqlite import SqliteSiteStore
from schemas.event import Context, Event, EventBatch, EventType, RejectedHit
from tests.api.caller import get

DAY = date(2026, 3, 29)
LONG_AGO = 1_774_000_000_000
EVENT = Event(b"1" * 16, EventType.PAGE_VIEW, LONG_AGO, "session-1")
BATCH = EventBatch(
    site_id="open.site",
    visitor_id=b"visitor1",
    received_at=LONG_AGO,
    context=Context(),
    events=(EVENT, EVENT, EVENT),
    received=7,
    duplicates=1,
    rejected=(RejectedHit("bot"), RejectedHit("bot"), RejectedHit("invalid_field", "title")),
)
EMPTY: dict[str, Any] = {
    "received": 0,
    "accepted": 0,
    "duplicates": 0,
    "rejected": {},
    "archived": 0,
    "counted": 0,
    "balanced": True,
    "unaccounted": 0,
    "unarchived": 0,
    "uncounted": 0,
}
GOOD = {
    **EMPTY,
    "received": 7,
    "accepted": 2,
    "duplicates": 2,
    "rejected": {"bot": 2, "invalid_field": 1},
    "archived": 2,
    "counted": 2,
}


def store(
    data: Path,
    generation: int,
    *,
    day: date = DAY,
    arrived_at: int = LONG_AGO,
    partition: int = 0,
) -> None:
    """Keep one consumer's ledger of BATCH, one of whose events was counted before."""
    rows = Rollup(stated(BATCH))
    if generation != ARCHIVE_GENERATION:
        rows = merge((rows, Rollup(counted(2, 1))))
    item = StoredRollup(rows, Progress({"s": 1}, arrived_at, arrived_at + 500))
    key = RollupKey(generation, "open.site", day, partition)
    SqliteRollupStore(tables(data / "tables.sqlite")).save({key: Versioned(item, 0)})


def ask(**parameters: str) -> tuple[int, Any]:
    status, body, _ = get("/api/reconciliation", {"site_id": "open.site", **parameters})
    return status, body


def test_stages_that_agree_balance_on_each_day_and_in_all(data: Path) -> None:
    last = DAY + timedelta(days=2)
    for day in (DAY, last):
        store(data, 1, day=day)
        store(data, ARCHIVE_GENERATION, day=day)
    status, body = ask(**{"from": str(DAY), "to": str(last)})
    assert (status, body["state"], body["timezone"]) == (200, "balanced", "Europe/Berlin")
    assert body["days"] == [{"day": str(DAY), **GOOD}, {"day": str(last), **GOOD}]
    assert (body["received"], body["rejected"]) == (14, {"bot": 4, "invalid_field": 2})
    assert body["lag_ms"] == 500


def test_what_one_stage_lacks_is_said(data: Path) -> None:
    store(data, 1)
    _, body = ask(**{"from": str(DAY), "to": str(DAY)})
    assert (body["state"], body["balanced"], body["unarchived"]) == ("broken", False, 3)
    assert (body["accepted"], body["archived"], body["counted"]) == (2, 0, 2)


@pytest.mark.parametrize(("age", "state"), [(4, "in_flight"), (6, "broken")])
def test_shortly_after_the_newest_record_a_difference_is_not_yet_one(
    age: int, state: str, data: Path
) -> None:
    newest = datetime.now(UTC) - timedelta(minutes=age)
    store(data, ARCHIVE_GENERATION, arrived_at=int(newest.timestamp() * 1000))
    _, body = ask(**{"from": str(DAY), "to": str(DAY)})
    assert (body["state"], body["uncounted"]) == (state, 3)


def test_what_each_stage_lacks_does_not_hide_what_the_other_lacks(data: Path) -> None:
    """The archive lacks one day, or one partition of a day; the counts lack another."""
    last = DAY + timedelta(days=1)
    store(data, 1, day=DAY)
    store(data, ARCHIVE_GENERATION, day=last)
    store(data, 1, day=last, partition=1)
    _, body = ask(**{"from": str(DAY), "to": str(last)})
    assert (body["state"], body["unarchived"], body["uncounted"]) == ("broken", 6, 3)
    assert [(day["unarchived"], day["uncounted"]) for day in body["days"]] == [(3, 0), (3, 3)]


def test_a_busy_day_does_not_hide_what_an_earlier_one_lost(data: Path) -> None:
    today = datetime.now(UTC)
    store(data, 1)
    store(data, 1, day=today.date(), arrived_at=int(today.timestamp() * 1000))
    _, body = ask(**{"from": str(DAY), "to": str(today.date())})
    assert body["state"] == "broken"


def test_a_site_without_hits_balances() -> None:
    status, body = ask()
    assert (status, body["state"], body["days"], body["as_of"]) == (200, "balanced", [], None)
    assert EMPTY.items() <= body.items()


def test_a_bad_date_is_a_problem() -> None:
    status, body = ask(to="tomorrow")
    assert (status, body["code"]) == (422, "bad_date")


def test_days_from_before_another_time_zone_are_not_compared(data: Path) -> None:
    """The archive's side of them is of the zone of then: nothing is lost, and nothing is proved."""
    store(data, 1)
    late = DAY + timedelta(days=3)
    store(data, 1, day=late)
    both = {"from": str(DAY), "to": str(late)}
    SqliteSiteStore(data / "sites.sqlite").update(
        "open.site", lambda site: replace(site, compared_from=late + timedelta(days=1))
    )
    _, body = ask(**both)
    assert (body["state"], body["compared_from"]) == ("balanced", str(late + timedelta(days=1)))
    SqliteSiteStore(data / "sites.sqlite").update(
        "open.site", lambda site: replace(site, compared_from=late)
    )
    reconciliation_bootstrap.endpoint.cache_clear()
    _, body = ask(**both)
    assert [one["day"] for one in body["broken"]] == [str(late)]
