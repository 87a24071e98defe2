"""What the read API Lambdas have in common: API Gateway's event in, its response out."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.endpoint import Endpoint, ReadRequest

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def read_api(endpoint: Callable[[], Endpoint]) -> Handler:
    """Return the handler of one read API; `endpoint` gives what answers, at the first request."""

    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
        proxied = APIGatewayProxyEvent(event)
        request = ReadRequest(
            method=proxied.http_method,
            parameters=proxied.query_string_parameters,
            headers={name.lower(): value for name, value in proxied.headers.items()},
        )
        return endpoint().reply(request, now=datetime.now(UTC)).proxied()

    return handler
