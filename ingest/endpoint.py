"""What the collector answers over HTTP: what each path does, and which pages may read the answer.

Nothing here is logged about a request: its body, address and user agent are personal data.
"""

import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import uuid4

from ingest.collector import Collector, Credentials, Receipt, Sender, UnreadRequest
from ingest.hits.client import Client, client_from_headers
from ingest.hits.page import Page, parse_page
from ingest.refusal import CollectorProblem, unavailable
from ingest.request_body import (
    JsonObject,
    parse_body,
    parse_collect_request,
    parse_token_request,
    unparsed,
)
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
class Endpoint:
    """Answers requests.

    Attributes:
        collector: gives what takes them, when one comes that needs it.
        report: is told what became of events.
    """

    collector: Callable[[], Collector]
    report: Callable[[Mapping[MetricName, int]], None]

    def respond(self, request: Request) -> Response:
        """Answer a request; a problem becomes a problem document."""
        # Not by Powertools' resolver, which would be a tenth of a cold start, for two paths.
        if request.path not in {TOKEN_PATH, EVENTS_PATH}:
            return problem_response(NOT_FOUND, VARIES)
        match request.method:
            case "POST":
                return self._answer(request)
            case "OPTIONS":
                return PREFLIGHT
            case _:
                return problem_response(WRONG_METHOD, VARIES)

    def _answer(self, request: Request) -> Response:
        try:
            outcome = self._outcome(request)
        except ProblemError as error:
            return problem_response(error.problem, {**VARIES, **self._cors(request)})
        except RetryableError:
            return problem_response(SITES_UNAVAILABLE, VARIES)
        except UsageError as error:
            LOGGER.error("no event can be taken before this is mended: %s", error)  # noqa: TRY400 - the message says it all
            return problem_response(SITES_UNAVAILABLE, VARIES)
        headers = {"Cache-Control": "no-store", **VARIES, **self._cors(request)}
        return json_response(HTTPStatus.OK, json.dumps(outcome), headers)

    def _outcome(self, request: Request) -> JsonObject:
        try:
            body = parse_body(
                request.body,
                is_base64=request.is_base64,
                content_type=request.headers.get("content-type", ""),
            )
            if request.path == TOKEN_PATH:
                return self._issue_token(request, body)
            return self._accept(request, body)
        except ProblemError as error:
            if request.path == EVENTS_PATH and error.problem.status in MALFORMED:
                self._refuse(request, error.problem)
            raise

    def _issue_token(self, request: Request, body: JsonObject) -> JsonObject:
        issued = self.collector().issue_token(
            parse_token_request(body),
            sender=_sender(request),
            fresh_salt=secrets.token_bytes(32),
            now=datetime.now(UTC),
        )
        return asdict(issued)

    def _accept(self, request: Request, body: JsonObject) -> JsonObject:
        parsed = parse_collect_request(body)
        receipt = self.collector().accept(
            parsed,
            credentials=_credentials(request, parsed.csrf_token, parsed.session_id),
            client=_client(request),
            new_id=uuid4,
            now=datetime.now(UTC),
        )
        self.report(
            {
                "events_accepted": receipt.accepted,
                "events_dropped": receipt.bots,
                "events_rejected": len(receipt.rejected) - receipt.bots,
            }
        )
        return _document(receipt)

    def _refuse(self, request: Request, problem: Problem) -> None:
        text, fields = unparsed(request.body, is_base64=request.is_base64)
        self.collector().refuse(
            UnreadRequest(text, problem.code),
            credentials=_credentials(request, fields.get("csrf_token"), fields.get("session_id")),
            client=_client(request),
            now=datetime.now(UTC),
        )
        self.report({"requests_malformed": 1})

    def _cors(self, request: Request) -> dict[str, str]:
        origin = request.headers.get("origin", "")
        host = _host(origin) if origin.isascii() else ""
        try:
            allowed = host and self.collector().accepts_origin(host, now=datetime.now(UTC))
        except (RetryableError, UsageError):
            allowed = False  # the answer itself is known, and more important
        if not allowed:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
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
        origin_host=_host(request.headers.get("origin", "")),
        referrer_host=_host(request.headers.get("referer", "")),
    )


def _host(url: str) -> str:
    if len(url) > MAX_URL:
        return ""
    page = parse_page(url, keep_query=False)
    return page.hostname if isinstance(page, Page) else ""
