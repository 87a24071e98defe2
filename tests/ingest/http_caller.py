"""Calls the collector's handler the way API Gateway does."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingest.handler import handler

EVENTS = Path(__file__).parent.parent / "events"
POST = json.loads((EVENTS / "api_gateway_rest_post.json").read_text())


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, with header names in lower case."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def document(self) -> dict[str, Any]:
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document


def call(
    path: str,
    body: object = None,
    *,
    method: str = "POST",
    headers: Mapping[str, str | None] | None = None,
    is_base64: bool = False,
    parameters: Mapping[str, str] | None = None,
) -> Answer:
    """Send a request. A body that is no text goes as JSON; a header of None is left out."""
    event = deepcopy(POST)
    event["path"], event["httpMethod"], event["isBase64Encoded"] = path, method, is_base64
    given = event["headers"] | dict(headers or {})
    event["queryStringParameters"] = dict(parameters or {})
    event["headers"] = {name: value for name, value in given.items() if value is not None}
    event["body"] = body if isinstance(body, str | None) else json.dumps(body)
    response = handler(event, LambdaContext())
    return Answer(
        status=response["statusCode"],
        headers={name.lower(): value for name, value in response["headers"].items()},
        body=response["body"],
    )
