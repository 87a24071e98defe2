"""The collector Lambda: `POST /api/csrf-token` and `POST /api/events` behind API Gateway.

Nothing here is logged about a request: its body, address and user agent are personal data.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingest import bootstrap
from ingest.collector import Credentials, Receipt, Sender, UnreadRequest
from ingest.gateway import Request, Response
from ingest.hits.client import Client, client_from_headers
from ingest.hits.page import Page, parse_page
from ingest.refusal import unavailable
from ingest.request_body import (
    JsonObject,
    parse_body,
    parse_collect_request,
    parse_token_request,
    unparsed,
)
from runtime import problem
from runtime.errors import RetryableError
from runtime.handler import publish
from runtime.metrics import MetricName
from runtime.problem import Problem, ProblemError

Act = Callable[[Request, JsonObject], JsonObject]
Refuse = Callable[[Request, Problem], None]

TOKEN_PATH = "/api/csrf-token"  # noqa: S105 - a path
EVENTS_PATH = "/api/events"
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

NOT_FOUND = Problem(HTTPStatus.NOT_FOUND, "not_found", f"There are {TOKEN_PATH} and {EVENTS_PATH}.")
WRONG_METHOD = Problem(
    HTTPStatus.METHOD_NOT_ALLOWED,
    "method_not_allowed",
    f"This path takes {METHODS}.",
    {"Allow": METHODS},
)
SITES_UNAVAILABLE = unavailable("sites_unavailable", "The site settings cannot be read").problem


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Answer a REST proxy event of API Gateway."""
    return _respond(Request.from_event(event)).proxied()


def _respond(request: Request) -> Response:
    # Not by Powertools' resolver, which would be a tenth of a cold start, for two paths.
    acts = ACTS.get(request.path)
    if acts is None:
        return _problem(NOT_FOUND, {})
    match request.method:
        case "POST":
            return _answer(request, *acts)
        case "OPTIONS":
            return PREFLIGHT
        case _:
            return _problem(WRONG_METHOD, {})


def _answer(request: Request, act: Act, refuse: Refuse) -> Response:
    try:
        outcome = _outcome(request, act, refuse)
    except ProblemError as error:
        return _problem(error.problem, _cors(request))
    except RetryableError:
        return _problem(SITES_UNAVAILABLE, {})
    return _response(HTTPStatus.OK, "application/json", outcome, _cors(request))


def _outcome(request: Request, act: Act, refuse: Refuse) -> JsonObject:
    try:
        body = parse_body(
            request.body,
            is_base64=request.is_base64,
            content_type=request.headers.get("content-type", ""),
        )
        return act(request, body)
    except ProblemError as error:
        if error.problem.status in MALFORMED:
            refuse(request, error.problem)
        raise


def _issue_token(request: Request, body: JsonObject) -> JsonObject:
    issued = bootstrap.collector().issue_token(
        parse_token_request(body),
        sender=_sender(request),
        fresh_salt=secrets.token_bytes(32),
        now=datetime.now(UTC),
    )
    return asdict(issued)


def _accept(request: Request, body: JsonObject) -> JsonObject:
    parsed = parse_collect_request(body)
    receipt = bootstrap.collector().accept(
        parsed,
        credentials=Credentials(
            token=request.headers.get("x-csrf-token") or parsed.csrf_token or "",
            session_id=request.headers.get("x-session-id") or parsed.session_id or "",
        ),
        client=_client(request),
        new_id=uuid4,
        now=datetime.now(UTC),
    )
    _publish(
        {
            "events_accepted": receipt.accepted,
            "events_dropped": receipt.bots,
            "events_rejected": len(receipt.rejected) - receipt.bots,
        }
    )
    return _report(receipt)


def _refuse(request: Request, problem: Problem) -> None:
    text, fields = unparsed(request.body, is_base64=request.is_base64)
    bootstrap.collector().refuse(
        UnreadRequest(text, problem.code),
        credentials=Credentials(
            token=request.headers.get("x-csrf-token") or fields.get("csrf_token", ""),
            session_id=request.headers.get("x-session-id") or fields.get("session_id", ""),
        ),
        client=_client(request),
        now=datetime.now(UTC),
    )
    _publish({"requests_malformed": 1})


def _report(receipt: Receipt) -> JsonObject:
    return {
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "rejected": [
            {"index": index, "code": refusal.code.value, "field": refusal.field}
            for index, refusal in receipt.rejected
        ],
    }


def _publish(counts: dict[MetricName, int]) -> None:
    publish("ingest", {**counts, "requests_spilled": bootstrap.spilled().take()})


def _client(request: Request) -> Client:
    return client_from_headers(request.headers, request.address)


def _sender(request: Request) -> Sender:
    return Sender(
        client=_client(request),
        origin_host=_host(request.headers.get("origin", "")),
        referrer_host=_host(request.headers.get("referer", "")),
    )


def _host(url: str) -> str:
    page = parse_page(url, keep_query=False)
    return page.hostname if isinstance(page, Page) else ""


def _cors(request: Request) -> dict[str, str]:
    origin = request.headers.get("origin", "")
    host = _host(origin) if origin.isascii() else ""
    try:
        allowed = host and bootstrap.collector().accepts_origin(host, now=datetime.now(UTC))
    except RetryableError:
        allowed = False  # the answer itself is known, and more important
    if not allowed:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After"}


def _problem(error: Problem, headers: Mapping[str, str]) -> Response:
    headers = {**headers, **error.headers}
    return _response(error.status, problem.CONTENT_TYPE, error.document(), headers)


def _response(
    status: int, content_type: str, document: JsonObject, headers: Mapping[str, str]
) -> Response:
    always = {"Content-Type": content_type, "Cache-Control": "no-store", "Vary": "Origin"}
    return Response(status, {**always, **headers}, json.dumps(document))


ACTS: dict[str, tuple[Act, Refuse]] = {
    TOKEN_PATH: (_issue_token, lambda *_: None),
    EVENTS_PATH: (_accept, _refuse),
}
"""By path: what a POST does, and what becomes of one that cannot be read."""
