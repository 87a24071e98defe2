"""How long a running system takes to answer, at each of its four endpoints and several callers.

What is measured is what a caller waits for, the network between included. Each caller keeps one
connection, and its first request, which opens it, does not count.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from threading import Event
from uuid import uuid4

from liveinsight.caller import REALTIME_PATH, STATS_PATH, Answer, Caller
from liveinsight.operations.verdict import FailedCheck, document, take
from runtime.errors import RetryableError
from schemas.hit import EVENTS_PATH, TOKEN_PATH

FEWEST, MOST = 10, 1000
"""Requests of an endpoint. More are a load test: the web ACL lets 10,000 of one address pass in
five minutes."""
NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a system is measured.

    Attributes:
        requests: to each endpoint.
        concurrency: callers at once.
        target_ms: what 95 of 100 answers may take.
    """

    requests: int = 100
    concurrency: int = 10
    target_ms: float = 100.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What the answers of one endpoint took, in milliseconds.

    Attributes:
        endpoint: method and path.
        answers: those that came as they should.
        failed: how often each other status came, or none.
        p50: of the good answers, as are the others; None where there is none.
    """

    endpoint: str
    answers: int
    failed: dict[str, int]
    p50: float | None
    p95: float | None
    p99: float | None
    slowest: float | None
    passed: bool


Asks = Callable[[], Answer]
"""Sends one request."""


@dataclass(slots=True)
class Bench:
    """Measures one system, as one site's visitors and readers.

    Attributes:
        caller: makes a caller, with a connection of its own.
        plan: how.
        stop: ends it early.
    """

    caller: Callable[[], Caller]
    plan: Plan
    stop: Event

    def tokens(self) -> Measured:
        """Measure asking for tokens."""
        return self._measure(f"POST {TOKEN_PATH}", _asks_token)

    def events(self) -> Measured:
        """Measure sending page views: each is counted."""
        return self._measure(f"POST {EVENTS_PATH}", _sends_events)

    def realtime(self) -> Measured:
        """Measure reading the live view."""
        return self._measure(f"GET {REALTIME_PATH}", lambda caller: _reads(caller, REALTIME_PATH))

    def stats(self) -> Measured:
        """Measure reading the numbers of today."""
        return self._measure(f"GET {STATS_PATH}", lambda caller: _reads(caller, STATS_PATH))

    def _measure(self, endpoint: str, asks: Callable[[Caller], Asks]) -> Measured:
        callers = min(self.plan.concurrency, self.plan.requests)
        shares = [self.plan.requests // callers] * callers
        for extra in range(self.plan.requests % callers):
            shares[extra] += 1
        with ThreadPoolExecutor(callers) as threads:
            running = [threads.submit(self._ask, asks, share) for share in shares]
            parts = [one.result() for one in running]
        times = sorted(time for part, _ in parts for time in part)
        failed = sum((counts for _, counts in parts), Counter[str]())
        return measured(endpoint, times, dict(failed), self.plan.target_ms)

    def _ask(
        self, asks: Callable[[Caller], Asks], requests: int
    ) -> tuple[list[float], Counter[str]]:
        """Return the milliseconds of the good answers, and the statuses of the others."""
        times: list[float] = []
        failed: Counter[str] = Counter()
        try:
            ask = asks(self.caller())
            ask()
        except (RetryableError, FailedCheck) as error:
            failed[str(error)] += requests
            return times, failed
        for _ in range(requests):
            if self.stop.is_set():
                break
            try:
                answer = ask()
            except RetryableError:
                failed[NO_ANSWER] += 1
                continue
            if answer.status == HTTPStatus.OK:
                times.append(answer.seconds * 1000)
            else:
                failed[str(answer.status)] += 1
        return times, failed


def measured(
    endpoint: str, times: Sequence[float], failed: dict[str, int], target_ms: float
) -> Measured:
    """Return what sorted times come to; it passes if nothing failed and p95 keeps the target."""
    p95 = percentile(times, 95)
    return Measured(
        endpoint,
        len(times),
        failed,
        percentile(times, 50),
        p95,
        percentile(times, 99),
        times[-1] if times else None,
        passed=p95 is not None and p95 <= target_ms and not failed,
    )


def percentile(times: Sequence[float], percent: float) -> float | None:
    """Return the time that so many percent of sorted times do not exceed; None of none."""
    return times[math.ceil(len(times) * percent / 100) - 1] if times else None


def _asks_token(caller: Caller) -> Asks:
    return lambda: caller.ask_token(f"bench-{uuid4().hex}")


def _sends_events(caller: Caller) -> Asks:
    """One visitor's page views, with one token."""
    session_id = f"bench-{uuid4().hex}"
    token = take(document(caller.ask_token(session_id)), "csrf_token", str)
    page = f"https://{caller.site_id}/liveinsight-bench"

    def send() -> Answer:
        view = {"event_id": str(uuid4()), "event_type": "page_view", "page_url": page}
        return caller.send(session_id, token, [view])

    return send


def _reads(caller: Caller, path: str) -> Asks:
    return lambda: caller.get(path, site_id=caller.site_id)


ENDPOINTS: tuple[Callable[[Bench], Measured], ...] = (
    Bench.tokens,
    Bench.events,
    Bench.realtime,
    Bench.stats,
)
