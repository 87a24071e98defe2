"""What the collector answers over HTTP: what each path does, and which pages may read the answer.

A request is judged first, which waits for nothing but the site store. What then must be on the
stream before the answer is given is told apart, so that whoever surrounds the collector may wait
in its own way: the function one request at a time, the embedded engine's workers many together.

Nothing here is logged about a request: its body, address and user agent are personal data.
"""

import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypedDict
from uuid import uuid4

from ingest.collector import (
    WRITE_KEY,
    Admitted,
    Collector,
    Credentials,
    Judged,
    Receipt,
    Sender,
    UnreadRequest,
)
from ingest.hits.client import Client, client_from_headers
from ingest.hits.page import Page, parse_page
from ingest.origin import OTHER_ORIGIN, OriginKind, read_origin
from ingest.refusal import CollectorProblem, not_taken, unavailable
from ingest.request_body import (
    JsonObject,
    parse_body,
    parse_collect_request,
    parse_token_request,
    unparsed,
)
from ingest.stream.sink import SinkRecord, StreamError
from runtime.errors import RetryableError, UsageError
from runtime.gateway import NO_SNIFF, Request, Response, json_response, problem_response
from runtime.metrics import MetricName
from runtime.problem import AnyProblem, Problem, ProblemError
from schemas.hit import EVENTS_PATH, MAX_URL, PIXEL_PATH, TOKEN_PATH, CollectRequest

LOGGER = logging.getLogger(__name__)

METHODS = "POST, OPTIONS"
PIXEL_METHODS = "GET"
PIXEL = "GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\0;"
"""A picture of one point, which it does not draw: nothing shows. Its bytes are ASCII, so that API
Gateway passes them on as they are."""
PIXEL_FIELDS = ("page_url", "title", "referrer", "name", "event_id")

PREFLIGHT = Response(
    HTTPStatus.NO_CONTENT,
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": "content-type, x-csrf-token, x-session-id",
        "Access-Control-Max-Age": "86400",
        "Cache-Control": "no-store",
    },
)
"""For every origin: which one may read an answer is decided, and said, with the answer."""

MALFORMED = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""Answers to a request that cannot be read, whoever sent it."""

NOT_LET_IN = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""Answers to a request without a good token."""

NOT_FOUND = Problem(
    HTTPStatus.NOT_FOUND,
    AnyProblem.NOT_FOUND,
    f"There are {TOKEN_PATH}, {EVENTS_PATH} and {PIXEL_PATH}.",
)
WRONG_METHOD = Problem(
    HTTPStatus.METHOD_NOT_ALLOWED,
    AnyProblem.METHOD_NOT_ALLOWED,
    f"This path takes {METHODS}.",
    {"Allow": METHODS},
)
NO_PIXEL = Problem(
    HTTPStatus.METHOD_NOT_ALLOWED,
    AnyProblem.METHOD_NOT_ALLOWED,
    f"This path takes {PIXEL_METHODS}.",
    {"Allow": PIXEL_METHODS},
)
TAKEN = {
    TOKEN_PATH: ("POST", WRONG_METHOD),
    EVENTS_PATH: ("POST", WRONG_METHOD),
    PIXEL_PATH: ("GET", NO_PIXEL),
}
"""By path: the method, and what is answered to another one."""

SITES_UNAVAILABLE = unavailable(
    CollectorProblem.SITES_UNAVAILABLE, "The site settings cannot be read"
).problem

VARIES = {"Vary": "Origin"}
ANY_PAGE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered once its record, if it has one, is on the stream."""

    response: Response
    record: SinkRecord | None = None
    counts: Mapping[MetricName, int] = field(default_factory=dict)
    """What became of its events."""


Outcome = tuple[JsonObject, SinkRecord | None, Mapping[MetricName, int]]
"""The document of the answer, the record, and what became of events."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Answers requests.

    Attributes:
        collector: gives what judges them, when one comes that needs it.
    """

    collector: Callable[[], Collector]

    def answer(self, request: Request) -> Answer:
        """Judge a request; a problem becomes a problem document."""
        # Not by Powertools' resolver, which would be a tenth of a cold start, for three paths.
        if request.path not in TAKEN:
            return Answer(problem_response(NOT_FOUND, VARIES))
        method, other = TAKEN[request.path]
        if request.method == method:
            return self._answer(request)
        if request.method == "OPTIONS" and method == "POST":
            return Answer(PREFLIGHT)
        return Answer(problem_response(other, VARIES))

    def not_taken(self, request: Request, why: StreamError) -> Response:
        """Answer a request whose record neither the stream nor the spill took."""
        return self._problem(request, not_taken(why).problem)

    def _answer(self, request: Request) -> Answer:
        try:
            try:
                outcome, record, counts = self._outcome(request)
            except ProblemError as error:
                response = self._problem(request, error.problem)
                if request.path != EVENTS_PATH or error.problem.status not in MALFORMED:
                    return Answer(response)
                return Answer(
                    response, self._refused(request, error.problem), {"requests_malformed": 1}
                )
        except RetryableError:
            return Answer(problem_response(SITES_UNAVAILABLE, VARIES))
        except UsageError as error:
            LOGGER.error("no event can be taken before this is mended: %s", error)  # noqa: TRY400 - the message says it all
            return Answer(problem_response(SITES_UNAVAILABLE, VARIES))
        headers = {"Cache-Control": "no-store", **VARIES, **self._cors(request)}
        if request.path == PIXEL_PATH:
            shown = Response(
                HTTPStatus.OK, {"Content-Type": "image/gif", **NO_SNIFF, **headers}, PIXEL
            )
            return Answer(shown, record, counts)
        return Answer(json_response(HTTPStatus.OK, json.dumps(outcome), headers), record, counts)

    def _problem(self, request: Request, problem: Problem) -> Response:
        return problem_response(problem, {**VARIES, **self._cors(request, is_problem=True)})

    def _outcome(self, request: Request) -> Outcome:
        if request.path == PIXEL_PATH:
            return self._seen(request)
        body = parse_body(
            request.body,
            is_base64=request.is_base64,
            content_type=request.headers.get("content-type", ""),
            content_encoding=request.headers.get("content-encoding", ""),
        )
        if request.path == TOKEN_PATH:
            return self._issue_token(request, body)
        parsed = parse_collect_request(body)
        credentials = _credentials(request, parsed.csrf_token, parsed.session_id)
        if credentials.token.startswith(WRITE_KEY):
            program = self.collector().admit_program(
                parsed, credentials.token, now=datetime.now(UTC)
            )
            return _outcome(self._judge(request, parsed, program))
        try:
            return _outcome(self._judge(request, parsed, credentials))
        except ProblemError as error:
            if error.problem.status not in NOT_LET_IN:
                raise
            admitted = self.collector().admit_without_token(
                parsed, credentials.session_id, **_arrival(request)
            )
            if admitted is None:
                raise
            return _outcome(
                self._judge(request, parsed, admitted), is_observed=admitted.is_observed
            )

    def _issue_token(self, request: Request, body: JsonObject) -> Outcome:
        asked = parse_token_request(body)
        issued = self.collector().issue_token(asked, **_arrival(request))
        document: JsonObject = {
            "csrf_token": issued.csrf_token,
            "expires_in": issued.expires_in,
        }
        if not (issued.takes_events and "events" in body):
            return document, None, {}
        parsed = parse_collect_request({**body, "csrf_token": None})
        credentials = Credentials(issued.csrf_token, asked.session_id)
        receipt, record, counts = _outcome(self._judge(request, parsed, credentials))
        return {**document, **receipt}, record, counts

    def _seen(self, request: Request) -> Outcome:
        """Take the event that a picture's address tells."""
        given = request.parameters
        hit: JsonObject = {name: given[name] for name in PIXEL_FIELDS if given.get(name)}
        hit.setdefault("page_url", request.headers.get("referer", ""))
        hit["event_type"] = "custom" if "name" in hit else "page_view"
        parsed = parse_collect_request({"events": [hit], "site_id": given.get("site_id")})
        admitted = self.collector().admit(parsed.site_id, **_arrival(request))
        return _outcome(self._judge(request, parsed, admitted))

    def _judge(
        self, request: Request, parsed: CollectRequest, credentials: Credentials | Admitted
    ) -> Judged:
        return self.collector().judge(
            parsed,
            credentials=credentials,
            client=_client(request),
            new_id=uuid4,
            now=datetime.now(UTC),
        )

    def _refused(self, request: Request, problem: Problem) -> SinkRecord | None:
        raw, fields = unparsed(request.body, is_base64=request.is_base64)
        return self.collector().refuse(
            UnreadRequest(raw, problem.code),
            credentials=_credentials(request, fields.get("csrf_token"), fields.get("session_id")),
            client=_client(request),
            now=datetime.now(UTC),
        )

    def _cors(self, request: Request, *, is_problem: bool = False) -> dict[str, str]:
        """Say which pages may read an answer: the sites' own, and of a problem any page.

        So that its owner finds in the browser's console what is wrong.
        """
        header = request.headers.get("origin", "")
        origin = read_origin(header) if header.isascii() else OTHER_ORIGIN
        try:
            allowed = self.collector().accepts_origin(origin, now=datetime.now(UTC))
        except (RetryableError, UsageError):
            allowed = False  # the answer itself is known, and more important
        if not allowed:
            is_page = origin.kind in {OriginKind.PAGE, OriginKind.OPAQUE}
            return ANY_PAGE if is_problem and is_page else {}
        return {
            "Access-Control-Allow-Origin": header,
            "Access-Control-Expose-Headers": "Retry-After",
        }


class _Arrival(TypedDict):
    sender: Sender
    fresh_salt: bytes
    now: datetime


def _arrival(request: Request) -> _Arrival:
    """Say who sent a request, and when, to whoever may have to make a salt for it."""
    return _Arrival(
        sender=_sender(request), fresh_salt=secrets.token_bytes(32), now=datetime.now(UTC)
    )


def _outcome(judged: Judged, *, is_observed: bool = False) -> Outcome:
    receipt = judged.receipt
    counts: dict[MetricName, int] = {
        "events_accepted": receipt.accepted,
        "events_dropped": receipt.bots,
        "events_rejected": len(receipt.rejected) - receipt.bots,
    }
    if is_observed:
        counts["events_untokened"] = receipt.accepted
    return _document(receipt), judged.record, counts


def _credentials(request: Request, token: str | None, session_id: str | None) -> Credentials:
    """Take what the headers show, and else what the body does."""
    return Credentials(
        token=request.headers.get("x-csrf-token") or token or "",
        session_id=request.headers.get("x-session-id") or session_id or "",
    )


def _document(receipt: Receipt) -> JsonObject:
    return {
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "rejected": [
            {"index": index, "code": refusal.code.value, "field": refusal.field}
            for index, refusal in receipt.rejected
        ],
    }


def _client(request: Request) -> Client:
    return client_from_headers(request.headers, request.address)


def _sender(request: Request) -> Sender:
    return Sender(
        client=_client(request),
        origin=read_origin(request.headers.get("origin", "")),
        referrer_host=_host(request.headers.get("referer", "")),
    )


def _host(url: str) -> str:
    if len(url) > MAX_URL:
        return ""
    page = parse_page(url, keep_query=False)
    return page.hostname if isinstance(page, Page) else ""
