"""The collector Lambda: `POST /api/csrf-token` and `POST /api/events` behind API Gateway.

Nothing here is logged about a request: its body, address and user agent are personal data.
"""

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from ingest import bootstrap
from ingest.client import client_from_headers
from ingest.intake import Credentials, Receipt, Sender, UnreadRequest
from ingest.page import Page, parse_page
from ingest.refusal import unavailable
from ingest.request_body import (
    JsonObject,
    parse_body,
    parse_collect_request,
    parse_token_request,
    unparsed,
)
from liveinsight.runtime import problem
from liveinsight.runtime.errors import RetryableError
from liveinsight.runtime.metering import container_meter
from liveinsight.runtime.metrics import NAMESPACE, MetricName
from liveinsight.runtime.problem import Problem, ProblemError

Act = Callable[[APIGatewayProxyEvent, JsonObject], JsonObject]
Refuse = Callable[[APIGatewayProxyEvent, Problem], None]

TOKEN_PATH = "/api/csrf-token"  # noqa: S105 - a path
EVENTS_PATH = "/api/events"
METHODS = "POST, OPTIONS"

PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "content-type, x-csrf-token, x-session-id",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "no-store",
}
"""For every origin: which one may read an answer is decided, and said, with the answer."""

MALFORMED = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""Answers to a request that cannot be read, whoever sent it."""

SITES_UNAVAILABLE = unavailable("sites_unavailable", "The site settings cannot be read").problem


class Resolver(APIGatewayRestResolver):
    """A resolver whose request is its own.

    Powertools keeps the current request in an attribute of the class, so that the threads of the
    embedded HTTP server would answer each other's requests.
    """

    def _to_proxy_event(self, event: dict[str, Any]) -> APIGatewayProxyEvent:
        self.current_event = APIGatewayProxyEvent(event)
        return self.current_event


class PerThread(threading.local):
    """One resolver for each thread."""

    def __init__(self) -> None:
        self.resolver = _resolver()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a REST proxy event of API Gateway."""
    return PER_THREAD.resolver.resolve(event, context)


def _resolver() -> Resolver:
    app = Resolver()
    app.post(TOKEN_PATH)(lambda: _answer(app.current_event, _issue_token))
    app.post(EVENTS_PATH)(lambda: _answer(app.current_event, _accept, _refuse))
    for path in (TOKEN_PATH, EVENTS_PATH):
        app.route(path, method="OPTIONS")(_preflight)
    app.not_found(lambda _: _unrouted(app.current_event))
    return app


def _answer(
    request: APIGatewayProxyEvent, act: Act, refuse: Refuse = lambda *_: None
) -> Response[str]:
    headers = _headers(request)
    try:
        outcome = _outcome(request, act, refuse)
    except ProblemError as error:
        return _problem(error.problem, _cors(headers))
    except RetryableError:
        return _problem(SITES_UNAVAILABLE, {})
    return _response(HTTPStatus.OK, "application/json", outcome, _cors(headers))


def _outcome(request: APIGatewayProxyEvent, act: Act, refuse: Refuse) -> JsonObject:
    try:
        body = parse_body(
            request.body or "",
            is_base64=bool(request.is_base64_encoded),
            content_type=_headers(request).get("content-type", ""),
        )
        return act(request, body)
    except ProblemError as error:
        if error.problem.status in MALFORMED:
            refuse(request, error.problem)
        raise


def _issue_token(request: APIGatewayProxyEvent, body: JsonObject) -> JsonObject:
    issued = bootstrap.collector().issue_token(
        parse_token_request(body),
        sender=_sender(request),
        fresh_salt=secrets.token_bytes(32),
        now=datetime.now(UTC),
    )
    return asdict(issued)


def _accept(request: APIGatewayProxyEvent, body: JsonObject) -> JsonObject:
    parsed = parse_collect_request(body)
    headers = _headers(request)
    receipt = bootstrap.collector().accept(
        parsed,
        credentials=Credentials(
            token=headers.get("x-csrf-token") or parsed.csrf_token or "",
            session_id=headers.get("x-session-id") or parsed.session_id or "",
        ),
        client=_sender(request).client,
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


def _refuse(request: APIGatewayProxyEvent, problem: Problem) -> None:
    text, fields = unparsed(request.body or "", is_base64=bool(request.is_base64_encoded))
    headers = _headers(request)
    bootstrap.collector().refuse(
        UnreadRequest(text, problem.code),
        credentials=Credentials(
            token=headers.get("x-csrf-token") or fields.get("csrf_token", ""),
            session_id=headers.get("x-session-id") or fields.get("session_id", ""),
        ),
        client=_sender(request).client,
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
    # Powertools' Metrics is one object for all threads; an ephemeral one is this request's alone.
    metrics = EphemeralMetrics(namespace=NAMESPACE, service="ingest")
    spilled: dict[MetricName, int] = {"requests_spilled": bootstrap.spilled().take()}
    for name, count in {**counts, **spilled, **container_meter().take().metrics()}.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.flush_metrics()


def _sender(request: APIGatewayProxyEvent) -> Sender:
    headers = _headers(request)
    address = request.request_context.identity.source_ip
    return Sender(
        client=client_from_headers(headers, address),
        origin_host=_host(headers.get("origin", "")),
        referrer_host=_host(headers.get("referer", "")),
    )


def _headers(request: APIGatewayProxyEvent) -> dict[str, str]:
    given = request.get("headers") or {}
    return {name.lower(): value for name, value in given.items() if isinstance(value, str)}


def _host(url: str) -> str:
    page = parse_page(url, keep_query=False)
    return page.hostname if isinstance(page, Page) else ""


def _cors(headers: Mapping[str, str]) -> dict[str, str]:
    origin = headers.get("origin", "")
    host = _host(origin) if origin.isascii() else ""
    try:
        allowed = host and bootstrap.collector().accepts_origin(host, now=datetime.now(UTC))
    except RetryableError:
        allowed = False  # the answer itself is known, and more important
    if not allowed:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After"}


def _preflight() -> Response[str]:
    return Response(HTTPStatus.NO_CONTENT.value, headers=PREFLIGHT_HEADERS, body="")


def _unrouted(request: APIGatewayProxyEvent) -> Response[str]:
    if request.path.rstrip("/") in {TOKEN_PATH, EVENTS_PATH}:
        detail = f"This path takes {METHODS}."
        return _problem(
            Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail),
            {"Allow": METHODS},
        )
    detail = f"There are {TOKEN_PATH} and {EVENTS_PATH}."
    return _problem(Problem(HTTPStatus.NOT_FOUND, "not_found", detail), {})


def _problem(error: Problem, headers: Mapping[str, str]) -> Response[str]:
    headers = {**headers, **error.headers}
    return _response(error.status, problem.CONTENT_TYPE, error.document(), headers)


def _response(
    status: int, content_type: str, document: JsonObject, headers: Mapping[str, str]
) -> Response[str]:
    return Response(
        int(status),
        content_type=content_type,
        body=json.dumps(document),
        headers={"Cache-Control": "no-store", "Vary": "Origin", **headers},
    )


PER_THREAD = PerThread()
