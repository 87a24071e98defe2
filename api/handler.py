"""What the read API Lambdas have in common: API Gateway's event in, its response out."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api.endpoint import Endpoint
from runtime.gateway import Request
from runtime.handler import publish

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def read_api(service: str, endpoint: Callable[[], Endpoint]) -> Handler:
    """Return the handler of one read API.

    Args:
        service: its name in metrics.
        endpoint: gives what answers, at the first request.
    """

    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
        response = endpoint().reply(Request.from_event(event), now=datetime.now(UTC))
        publish(service, {})
        return response.proxied()

    return handler
