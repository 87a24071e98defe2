"""The smoke test: does a system that is up take an event, show it, count it, and refuse nonsense?

It sends one real page view, of a page that no visitor has, and asks until the answers show it. So
it adds one page view to its site: give it a site of its own where that matters.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from liveinsight.caller import REALTIME_PATH, RECONCILIATION_PATH, STATS_PATH, Caller
from liveinsight.operations.verdict import (
    Check,
    FailedCheck,
    Outcome,
    SkippedCheck,
    document,
    problem,
    shown,
    take,
)
from runtime.errors import RetryableError
from schemas.hit import EVENTS_PATH

MOST_PAGES = 1000
"""The longest breakdown that the stats API gives."""
CACHE_ATTEMPTS = 5
"""Requests of which CloudFront must have answered one from its cache; each edge has its own."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the answers may take to show an event, and the pause between two questions."""

    timeout: timedelta = timedelta(seconds=120)
    pause: timedelta = timedelta(seconds=1)


@dataclass(slots=True)
class SmokeTest:
    """One run. Its methods are the checks, in the order of CHECKS; each returns what it saw.

    Attributes:
        caller: calls the system.
        event_id: of the event that is sent.
        patience: how long to wait for it.
        progress: is told what is waited for.
    """

    caller: Caller
    event_id: UUID
    patience: Patience
    progress: Progress
    token: str = ""
    is_sent: bool = False
    pageviews_before: int = 0
    as_of_before: str = ""
    session_id: str = field(init=False)
    page: str = field(init=False)

    def __post_init__(self) -> None:
        self.session_id = f"smoke-{self.event_id.hex}"
        self.page = f"/liveinsight-smoke/{self.event_id.hex[:12]}"

    def issues_a_token(self) -> str:
        """A session gets its token."""
        issued = document(self.caller.ask_token(self.session_id))
        self.token = take(issued, "csrf_token", str)
        return f"a token for {take(issued, 'expires_in', int):,} s"

    def answers_realtime(self) -> str:
        """The live view is answered in its shape."""
        live = self._live()
        self.as_of_before = str(live.get("as_of") or "")
        return f"{take(live, 'current_visitors', int):,} current visitors"

    def answers_stats(self) -> str:
        """The numbers are answered in their shape."""
        self.pageviews_before = self._pageviews(self._stats())
        return f"{self.pageviews_before:,} pageviews since yesterday"

    def accepts_an_event(self) -> str:
        """A page view is taken, and by the stream: 200 comes after its acknowledgement."""
        if not self.token:
            raise SkippedCheck("there is no token")
        event = {
            "event_id": str(self.event_id),
            "event_type": "page_view",
            "page_url": f"https://{self.caller.site_id}{self.page}",
        }
        receipt = document(self.caller.send(self.session_id, self.token, [event]))
        if receipt != {"accepted": 1, "duplicates": 0, "rejected": []}:
            raise FailedCheck(f"the event was not accepted: {receipt}")
        self.is_sent = True
        return f"a page view of {self.page}"

    def shows_the_event(self) -> str:
        """The realtime consumer has it."""

        def shown() -> str | None:
            live = self._live()
            pages = take(take(live, "top", dict), "page", list)
            if any(row.get("value") == self.page for row in pages):
                return "the page is among those that visitors are on"
            is_newer = str(live.get("as_of") or "") > self.as_of_before
            if is_newer and len(pages) >= 10:  # noqa: PLR2004 - the list is full
                return "newer events are there; the page is not among the ten busiest"
            return None

        return self._eventually("realtime to show the event", shown)

    def counts_the_event(self) -> str:
        """The stats consumer has it."""

        def counted() -> str | None:
            numbers = self._stats()
            pages = take(take(numbers, "breakdowns", dict), "page", list)
            if any(row.get("value") == self.page for row in pages):
                return f"the page is counted, {self._pageviews(numbers):,} pageviews in all"
            is_more = self._pageviews(numbers) > self.pageviews_before
            if is_more and len(pages) >= MOST_PAGES:
                return f"there are more pageviews; the page is not among the {MOST_PAGES:,} busiest"
            return None

        return self._eventually("stats to count the event", counted)

    def views_of_the_page(self) -> int:
        """Return how many views of the page are counted; 0 where it is not among the busiest."""
        pages = take(take(self._stats(), "breakdowns", dict), "page", list)
        return sum(int(take(row, "pageviews", int)) for row in pages if row["value"] == self.page)

    def allows_caching(self) -> str:
        """Answers say how long they hold, and CloudFront, where it stands in front, keeps them."""
        first = self.caller.get(REALTIME_PATH, site_id=self.caller.site_id)
        document(first)
        rule = first.header("Cache-Control")
        if not re.search(r"max-age=[1-9]", rule):
            raise FailedCheck(f"Cache-Control of {REALTIME_PATH} is {rule!r}: it has no max-age")
        if not first.header("X-Cache"):
            return f"Cache-Control: {rule}; no CloudFront in front"
        if "public" not in rule:
            return f"Cache-Control: {rule}; CloudFront does not keep private answers"
        for _ in range(CACHE_ATTEMPTS):
            answer = self.caller.get(REALTIME_PATH, site_id=self.caller.site_id)
            if "hit" in answer.header("X-Cache").lower():
                return f"Cache-Control: {rule}; CloudFront answers from its cache"
        raise FailedCheck(
            f"{CACHE_ATTEMPTS} repeated requests were all answered with X-Cache:"
            f" {answer.header('X-Cache')}: look at the cache policy of {REALTIME_PATH}"
        )

    def answers_a_preflight(self) -> str:
        """Pages of other hosts may send events."""
        answer = self.caller.preflight(EVENTS_PATH)
        allowed = answer.header("Access-Control-Allow-Headers").lower()
        if answer.status not in {200, 204} or "x-csrf-token" not in allowed:
            raise FailedCheck(f"OPTIONS {EVENTS_PATH} gave {shown(answer)}, allowing {allowed!r}")
        return f"{answer.status}, for {answer.header('Access-Control-Allow-Origin')}"

    def refuses_a_bad_body(self) -> str:
        """A body that is not JSON is a problem of the caller's."""
        return problem(self.caller.post_text(EVENTS_PATH, "{"))

    def refuses_a_missing_token(self) -> str:
        """An event without a token is not taken."""
        return problem(self.caller.post(EVENTS_PATH, {"session_id": self.session_id}))

    def refuses_a_bad_query(self) -> str:
        """A date that is none is a problem of the caller's."""
        parameters = {"site_id": self.caller.site_id, "from": "yesterday"}
        return problem(self.caller.get(STATS_PATH, **parameters))

    def answers_reconciliation(self) -> str:
        """What was accepted today was archived and counted, where that API is deployed."""
        answer = self.caller.get(RECONCILIATION_PATH, site_id=self.caller.site_id)
        if answer.status == 404:  # noqa: PLR2004 - Not Found
            raise SkippedCheck(f"{RECONCILIATION_PATH} is not here")
        account = document(answer)
        state = str(take(account, "state", str))
        if state == "broken":
            losses = take(account, "broken", list)
            found = "; ".join(f"{one['where']}: {one['what']}" for one in losses)
            raise FailedCheck(f"today's events do not add up: {found}")
        return state.replace("_", " ")

    def _live(self) -> dict[str, Any]:
        return document(self.caller.get(REALTIME_PATH, site_id=self.caller.site_id))

    def _stats(self) -> dict[str, Any]:
        """Return the numbers of the days around now, so that no midnight comes between."""
        today = datetime.now(UTC).date()
        parameters = {
            "site_id": self.caller.site_id,
            "from": str(today - timedelta(days=1)),
            "to": str(today + timedelta(days=1)),
            "limit": str(MOST_PAGES),
        }
        return document(self.caller.get(STATS_PATH, **parameters))

    @staticmethod
    def _pageviews(numbers: dict[str, Any]) -> int:
        return int(take(take(numbers, "totals", dict), "pageviews", int))

    def _eventually(self, what: str, seen: Callable[[], str | None]) -> str:
        if not self.is_sent:
            raise SkippedCheck("no event was accepted")
        began_at = time.monotonic()
        limit = self.patience.timeout.total_seconds()
        while (found := seen()) is None:
            waited = time.monotonic() - began_at
            if waited > limit:
                raise FailedCheck(f"waited {limit:g} s for {what}: is its consumer running?")
            self.progress(f"waiting for {what}: {waited:.0f} of {limit:g} s")
            time.sleep(self.patience.pause.total_seconds())
        return found


CHECKS: tuple[tuple[str, Callable[[SmokeTest], str]], ...] = (
    ("issues a token", SmokeTest.issues_a_token),
    ("answers realtime", SmokeTest.answers_realtime),
    ("answers stats", SmokeTest.answers_stats),
    ("accepts an event", SmokeTest.accepts_an_event),
    ("answers a preflight", SmokeTest.answers_a_preflight),
    ("refuses a bad body", SmokeTest.refuses_a_bad_body),
    ("refuses a missing token", SmokeTest.refuses_a_missing_token),
    ("refuses a bad query", SmokeTest.refuses_a_bad_query),
    ("allows caching", SmokeTest.allows_caching),
    ("shows the event", SmokeTest.shows_the_event),
    ("counts the event", SmokeTest.counts_the_event),
    ("answers reconciliation", SmokeTest.answers_reconciliation),
)
"""In this order: the numbers are read before the event is sent, and asked for it last."""


def run(test: SmokeTest) -> Iterator[Check]:
    """Make every check; yield each as soon as it is made."""
    for name, check in CHECKS:
        yield made(name, check, test)


def made(name: str, check: Callable[[SmokeTest], str], test: SmokeTest) -> Check:
    """Make a check; return what it came to."""
    began_at = time.monotonic()
    try:
        outcome, detail = Outcome.PASSED, check(test)
    except SkippedCheck as verdict:
        outcome, detail = Outcome.SKIPPED, str(verdict)
    except (FailedCheck, RetryableError) as verdict:
        outcome, detail = Outcome.FAILED, str(verdict)
    return Check(name, outcome, time.monotonic() - began_at, detail)


def has_passed(checks: Sequence[Check]) -> bool:
    """Say whether no check failed."""
    return all(check.outcome is not Outcome.FAILED for check in checks)
