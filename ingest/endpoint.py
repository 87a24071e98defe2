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
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import uuid4

from ingest.collector import Collector, Credentials, Receipt, Sender, UnreadRequest
from ingest.hits.client import Client, client_from_headers
from ingest.hits.page import Page, parse_page
from ingest.origin import OTHER_ORIGIN, read_origin
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
from runtime.gateway import Request, Response, json_response, problem_response
from runtime.metrics import MetricName
from runtime.problem import AnyProblem, Problem, ProblemError
from schemas.hit import EVENTS_PATH, MAX_URL, TOKEN_PATH

LOGGER = logging.getLogger(__name__)

METHODS = "POST, OPTIONS"

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

NOT_FOUND = Problem(
    HTTPStatus.NOT_FOUND, AnyProblem.NOT_FOUND, f"There are {TOKEN_PATH} and {EVENTS_PATH}."
)
WRONG_METHOD = Problem(
    HTTPStatus.METHOD_NOT_ALLOWED,
    AnyProblem.METHOD_NOT_ALLOWED,
    f"This path takes {METHODS}.",
    {"Allow": METHODS},
)
SITES_UNAVAILABLE = unavailable(
    CollectorProblem.SITES_UNAVAILABLE, "The site settings cannot be read"
).problem

VARIES = {"Vary": "Origin"}


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
        # Not by Powertools' resolver, which would be a tenth of a cold start, for two paths.
        if request.path not in {TOKEN_PATH, EVENTS_PATH}:
            return Answer(problem_response(NOT_FOUND, VARIES))
        match request.method:
            case "POST":
                return self._answer(request)
            case "OPTIONS":
                return Answer(PREFLIGHT)
            case _:
                return Answer(problem_response(WRONG_METHOD, VARIES))

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
        return Answer(json_response(HTTPStatus.OK, json.dumps(outcome), headers), record, counts)

    def _problem(self, request: Request, problem: Problem) -> Response:
        return problem_response(problem, {**VARIES, **self._cors(request)})

    def _outcome(self, request: Request) -> Outcome:
        body = parse_body(
            request.body,
            is_base64=request.is_base64,
            content_type=request.headers.get("content-type", ""),
        )
        if request.path == TOKEN_PATH:
            return self._issue_token(request, body), None, {}
        return self._judged(request, body)

    def _issue_token(self, request: Request, body: JsonObject) -> JsonObject:
        issued = self.collector().issue_token(
            parse_token_request(body),
            sender=_sender(request),
            fresh_salt=secrets.token_bytes(32),
            now=datetime.now(UTC),
        )
        return asdict(issued)

    def _judged(self, request: Request, body: JsonObject) -> Outcome:
        parsed = parse_collect_request(body)
        judged = self.collector().judge(
            parsed,
            credentials=_credentials(request, parsed.csrf_token, parsed.session_id),
            client=_client(request),
            new_id=uuid4,
            now=datetime.now(UTC),
        )
        receipt = judged.receipt
        counts: dict[MetricName, int] = {
            "events_accepted": receipt.accepted,
            "events_dropped": receipt.bots,
            "events_rejected": len(receipt.rejected) - receipt.bots,
        }
        return _document(receipt), judged.record, counts

    def _refused(self, request: Request, problem: Problem) -> SinkRecord | None:
        raw, fields = unparsed(request.body, is_base64=request.is_base64)
        return self.collector().refuse(
            UnreadRequest(raw, problem.code),
            credentials=_credentials(request, fields.get("csrf_token"), fields.get("session_id")),
            client=_client(request),
            now=datetime.now(UTC),
        )

    def _cors(self, request: Request) -> dict[str, str]:
        header = request.headers.get("origin", "")
        origin = read_origin(header) if header.isascii() else OTHER_ORIGIN
        try:
            allowed = self.collector().accepts_origin(origin, now=datetime.now(UTC))
        except (RetryableError, UsageError):
            allowed = False  # the answer itself is known, and more important
        if not allowed:
            return {}
        return {
            "Access-Control-Allow-Origin": header,
            "Access-Control-Expose-Headers": "Retry-After",
        }


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
