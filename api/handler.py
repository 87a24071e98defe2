"""What the read API Lambdas have in common: API Gateway's event in, its response out."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api.problem import ReadProblem
from api.routes import Replies
from runtime.errors import UsageError
from runtime.gateway import Request, problem_response
from runtime.handler import publish
from runtime.problem import Problem

LOGGER = logging.getLogger(__name__)

UNUSABLE = Problem(
    503,
    ReadProblem.STORE_UNUSABLE,
    "The numbers cannot be read before the owner has mended something; the server's log says what.",
    {"Retry-After": "60"},
)
"""Not the message itself: it names files, and strangers may ask."""

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def read_api(service: str, endpoint: Callable[[], Replies]) -> Handler:
    """Return the handler of one read API.

    Args:
        service: its name in metrics.
        endpoint: gives what answers, at the first request.
    """

    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
        try:
            response = endpoint().reply(Request.from_event(event), now=datetime.now(UTC))
        except UsageError as error:
            LOGGER.error("the numbers cannot be read before this is mended: %s", error)  # noqa: TRY400 - the message says it all
            response = problem_response(UNUSABLE)
        publish(service, {})
        return response.proxied()

    return handler
