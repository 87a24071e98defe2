"""RFC 9457 problem documents: what went wrong with an HTTP request, and what to do.

https://www.rfc-editor.org/rfc/rfc9457
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """An expected failure of a request."""

    status: int
    code: str
    """Stable and machine-readable."""
    detail: str
    """What went wrong, where, and what to do, for a person."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of the response, such as Retry-After."""

    def document(self) -> dict[str, Any]:
        """Return the problem document's members."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }


class ProblemError(Exception):
    """Ends a request with a problem, from wherever it was found."""

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(status, code, detail, headers or {})
