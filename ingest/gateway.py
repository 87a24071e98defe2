"""The REST proxy events and responses of API Gateway, as plain values.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """A request."""

    method: str
    path: str
    """Without slashes at its end."""
    headers: Mapping[str, str]
    """By lower-case name."""
    address: str
    """The peer's IP address."""
    body: str = ""
    is_base64: bool = False
    """Whether API Gateway encoded the body."""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Request":
        """Read what API Gateway gives to a Lambda."""
        given: Mapping[str, Any] = event.get("headers") or {}
        return cls(
            method=event["httpMethod"].upper(),
            path=event["path"].rstrip("/"),
            headers={name.lower(): text for name, text in given.items() if isinstance(text, str)},
            address=event["requestContext"]["identity"]["sourceIp"],
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
