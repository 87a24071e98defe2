"""The stats API Lambda: GET /api/stats."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.endpoint import ReadRequest
from api.stats import bootstrap


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Answer totals, series and breakdowns of a range of days."""
    proxied = APIGatewayProxyEvent(event)
    request = ReadRequest(
        method=proxied.http_method,
        parameters=proxied.query_string_parameters,
        headers={name.lower(): value for name, value in proxied.headers.items()},
    )
    return bootstrap.endpoint().reply(request, now=datetime.now(UTC)).proxied()
