"""The read APIs' handlers, called as API Gateway does."""

import json
from pathlib import Path
from typing import Any

import api.realtime.handler
import api.reconciliation.handler
import api.stats.handler
from liveinsight.engine.lambda_context import LocalContext

KEY = "li_a-read-key"
HANDLERS: dict[str, Any] = {
    "/api/stats": api.stats.handler.handler,
    "/api/realtime": api.realtime.handler.handler,
    "/api/reconciliation": api.reconciliation.handler.handler,
}
EVENT = json.loads(
    (Path(__file__).parents[1] / "events" / "api_gateway_rest_post.json").read_text()
)


def get(
    path: str, parameters: dict[str, str], headers: dict[str, str] | None = None
) -> tuple[int, Any, dict[str, str]]:
    handler = HANDLERS[path]
    event = {
        **EVENT,
        "httpMethod": "GET",
        "path": path,
        "headers": headers,
        "queryStringParameters": parameters or None,
        "body": None,
    }
    answer = handler(event, LocalContext("api"))
    body = json.loads(answer["body"]) if answer["body"] else None
    return answer["statusCode"], body, answer["headers"]
