"""API Gateway on this machine: HTTP requests become REST proxy events for the same handlers.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from liveinsight.engine.front import HttpRequest
from liveinsight.engine.geo import GeoDatabase
from liveinsight.engine.lambda_context import LocalContext
from liveinsight.engine.proxies import FORWARDED, Proxies
from liveinsight.website import HttpResponse
from runtime.gateway import Request, repeated_in

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

ON_THIS_MACHINE = Proxies()
"""A proxy here (nginx, Caddy, `simulate`) may speak for a client elsewhere."""
LOOPBACK = frozenset({"127.0.0.1", "::1"})
VIEWER_PREFIX = "cloudfront-viewer-"
VIEWER_ADDRESS = "cloudfront-viewer-address"
VIEWER_COUNTRY = "cloudfront-viewer-country"


def invoke(handler: Handler, name: str, request: HttpRequest) -> HttpResponse:
    """Run a handler on a request.

    Args:
        handler: a Lambda handler behind API Gateway.
        name: the function's name.
        request: as `believed` leaves it.
    """
    return _response(handler(proxy_event(request), LocalContext(name)))


def proxy_event(request: HttpRequest) -> dict[str, Any]:
    """Build the proxy event of a request."""
    text, is_base64 = text_of(request.body)
    query = parse_qsl(request.query, keep_blank_values=True)
    return {
        "resource": request.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(request.headers),
        "multiValueHeaders": {name: [value] for name, value in request.headers.items()},
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _grouped(query) or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "httpMethod": request.method,
            "identity": {
                "sourceIp": request.address,
                "userAgent": request.headers.get("user-agent", ""),
            },
            "path": request.path,
            "protocol": "HTTP/1.1",
            "requestId": str(uuid4()),
            "resourcePath": request.path,
            "stage": "local",
        },
        "body": text or None,
        "isBase64Encoded": is_base64,
    }


def core_request(request: HttpRequest) -> Request:
    """Return what a function's core reads of a request: what it would of the proxy event."""
    text, is_base64 = text_of(request.body)
    query = parse_qsl(request.query, keep_blank_values=True) if request.query else []
    return Request(
        method=request.method.upper(),
        path=request.path.rstrip("/"),
        headers=request.headers,
        parameters=dict(query),
        repeated=repeated_in(query),
        address=request.address,
        body=text,
        is_base64=is_base64,
    )


def believed(
    request: HttpRequest, geo: GeoDatabase | None = None, proxies: Proxies = ON_THIS_MACHINE
) -> HttpRequest:
    """Return a request with the client's address, and without what only a proxy may say.

    A proxy that is believed names the client in X-Forwarded-For, and where it is as CloudFront
    does. No other peer is believed, and no text that is no address.

    Args:
        request: as it came.
        geo: says where a client is of whom no proxy says it.
        proxies: which are believed.
    """
    headers = dict(request.headers)
    named = proxies.client(request.address, headers)
    headers.pop(FORWARDED, None)
    headers.pop(VIEWER_ADDRESS, None)  # the server knows the address better than any client
    address = named or request.address
    if not named and address not in LOOPBACK:
        headers = {k: v for k, v in headers.items() if not k.startswith(VIEWER_PREFIX)}
    if geo is not None and VIEWER_COUNTRY not in headers:
        headers.update(geo.viewer_headers(address))
    return replace(request, headers=headers, address=address)


def text_of(body: bytes) -> tuple[str, bool]:
    """Return a body as API Gateway gives it to a function, and whether that is base64."""
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _grouped(query: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in query:
        grouped.setdefault(name, []).append(value)
    return grouped


def _response(answer: Mapping[str, Any]) -> HttpResponse:
    headers = {name: str(value) for name, value in (answer.get("headers") or {}).items()}
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers[name] = ", ".join(str(value) for value in values)
    body = answer.get("body") or ""
    raw = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    return HttpResponse(int(answer["statusCode"]), raw, headers)
