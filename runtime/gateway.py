"""API Gateway's REST proxy events and responses, as plain values.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.problem import CONTENT_TYPE, Problem

JSON = "application/json"
NO_SNIFF = {"X-Content-Type-Options": "nosniff"}
"""A browser is not to guess that an answer is something else than its type says."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request. Its headers and parameters hold no lone surrogates, which no store takes."""

    method: str
    path: str = ""
    """Without slashes at its end."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The last value of each."""
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """All values, in order, of the parameters that have several."""
    address: str = ""
    """The peer's IP address; empty: not said."""
    body: str = ""
    is_base64: bool = False
    """Whether API Gateway encoded the body."""

    # Not by Powertools' class: importing it imports those of all events, a tenth of a start.
    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Request":
        """Read what API Gateway gives to a Lambda; whatever is absent or null is empty."""
        identity = (event.get("requestContext") or {}).get("identity") or {}
        headers = _texts(event.get("headers"))
        return cls(
            method=(event.get("httpMethod") or "").upper(),
            path=(event.get("path") or "").rstrip("/"),
            headers={name.lower(): text for name, text in headers.items()},
            parameters=_texts(event.get("queryStringParameters")),
            repeated=_repeated(event.get("multiValueQueryStringParameters")),
            address=identity.get("sourceIp") or "",
            body=event.get("body") or "",
            is_base64=bool(event.get("isBase64Encoded")),
        )


@dataclass(frozen=True, slots=True)
class Response:
    """A response."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    def proxied(self) -> dict[str, Any]:
        """Return the shape that API Gateway takes from a Lambda."""
        return {
            "statusCode": int(self.status),
            "headers": dict(self.headers),
            "body": self.body,
            "isBase64Encoded": False,
        }


def json_response(status: int, text: str, headers: Mapping[str, str]) -> Response:
    """Answer with a text that is JSON."""
    return Response(status, {"Content-Type": JSON, **NO_SNIFF, **headers}, text)


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a problem, which is never cached.

    Args:
        problem: what went wrong; it may bring headers.
        headers: more of them.
    """
    always = {"Content-Type": CONTENT_TYPE, **NO_SNIFF, "Cache-Control": "no-store"}
    document = json.dumps(problem.document())
    return Response(problem.status, {**always, **(headers or {}), **problem.headers}, document)


def repeated_in(query: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return all values of the parameters that have several, from the pairs of a query."""
    values: dict[str, list[str]] = {}
    for name, value in query:
        values.setdefault(name, []).append(value)
    return {name: tuple(found) for name, found in values.items() if len(found) > 1}


def _repeated(given: Mapping[str, Any] | None) -> dict[str, tuple[str, ...]]:
    pairs = ((name, text) for name, texts in (given or {}).items() for text in texts or ())
    return repeated_in((name, _whole(text)) for name, text in pairs if isinstance(text, str))


def _texts(given: Mapping[str, Any] | None) -> dict[str, str]:
    texts = {name: text for name, text in (given or {}).items() if isinstance(text, str)}
    return {name: _whole(text) for name, text in texts.items()}


def _whole(text: str) -> str:
    """Return a text without lone surrogates."""
    return text.encode(errors="replace").decode()
