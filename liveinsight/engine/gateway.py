"""API Gateway on this machine: HTTP requests become REST proxy events for the same handlers.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from liveinsight.engine.lambda_context import LocalContext
from liveinsight.website import HttpResponse

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
Environ = dict[str, Any]

PROXY = "127.0.0.1"
"""A proxy on this machine (nginx, Caddy, `simulate`) may speak for a client elsewhere."""
LOOPBACK = frozenset({"127.0.0.1", "::1"})
VIEWER_PREFIX = "cloudfront-viewer-"
VIEWER_ADDRESS = "cloudfront-viewer-address"


def invoke(handler: Handler, name: str, environ: Environ, geo: Mapping[str, str]) -> HttpResponse:
    """Run a handler on a request.

    Args:
        handler: a Lambda handler behind API Gateway.
        name: the function's name.
        environ: the WSGI environment.
        geo: the viewer headers that CloudFront would add.
    """
    event = proxy_event(environ, geo)
    return _response(handler(event, LocalContext(name)))


def proxy_event(environ: Environ, geo: Mapping[str, str]) -> dict[str, Any]:
    """Build the proxy event of a request."""
    headers = request_headers(environ)
    headers.update(geo)
    body = environ["wsgi.input"].read()
    text, is_base64 = _body(body)
    query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _grouped(query) or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "httpMethod": method,
            "identity": {
                "sourceIp": environ.get("REMOTE_ADDR", ""),
                "userAgent": headers.get("user-agent", ""),
            },
            "path": path,
            "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            "requestId": str(uuid4()),
            "resourcePath": path,
            "stage": "local",
        },
        "body": text,
        "isBase64Encoded": is_base64,
    }


def request_headers(environ: Environ) -> dict[str, str]:
    """Return the request's headers in lower case, without what only a trusted proxy may say."""
    names = {key: key[5:].replace("_", "-").lower() for key in environ if key.startswith("HTTP_")}
    headers = {name: str(environ[key]) for key, name in names.items()}
    for key, name in (("CONTENT_TYPE", "content-type"), ("CONTENT_LENGTH", "content-length")):
        if environ.get(key):
            headers[name] = str(environ[key])
    headers.pop(VIEWER_ADDRESS, None)  # the server knows the address better than any client
    if not comes_through_proxy(environ):
        headers = {k: v for k, v in headers.items() if not k.startswith(VIEWER_PREFIX)}
    return headers


def as_proxied(environ: Environ) -> Environ:
    """Return the environment with the client's address that a proxy on this machine names.

    It stands last in X-Forwarded-For. No other peer is believed, and no text that is no address.
    """
    believed = dict(environ)
    hops = str(believed.pop("HTTP_X_FORWARDED_FOR", ""))
    address = _address(hops.rpartition(",")[2])
    if environ.get("REMOTE_ADDR") == PROXY and address:
        believed.update(REMOTE_ADDR=address, HTTP_X_FORWARDED_FOR=address)
    return believed


def _address(hop: str) -> str:
    """Return the IP address of 192.0.2.1:80, "[2001:db8::1]:80" and the like, or nothing."""
    text = hop.strip(' \t"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        ip_address(text)
    except ValueError:
        return ""
    return text


def comes_through_proxy(environ: Environ) -> bool:
    """Say whether the peer is on this machine, and so may speak for a client elsewhere.

    `as_proxied` has taken X-Forwarded-For away from every other peer.
    """
    return "HTTP_X_FORWARDED_FOR" in environ or environ.get("REMOTE_ADDR") in LOOPBACK


def _body(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
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
