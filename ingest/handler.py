"""The collector Lambda: `POST /api/csrf-token` and `POST /api/events` behind API Gateway.

Nothing here is logged about a request: its body, address and user agent are personal data.
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingest import bootstrap
from ingest.endpoint import Endpoint
from runtime.container import ready
from runtime.errors import PermanentError, RetryableError
from runtime.gateway import Request, Response
from runtime.handler import publish
from runtime.metrics import MetricName
from runtime.origin_guard import refused

ready(bootstrap.collector)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Answer a REST proxy event of API Gateway."""
    request = Request.from_event(event)
    return (refused(request) or _respond(request)).proxied()


def _respond(request: Request) -> Response:
    endpoint = Endpoint(bootstrap.collector)
    answer = endpoint.answer(request)
    if answer.record is not None:
        try:
            bootstrap.sink().put([answer.record])
        except (RetryableError, PermanentError) as error:
            return endpoint.not_taken(request, error)
    if answer.counts:
        _report(answer.counts)
    return answer.response


def _report(counts: Mapping[MetricName, int]) -> None:
    publish("ingest", {**counts, "requests_spilled": bootstrap.spilled().take()})
