"""Posts the events of sessions to a collector, as a browser behind CloudFront would."""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from random import Random
from urllib.parse import quote

from ingest.hits.client import Client
from liveinsight.caller import Caller, Receipt
from liveinsight.traffic.latency import LatencyHistogram
from liveinsight.traffic.simulation import SimulatedEvent
from runtime.backoff import Backoff
from runtime.errors import RetryableError, UsageError

ATTEMPTS = 8
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
REMEMBERED_TOKENS = 5000
"""Sessions whose token is kept; a visit seldom outlives so many others."""

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
        self._caller = Caller(base_url, site_id)
        self._backoff = Backoff(
            FIRST_PAUSE_SECONDS,
            LONGEST_PAUSE_SECONDS,
            chance=lambda: rng.uniform(0.5, 1.0),
            sleep=stop.wait,
        )
        self._is_answered = True
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
        for failures in range(1, ATTEMPTS + 1 if self._is_answered else 2):
            answer = self._attempt(events, happened_at)
            if isinstance(answer, Receipt):
                self._is_answered = True
                self.counts.accepted += answer.accepted
                self.counts.duplicates += answer.duplicates
                self.counts.rejected += answer.rejected
                return
            self.counts.problem = self.counts.problem or answer.why
            if isinstance(answer, Refused):
                break
            if self._backoff.wait(failures, at_least=answer.pause_seconds):
                break
        else:
            self._give_up()
        self.counts.failed += len(events)

    def _give_up(self) -> None:
        """Try every further request only once, until one is answered."""
        self._is_answered = False
        if not self.counts.accepted + self.counts.duplicates + self.counts.rejected:
            raise UsageError(f"{self._caller.url} takes no events: {self.counts.problem}")

    def _attempt(
        self, events: Sequence[SimulatedEvent], happened_at: float
    ) -> Receipt | Again | Refused:
        session_id = events[0].hit.session_id or ""
        caller = replace(self._caller, sent=_headers(events[0].client))
        try:
            token = self._token(session_id, caller)
            if isinstance(token, Again):
                return token
            # The age grows with every attempt, so that the time of the event stays the same.
            age_ms = int((time.monotonic() - happened_at) * 1000)
            answer = caller.send(session_id, token, [_fields(event, age_ms) for event in events])
        except RetryableError as error:
            return Again(str(error))
        self.latency.add(answer.seconds)
        self.counts.requests += 1
        if answer.status in TOKEN_REFUSED:
            self._tokens.pop(session_id, None)
            return Again(str(answer))
        if answer.is_passing():
            return Again(str(answer), answer.retry_after())
        return answer.receipt() or Refused(f"{answer}: no receipt")

    def _token(self, session_id: str, caller: Caller) -> str | Again:
        known = self._tokens.get(session_id)
        if known is not None:
            return known
        answer = caller.ask_token(session_id)
        if answer.is_passing():
            return Again(str(answer), answer.retry_after())
        token = answer.token()
        if not token:
            raise UsageError(str(answer))
        self._tokens[session_id] = token
        if len(self._tokens) > REMEMBERED_TOKENS:
            self._tokens.popitem(last=False)
        return token


def _fields(event: SimulatedEvent, age_ms: int) -> dict[str, object]:
    fields = event.hit.model_dump(mode="json", exclude_none=True, exclude={"session_id"})
    return {**fields, "age_ms": age_ms}


def _headers(client: Client) -> dict[str, str]:
    # CloudFront percent-encodes what is not ASCII in places.
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html
    return {
        "User-Agent": client.user_agent,
        "Accept-Language": client.language,
        "X-Forwarded-For": client.address,
        "CloudFront-Viewer-Country": client.country,
        "CloudFront-Viewer-Country-Region": client.region,
        "CloudFront-Viewer-City": quote(client.city, safe=" "),
    }
