"""The realtime API Lambda: GET /api/realtime."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.endpoint import ReadRequest
from api.realtime import bootstrap

app = APIGatewayRestResolver()


@app.get("/api/realtime")
def realtime() -> Response[str]:
    """Answer current visitors and the last 30 minutes."""
    event = app.current_event
    headers = {name.lower(): value for name, value in event.headers.items()}
    request = ReadRequest(event.query_string_parameters, headers)
    reply = bootstrap.endpoint().reply(request, now=datetime.now(UTC))
    return Response(
        status_code=reply.status,
        content_type=reply.content_type,
        headers=dict(reply.headers),
        body=reply.body,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer an API Gateway proxy event."""
    return app.resolve(event, context)
