"""RFC 9457 problem documents: what went wrong with an HTTP request, and what to do.

https://www.rfc-editor.org/rfc/rfc9457
"""

from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"


class ProblemError(Exception):
    """An expected failure of a request.

    Args:
        status: the HTTP status.
        code: stable and machine-readable.
        detail: what went wrong, where, and what to do, for a person.
        headers: headers of the response, such as Retry-After.
    """

    def __init__(
        self, status: int, code: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}

    def document(self) -> dict[str, Any]:
        """Return the problem document's members."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
