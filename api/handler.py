"""What the read API Lambdas have in common: API Gateway's event in, its response out."""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api.problem import ReadProblem
from api.routes import Replies
from runtime.container import ready
from runtime.errors import UsageError
from runtime.gateway import Request, Response, problem_response
from runtime.handler import publish
from runtime.origin_guard import refused
from runtime.problem import Problem
from runtime.settings import Variable

LOGGER = logging.getLogger(__name__)

UNUSABLE = Problem(
    503,
    ReadProblem.STORE_UNUSABLE,
    "The numbers cannot be read before the owner has mended something; the server's log says what.",
    {"Retry-After": "60"},
)
"""Not the message itself: it names files, and strangers may ask."""

PUBLIC_ONLY = Problem(
    403,
    ReadProblem.PUBLIC_ONLY,
    "A cache stands before this API that may give an answer to anybody: it answers for public"
    " sites only.",
)

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def read_api(service: str, endpoint: Callable[[], Replies]) -> Handler:
    """Return the handler of one read API.

    Args:
        service: its name in metrics.
        endpoint: gives what answers.
    """
    ready(endpoint)

    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
        try:
            request = Request.from_event(event)
            response = refused(request) or endpoint().reply(request, now=datetime.now(UTC))
        except UsageError as error:
            LOGGER.error("the numbers cannot be read before this is mended: %s", error)  # noqa: TRY400 - the message says it all
            response = problem_response(UNUSABLE)
        publish(service, {})
        return _for_anybody(response).proxied()

    return handler


def _for_anybody(response: Response) -> Response:
    """Keep back what is for one reader, where a cache that cannot tell readers apart stands before.

    The cache of an API Gateway's stage takes no part in `Cache-Control`, and its keys are names of
    headers as they are written (docs/decisions/0035-no-stage-cache.md).
    """
    is_private = response.headers.get("Cache-Control", "").startswith("private")
    if is_private and os.environ.get(Variable.PUBLIC_ONLY):
        return problem_response(PUBLIC_ONLY)
    return response
