"""Events of which it is known beforehand what they must add up to.

A dozen visitors come once, and send a number of requests each with one view of every page and one
custom event. Some requests are sent twice, as a browser does that saw no answer.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from infra.verify.errors import CheckError
from liveinsight.caller import RECONCILIATION_PATH, STATS_PATH, Answer, Caller

VISITORS = 12
REQUESTS = 5
"""Of each visitor."""
PAGES = ("/", "/pricing", "/docs", "/blog")
SENT_AGAIN = 2
"""Requests of each visitor that come twice."""

EVENTS = VISITORS * REQUESTS * (len(PAGES) + 1)
REPEATED = VISITORS * SENT_AGAIN * (len(PAGES) + 1)

TOTALS = {
    "visitors": VISITORS,
    "visits": VISITORS,
    "pageviews": VISITORS * REQUESTS * len(PAGES),
    "events": VISITORS * REQUESTS,
    "bounce_rate": 0.0,
}
BREAKDOWN = {page: {"visitors": VISITORS, "pageviews": VISITORS * REQUESTS} for page in PAGES}
ACCOUNT = {
    "state": "balanced",
    "received": EVENTS + REPEATED,
    "accepted": EVENTS,
    "duplicates": REPEATED,
    "archived": EVENTS,
    "counted": EVENTS,
}

WAIT_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Sends the events to a private site, and reads its numbers.

    Attributes:
        url: of the API.
        site_id: the site.
        read_key: shows its numbers.
        began_at: when all events occurred: they are of one day, whatever the time.
    """

    url: str
    site_id: str
    read_key: str
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def send(self) -> int:
        """Send everything, one request after the other, and return how many there were.

        Raises:
            CheckError: something was not accepted.
        """
        requests = 0
        for visitor in range(VISITORS):
            caller, session_id = self._visitor(visitor), f"session-{visitor:06}"
            token = _document(caller.ask_token(session_id))["csrf_token"]
            for request in range(REQUESTS):
                events = list(self._events(visitor, request))
                for _ in range(2 if request < SENT_AGAIN else 1):
                    answer = _document(caller.send(session_id, token, events))
                    if answer.get("accepted") != len(events):
                        raise CheckError(f"not all events were accepted: {answer}")
                    requests += 1
        return requests

    def wait(self) -> None:
        """Wait until as many events are counted and archived as were sent, or the time is up."""
        ends_at = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < ends_at:
            account = self._get(RECONCILIATION_PATH)
            if all(account[name] >= ACCOUNT[name] for name in ("received", "archived", "counted")):
                return
            time.sleep(1)

    def differences(self) -> list[str]:
        """Return what the answers say otherwise than what was sent."""
        stats, account = self._get(STATS_PATH), self._get(RECONCILIATION_PATH)
        pages = {row["value"]: row for row in stats["breakdowns"]["page"]}
        return [
            *_differences("totals", TOTALS, stats["totals"]),
            *(line for page in PAGES for line in _page_differences(page, pages)),
            *(f"page {page} was never sent" for page in sorted(pages.keys() - PAGES)),
            *_differences("reconciliation", ACCOUNT, account),
        ]

    def _events(self, visitor: int, request: int) -> Iterator[dict[str, object]]:
        names = [*(("page_view", page) for page in PAGES), ("custom", PAGES[0])]
        for index, (event_type, page) in enumerate(names):
            yield {
                "event_id": str(uuid5(UUID(int=visitor), f"{request}/{index}")),
                "event_type": event_type,
                "page_url": f"https://{self.site_id}{page}",
                "timestamp": int(self.began_at.timestamp() * 1000),
                **({"name": "signup"} if event_type == "custom" else {}),
            }

    def _visitor(self, visitor: int) -> Caller:
        address = f"203.0.113.{visitor + 1}"  # of RFC 5737
        # What CloudFront says of a viewer, and what a proxy before the embedded engine says.
        told = {"CloudFront-Viewer-Address": f"{address}:40000", "X-Forwarded-For": address}
        return Caller(self.url, self.site_id, sent=told)

    def _get(self, path: str) -> dict[str, Any]:
        # The ledger is by day of arrival, which may be the next.
        days = {"from": self.began_at.date(), "to": self.began_at.date() + timedelta(days=1)}
        query = {name: str(day) for name, day in days.items()}
        caller = Caller(self.url, self.site_id, self.read_key)
        return _document(caller.get(path, site_id=self.site_id, **query))


def _document(answer: Answer) -> dict[str, Any]:
    if answer.status != 200:  # noqa: PLR2004 - OK
        raise CheckError(str(answer), answer.content.decode())
    return answer.document()


def _page_differences(page: str, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield from _differences(f"page {page}", BREAKDOWN[page], rows.get(page, {}))


def _differences(
    where: str, expected: Mapping[str, object], found: Mapping[str, object]
) -> Iterator[str]:
    for name, value in expected.items():
        if found.get(name) != value:
            yield f"{where}: {name} is {found.get(name)}, and {value} was sent"
