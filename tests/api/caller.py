"""The read APIs' handlers, called as API Gateway does."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import api.query.handler
import api.realtime.handler
import api.rebuild.handler
import api.reconciliation.handler
import api.stats.handler
from liveinsight.engine.lambda_context import LocalContext
from liveinsight.openapi.document import ROUTES, problems_of
from liveinsight.openapi.shapes import ProblemDocument

KEY = "li_a-read-key"
DESCRIBED = {(route.path, route.method): route for route in ROUTES}
HANDLERS: dict[str, Any] = {
    "/api/stats": api.stats.handler.handler,
    "/api/realtime": api.realtime.handler.handler,
    "/api/reconciliation": api.reconciliation.handler.handler,
}
"""Of the read APIs that answer from what is counted."""
OTHERS: dict[str, Any] = {
    "/api/rebuild": api.rebuild.handler.handler,
    "/api/live/events": api.realtime.handler.handler,
    "/api/live/visit": api.realtime.handler.handler,
    "/api/query": api.query.handler.handler,
    "/api/goals": api.query.handler.handler,
    "/api/funnel": api.query.handler.handler,
}
EVENT = json.loads(
    (Path(__file__).parents[1] / "events" / "api_gateway_rest_post.json").read_text()
)


def get(
    path: str, parameters: Mapping[str, str | list[str]], headers: dict[str, str] | None = None
) -> tuple[int, Any, dict[str, str]]:
    return call("GET", path, parameters, headers)


def call(
    method: str,
    path: str,
    parameters: Mapping[str, str | list[str]],
    headers: dict[str, str] | None = None,
    body: str | None = None,
) -> tuple[int, Any, dict[str, str]]:
    handler = (HANDLERS | OTHERS)[path]
    every = {name: [text] if isinstance(text, str) else text for name, text in parameters.items()}
    event = {
        **EVENT,
        "httpMethod": method,
        "path": path,
        "headers": headers,
        "queryStringParameters": {name: texts[-1] for name, texts in every.items()} or None,
        "multiValueQueryStringParameters": every or None,
        "body": body,
    }
    answer = handler(event, LocalContext("api"))
    document = json.loads(answer["body"]) if answer["body"] else None
    check(path, method, answer["statusCode"], document)
    return answer["statusCode"], document, answer["headers"]


def check(path: str, method: str, status: int, document: Any) -> None:
    """See to it that an answer is what the OpenAPI document says."""
    route = DESCRIBED.get((path, method.lower()))
    if route is None:  # a method that the path does not take
        assert status == 405
    elif status == route.status:
        assert route.answer is not None
        route.answer.model_validate(document)
    elif document is not None:
        problem = ProblemDocument.model_validate(document)
        assert problem.status == status
        assert problem.code in problems_of(route)[status]
