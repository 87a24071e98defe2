"""Decides, from the ledgers and the witnesses, in which of three states a range of days is.

`balanced`: all that was accepted is archived and counted, once. `in_flight`: it is not yet, and
nothing speaks against that it will be. `broken`: something is lost, or does not move.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from aggregates.ledger import Account
from api.document import moment_of
from api.reconciliation.evidence import SPILL, Break, Evidence, Waiting

GRACE = timedelta(minutes=5)
"""How long what waits may wait where nothing moves, and how long after the newest record of a day
the stages may still be at different places on the stream."""

State = Literal["balanced", "in_flight", "broken"]


@dataclass(frozen=True, slots=True)
class DayAccount:
    """A day as the ledgers have it."""

    account: Account
    archived: int
    """Events that the archive took, those that came again too."""
    newest_at: int
    """When its newest record arrived at the stream, epoch milliseconds."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state, and what it is made of."""

    state: State
    in_flight: int = 0
    """Records, or requests, that wait; where none does, events that one stage lacks still."""
    oldest_at: int = 0
    broken: tuple[Break, ...] = ()


def judge(days: Mapping[date, DayAccount], evidence: Evidence, now: datetime) -> Verdict:
    """Return the verdict on a range of days of a site."""
    now_ms = int(now.timestamp() * 1000)
    settling = [day for day in days.values() if not day.account.balanced]
    unsettled = [day for day in settling if not _is_settled(day, evidence, now_ms)]
    broken = (
        *evidence.broken,
        *(_stuck(one, now_ms) for one in evidence.waiting if is_stuck(one, now_ms)),
        *_lost(days, evidence),
        *_dead(evidence),
        *_unequal(days, unsettled),
    )
    count, oldest_at = _in_flight(evidence.waiting, unsettled)
    if broken:
        return Verdict("broken", count, oldest_at, broken)
    return Verdict("in_flight" if count else "balanced", count, oldest_at)


def verdict_document(verdict: Verdict, evidence: Evidence) -> dict[str, Any]:
    """Return the state, and what it is made of, as JSON."""
    return {
        "state": verdict.state,
        "in_flight": verdict.in_flight,
        "oldest": moment_of(verdict.oldest_at) if verdict.in_flight else None,
        "broken": [
            {**asdict(one), "day": one.day.isoformat() if one.day else None}
            for one in verdict.broken
        ],
        "waiting": [
            {"where": one.where, "count": one.count, "oldest": moment_of(one.oldest_at)}
            for one in evidence.waiting
            if one.count
        ],
        "dead_letters": evidence.dead_letters,
        "witnesses": list(evidence.witnesses),
    }


def _is_settled(day: DayAccount, evidence: Evidence, now_ms: int) -> bool:
    """Say whether nothing that is known to wait can be what a day lacks."""
    behind = any(
        one.count and not is_stuck(one, now_ms) and one.oldest_at <= day.newest_at
        for one in evidence.waiting
        if one.where != SPILL
    )
    return not behind and now_ms - day.newest_at > _ms(GRACE)


def is_stuck(one: Waiting, now_ms: int) -> bool:
    """Say whether something waits where nothing has moved for GRACE."""
    return one.count > 0 and now_ms - max(one.oldest_at, one.moved_at) > _ms(GRACE)


def _stuck(one: Waiting, now_ms: int) -> Break:
    minutes = (now_ms - max(one.oldest_at, one.moved_at)) // _ms(timedelta(minutes=1))
    waiting = f"{one.count:,} waiting, the oldest since {_read(one.oldest_at)}"
    if one.where == SPILL:
        return Break(
            f"the stream has not taken what was spilled for {minutes:,} min, {waiting}", SPILL
        )
    return Break(f"the {one.where} consumer has not moved for {minutes:,} min, {waiting}", "stream")


def _lost(days: Mapping[date, DayAccount], evidence: Evidence) -> Iterator[Break]:
    """Give what the collector accepted that is nowhere."""
    if not evidence.is_all_seen:
        return
    for day, accepted in sorted(evidence.accepted.items()):
        archived = days[day].archived if day in days else 0
        lost = accepted - archived - evidence.on_the_way.get(day, 0)
        if lost > 0:
            yield Break(
                f"{_many(lost, 'event')} lost that the collector accepted",
                "between collector and archive",
                day,
            )


def _dead(evidence: Evidence) -> Iterator[Break]:
    if evidence.dead_letters:
        count = evidence.dead_letters
        yield Break(
            f"{_many(count, 'record')} not counted, the newest of"
            f" {_read(evidence.newest_letter_at)}",
            "dead letters",
        )


def _unequal(days: Mapping[date, DayAccount], unsettled: Iterable[DayAccount]) -> Iterator[Break]:
    still = [id(one) for one in unsettled]
    for day, one in sorted(days.items()):
        account = one.account
        if account.balanced or id(one) in still:
            continue
        gaps = (
            (account.unaccounted, "hit", "that came to nothing", "accounted for too often"),
            (account.unarchived, "event", "accepted and not archived", "archived too often"),
            (account.uncounted, "event", "accepted and not counted", "counted too often"),
        )
        said = [
            f"{_many(abs(gap), noun)} {missing if gap > 0 else surplus}"
            for gap, noun, missing, surplus in gaps
            if gap
        ]
        yield Break(", ".join(said), "ledgers", day)


def _in_flight(waiting: Iterable[Waiting], unsettled: Iterable[DayAccount]) -> tuple[int, int]:
    """Return how much is on its way, and since when.

    A record that waits for several consumers is one.
    """
    there = [one for one in waiting if one.count]
    spilled = sum(one.count for one in there if one.where == SPILL)
    count = spilled + max((one.count for one in there if one.where != SPILL), default=0)
    if count:
        return count, min(one.oldest_at for one in there)
    days = list(unsettled)
    events = sum(
        abs(gap)
        for one in days
        for gap in (one.account.unaccounted, one.account.unarchived, one.account.uncounted)
    )
    return events, min((one.newest_at for one in days), default=0)


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


def _read(milliseconds: int) -> str:
    """Return an instant as people read it."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _ms(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)
