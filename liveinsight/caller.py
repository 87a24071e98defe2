"""Calls a running system over HTTP, as the tracker and the readers of its numbers do."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import urllib3

from runtime.errors import RetryableError, UsageError
from schemas.hit import EVENTS_PATH, TOKEN_PATH

REALTIME_PATH = "/api/realtime"
STATS_PATH = "/api/stats"
RECONCILIATION_PATH = "/api/reconciliation"

BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
"""The collector drops events of programs, and these are to be counted."""

TIMEOUT = urllib3.Timeout(connect=5, read=30)
"""Seconds. API Gateway gives up after 29.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""

PASSING = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Answers after which the same request may succeed."""


PATH = re.compile(r"[^\s?#\x00-\x20\x7f]*")


def base_url(url: str) -> str:
    """Return the address of a system, without a slash at the end.

    Raises:
        UsageError: no system can be there.
    """
    advice = "write it as https://stats.example.com"
    try:
        parts = urlsplit(url)
        port = parts.port
        urllib3.util.parse_url(url)
        host = (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise UsageError(f"{url!r} is no address ({error}): {advice}") from error
    if parts.scheme not in {"http", "https"} or not host or port == 0 or not PATH.fullmatch(url):
        raise UsageError(f"{url!r} is no address: {advice}")
    return url.rstrip("/")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The collector took the request."""

    accepted: int
    duplicates: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. Header names are in lower case."""

    path: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float

    def document(self) -> dict[str, Any]:
        """Return the JSON object in the body; empty where there is none."""
        try:
            found = json.loads(self.content)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def header(self, name: str) -> str:
        """Return a header, or an empty text."""
        return self.headers.get(name.lower(), "")

    def token(self) -> str:
        """Return the token that was given; empty: none was."""
        given = self.document().get("csrf_token")
        return given if self.status == HTTPStatus.OK and isinstance(given, str) else ""

    def receipt(self) -> Receipt | None:
        """Return what became of events, if the answer says so."""
        match self.status, self.document():
            case HTTPStatus.OK, {
                "accepted": int(accepted),
                "duplicates": int(duplicates),
                "rejected": [*rejected],
            }:
                return Receipt(accepted, duplicates, len(rejected))
        return None

    def is_passing(self) -> bool:
        """Say whether the same request may succeed later."""
        return self.status in PASSING

    def retry_after(self) -> float:
        """Return how many seconds the system asks to wait; 0: it does not say."""
        seconds = self.header("Retry-After")
        return float(seconds) if seconds.isdigit() else 0.0

    def __str__(self) -> str:
        """Return what a problem document says, in one line."""
        detail = self.document().get("detail", "")
        return f"{self.path} answered {self.status}" + (f": {detail}" if detail else "")


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls one system. Safe to share between threads.

    Every call raises RetryableError where there was no answer.

    Attributes:
        url: where it is, without a slash at the end.
        site_id: the site whose page the caller pretends to be.
        read_key: shows private numbers; empty: none.
        sent: headers of every request, such as those that tell one visitor from another.
    """

    url: str
    site_id: str = ""
    read_key: str = ""
    sent: Mapping[str, str] = field(default_factory=dict)
    _pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=TIMEOUT)
    )

    def get(self, path: str, **parameters: str) -> Answer:
        """Read something, with the read key where there is one."""
        headers = {"X-API-Key": self.read_key} if self.read_key else {}
        return self._call("GET", path, headers, fields=parameters)

    def ask_token(self, session_id: str) -> Answer:
        """Ask for the token of a session."""
        return self.post(TOKEN_PATH, {"session_id": session_id, "site_id": self.site_id})

    def send(self, session_id: str, token: str, events: Sequence[Mapping[str, object]]) -> Answer:
        """Send events of one session in one request."""
        return self.post(
            EVENTS_PATH, {"session_id": session_id, "csrf_token": token, "events": events}
        )

    def post(self, path: str, body: object) -> Answer:
        """Send JSON as the tracker does."""
        return self.post_text(path, json.dumps(body))

    def post_text(self, path: str, body: str) -> Answer:
        """Send a text as the tracker does, be it JSON or not."""
        return self._call("POST", path, self._of_a_page(), body=body)

    def preflight(self, path: str) -> Answer:
        """Ask as a browser does before a request that is not simple."""
        asked = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-csrf-token,x-session-id",
        }
        return self._call("OPTIONS", path, {**self._of_a_page(), **asked})

    def _of_a_page(self) -> dict[str, str]:
        origin = {"Origin": f"https://{self.site_id}"} if self.site_id else {}
        return {"Content-Type": "application/json", **origin}

    def _call(self, method: str, path: str, headers: Mapping[str, str], **sent: Any) -> Answer:
        always = {"User-Agent": BROWSER, "Accept": "application/json"}
        began_at = time.monotonic()
        try:
            response = self._pool.request(
                method,
                self.url + path,
                headers={**always, **headers, **self.sent},
                redirect=False,
                **sent,
            )
        except urllib3.exceptions.HTTPError as error:
            raise RetryableError(f"{method} {path}: no answer: {error}") from error
        return Answer(
            path,
            response.status,
            {name.lower(): value for name, value in response.headers.items()},
            response.data,
            time.monotonic() - began_at,
        )
