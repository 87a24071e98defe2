"""A consumer on moto dies at its k-th call of AWS, for every k; the next one counts exactly.

A call ends in one of four ways: the process dies before it is sent; it is done, and the process
dies before the answer; it is done and the answer is lost, which is a fault; or the answer is lost
and the client repeats the call.
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Literal, Protocol
from uuid import UUID

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.core.models import botocore_stubber

from aggregates.ledger import ARCHIVE_GENERATION
from aggregates.rollup import Rollup, merge
from processors.archive.processor import ArchiveProcessor
from processors.archive.store import ObjectArchiveStore
from processors.dead_letter import DeadLetters
from processors.record import Record
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.errors import RetryableError
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site
from schemas.event import Context, Event, EventBatch, EventType, RejectedHit
from tests import oracle
from tests.aws import ONE_ATTEMPT, TWO_ATTEMPTS, Aws, Clients, hooked, simulated_aws
from tests.processors.stream import SITE, record, records
from tests.simulation.variants import states_first
from tests.whole_days import whole_days

TIMEZONE = "Europe/Berlin"
MIDNIGHT = int(datetime(2026, 5, 3, 22, 0, tzinfo=UTC).timestamp()) * 1000
NOW = datetime(2026, 5, 3, 22, 20, tzinfo=UTC)

End = Literal["before", "after", "lost answer", "lost answer, repeated"]
ENDS: list[End] = ["before", "after", "lost answer", "lost answer, repeated"]
SPLITS = {"the whole batch again": [(0, 4)], "in two halves": [(0, 1), (0, 4)]}


class Crash(BaseException):
    """The process is gone: nothing after this runs."""


@dataclass
class Calls:
    """Counts the calls of a process and ends one of them badly."""

    bad: int
    end: End
    made: int = 0
    dead: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __call__(self, request: Any, event_name: str, **_: Any) -> None:
        with self.lock:
            if self.dead:
                raise Crash
            self.made += 1
            if self.made == self.bad:
                self._end(request, event_name)

    def _end(self, request: Any, event_name: str) -> None:
        self.dead = self.end in {"before", "after"}
        if self.end != "before":
            botocore_stubber(event_name, request)
        if self.dead:
            raise Crash
        raise ReadTimeoutError(endpoint_url=request.url)


class Runs(Protocol):
    def run(self, records: Any, *, now: datetime) -> Any: ...


def event(number: int, minute: int, kind: EventType = EventType.PAGE_VIEW) -> Event:
    return Event(
        event_id=UUID(int=number).bytes,
        event_type=kind,
        occurred_at=MIDNIGHT + minute * 60_000,
        session_id="session-a",
        page=f"/{number}",
        name="signup" if kind is EventType.CUSTOM else "",
    )


BATCHES = [
    replace(
        EventBatch(SITE, b"\0" * 8, MIDNIGHT, Context(), (event(1, -10), event(2, 5))),
        received=3,
        rejected=(RejectedHit("invalid_field", "name"),),
    ),
    EventBatch(SITE, b"\0" * 7 + b"\1", MIDNIGHT, Context(country="DE"), (event(3, -1),)),
    EventBatch(SITE, b"\0" * 8, MIDNIGHT, Context(), (event(2, 5), event(4, 7, EventType.CUSTOM))),
]
"""Two visitors in two partitions, visits on both sides of a midnight, an event twice, a refusal."""

STREAM: list[Record] = [*records(BATCHES), record(b"poison", 4)]


def stats(aws: Aws) -> StatsProcessor:
    return StatsProcessor(
        SiteCache(aws.sites()),
        StatsStores(
            aws.rollups(),
            aws.seals(),
            aws.visitors(),
            DeadLetters(aws.bucket("dead-letters", "records/")),
        ),
    )


def archive(aws: Aws) -> ArchiveProcessor:
    return ArchiveProcessor(SiteCache(aws.sites()), aws.archive_stores())


def rollups(aws: Aws, generation: int) -> oracle.Days:
    days: dict[date, list[Rollup]] = {}
    for key, stored in whole_days(
        aws.rollups(), generation, SITE, date(2026, 5, 1), date(2026, 5, 9)
    ):
        days.setdefault(key.day, []).append(stored.rollup)
    return {day: dict(merge(parts).rows) for day, parts in days.items()}


def check_stats(aws: Aws) -> None:
    assert rollups(aws, 1) == oracle.count(BATCHES, TIMEZONE)


def check_archive(aws: Aws) -> None:
    held = list(ObjectArchiveStore(aws.bucket("archive")).records("shardId-0"))
    assert [(one.sequence_number, one.data) for one in held] == [
        (one.position.sequence_number, one.data) for one in STREAM
    ]
    assert rollups(aws, ARCHIVE_GENERATION) == oracle.archived(BATCHES, TIMEZONE)
    ids = [raw.event.event_id for raw in aws.events().session("session-a")]
    assert ids == [UUID(int=number).bytes for number in (1, 3, 2, 4)]


def calls_survived(
    end: End, split: str, make: Callable[[Aws], Runs], check: Callable[[Aws], None]
) -> int:
    """Return at how many calls the process was ended: each of one run."""
    dying = Clients(TWO_ATTEMPTS if end == "lost answer, repeated" else ONE_ATTEMPT)
    for bad in range(1, 100):
        calls = Calls(bad, end)
        with simulated_aws():
            aws = Aws()
            aws.sites().add(Site(site_id=SITE, timezone=TIMEZONE))
            with ExitStack() as hooks:
                for client in (dying.dynamodb, dying.s3):
                    hooks.enter_context(hooked(client, calls))
                with suppress(Crash, RetryableError):
                    make(Aws(dying)).run(STREAM, now=NOW)
            for first, last in SPLITS[split]:
                make(aws).run(STREAM[first:last], now=NOW)
            check(aws)
            assert len(aws.contents("dead-letters")) == 1
        if calls.made < bad:
            return bad - 1
    raise AssertionError("a run makes more than 100 calls")


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("make", "check", "least"), [(stats, check_stats, 9), (archive, check_archive, 4)]
)
def test_whatever_call_a_process_dies_at_everything_is_counted_once(
    end: End,
    split: str,
    make: Callable[[Aws], Runs],
    check: Callable[[Aws], None],
    least: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    assert calls_survived(end, split, make, check) >= least


def test_writing_states_before_rollups_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    states_first(monkeypatch)
    with pytest.raises(AssertionError):
        calls_survived("after", "the whole batch again", stats, check_stats)
