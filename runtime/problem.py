"""RFC 9457 problem documents: what went wrong with an HTTP request, and what to do.

https://www.rfc-editor.org/rfc/rfc9457
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"


class ProblemCode(StrEnum):
    """Which problem it is: stable, machine-readable, described in docs/api.md.

    Each part declares its own in a subclass.
    """


class AnyProblem(ProblemCode):
    """What any path may answer."""

    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    UNKNOWN_SITE = "unknown_site"
    INTERNAL_ERROR = "internal_error"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    TOO_MANY_REQUESTS = "too_many_requests"


@dataclass(frozen=True, slots=True)
class Problem:
    """An expected failure of a request."""

    status: int
    code: ProblemCode
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
        self,
        status: int,
        code: ProblemCode,
        detail: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(status, code, detail, headers or {})
