"""Posts the events of sessions to a collector, as a browser behind CloudFront would."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from urllib.parse import quote

import urllib3

from ingest.hits.client import Client
from liveinsight.traffic.latency import LatencyHistogram
from liveinsight.traffic.simulation import SimulatedEvent
from runtime.errors import UsageError

TOKEN_PATH = "/api/csrf-token"  # noqa: S105 - a path
EVENTS_PATH = "/api/events"

ATTEMPTS = 8
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
TIMEOUT = urllib3.Timeout(connect=5, read=30)
REMEMBERED_TOKENS = 5000
"""Sessions whose token is kept; a visit seldom outlives so many others."""

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
TOKEN_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(slots=True)
class Counts:
    """What became of the events of one sender."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    failed: int = 0
    requests: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The collector took the request."""

    accepted: int
    duplicates: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Again:
    """The request may not have arrived, or may succeed later."""

    why: str
    pause_seconds: float = 0.0
    """At least; what the collector asked for."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The request will never be taken."""

    why: str


class EventSender:
    """Sends one request after the other over one connection. For one thread.

    Args:
        base_url: where the collector is, without a slash at the end.
        site_id: the site that the events are for.
        stop: ends the pauses before a request is repeated.
        rng: spreads these pauses.
    """

    def __init__(self, base_url: str, site_id: str, stop: threading.Event, rng: Random) -> None:
        self.counts = Counts()
        self.latency = LatencyHistogram()
        self._base_url = base_url
        self._site_id = site_id
        self._stop = stop
        self._rng = rng
        self._is_answered = True
        self._pool = urllib3.PoolManager(num_pools=1, retries=False, timeout=TIMEOUT)
        self._tokens: OrderedDict[str, str] = OrderedDict()

    def deliver(self, events: Sequence[SimulatedEvent], happened_at: float) -> None:
        """Send events of one session in one request, repeatedly if need be, and count them.

        Args:
            events: one or more; their event ids stay the same over all attempts.
            happened_at: when they happened, by the monotonic clock.

        Raises:
            UsageError: the collector gives this site no tokens, or has never answered.
        """
        self.counts.sent += len(events)
        for attempt in range(ATTEMPTS if self._is_answered else 1):
            answer = self._attempt(events, happened_at)
            if isinstance(answer, Receipt):
                self._is_answered = True
                self.counts.accepted += answer.accepted
                self.counts.duplicates += answer.duplicates
                self.counts.rejected += answer.rejected
                return
            self.counts.problem = self.counts.problem or answer.why
            if isinstance(answer, Refused) or self._stop.wait(self._pause(attempt, answer)):
                break
        else:
            self._give_up()
        self.counts.failed += len(events)

    def _give_up(self) -> None:
        """Try every further request only once, until one is answered."""
        self._is_answered = False
        if not self.counts.accepted + self.counts.duplicates + self.counts.rejected:
            raise UsageError(f"{self._base_url} takes no events: {self.counts.problem}")

    def _attempt(
        self, events: Sequence[SimulatedEvent], happened_at: float
    ) -> Receipt | Again | Refused:
        session_id = events[0].hit.session_id or ""
        token = self._token(session_id, events[0].client)
        if isinstance(token, Again):
            return token
        # The age grows with every attempt, so that the time of the event stays the same.
        age_ms = int((time.monotonic() - happened_at) * 1000)
        body = {
            "session_id": session_id,
            "csrf_token": token,
            "events": [_fields(event, age_ms) for event in events],
        }
        began_at = time.monotonic()
        response = self._post(EVENTS_PATH, body, events[0].client)
        if isinstance(response, Again):
            return response
        self.latency.add(time.monotonic() - began_at)
        self.counts.requests += 1
        if response.status in TOKEN_REFUSED:
            self._tokens.pop(session_id, None)
            return Again(_why(EVENTS_PATH, response))
        return _receipt(response)

    def _token(self, session_id: str, client: Client) -> str | Again:
        known = self._tokens.get(session_id)
        if known is not None:
            return known
        body = {"session_id": session_id, "site_id": self._site_id}
        response = self._post(TOKEN_PATH, body, client)
        if isinstance(response, Again):
            return response
        why = _why(TOKEN_PATH, response)
        if response.status in PASSING:
            return Again(why, _retry_after(response))
        token = _json(response).get("csrf_token")
        if response.status != HTTPStatus.OK or not isinstance(token, str):
            raise UsageError(why)
        self._tokens[session_id] = token
        if len(self._tokens) > REMEMBERED_TOKENS:
            self._tokens.popitem(last=False)
        return token

    def _post(
        self, path: str, body: Mapping[str, object], client: Client
    ) -> urllib3.BaseHTTPResponse | Again:
        try:
            return self._pool.request(
                "POST",
                f"{self._base_url}{path}",
                body=json.dumps(body),
                headers=_headers(client, self._site_id),
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            return Again(f"{path}: {error}")

    def _pause(self, attempt: int, answer: Again) -> float:
        pause = FIRST_PAUSE_SECONDS * 2.0**attempt * self._rng.uniform(0.5, 1.0)
        return min(max(pause, answer.pause_seconds), LONGEST_PAUSE_SECONDS)


def _fields(event: SimulatedEvent, age_ms: int) -> dict[str, object]:
    fields = event.hit.model_dump(mode="json", exclude_none=True, exclude={"session_id"})
    return {**fields, "age_ms": age_ms}


def _headers(client: Client, site_id: str) -> dict[str, str]:
    # CloudFront percent-encodes what is not ASCII in places.
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html
    return {
        "Content-Type": "application/json",
        "User-Agent": client.user_agent,
        "Accept-Language": client.language,
        "Origin": f"https://{site_id}",
        "X-Forwarded-For": client.address,
        "CloudFront-Viewer-Country": client.country,
        "CloudFront-Viewer-Country-Region": client.region,
        "CloudFront-Viewer-City": quote(client.city, safe=" "),
    }


def _receipt(response: urllib3.BaseHTTPResponse) -> Receipt | Again | Refused:
    if response.status in PASSING:
        return Again(_why(EVENTS_PATH, response), _retry_after(response))
    if response.status != HTTPStatus.OK:
        return Refused(_why(EVENTS_PATH, response))
    match _json(response):
        case {"accepted": int(accepted), "duplicates": int(duplicates), "rejected": [*rejected]}:
            return Receipt(accepted, duplicates, len(rejected))
        case _:
            return Refused(f"{EVENTS_PATH} answered 200 with something that is no receipt")


def _why(path: str, response: urllib3.BaseHTTPResponse) -> str:
    detail = _json(response).get("detail", "")
    return f"{path} answered {response.status}" + (f": {detail}" if detail else "")


def _json(response: urllib3.BaseHTTPResponse) -> dict[str, object]:
    try:
        answer = json.loads(response.data)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _retry_after(response: urllib3.BaseHTTPResponse) -> float:
    seconds: str = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdigit() else 0.0
