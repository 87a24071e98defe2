"""Several paths of one function, which share what it has open."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from runtime.gateway import Request, Response, problem_response
from runtime.problem import AnyProblem, Problem


class Replies(Protocol):
    """Answers the requests of one path."""

    def reply(self, request: Request, *, now: datetime) -> Response:
        """Answer a request."""


class Routed:
    """Answers by path.

    Args:
        endpoints: by path.
    """

    def __init__(self, endpoints: Mapping[str, Replies]) -> None:
        self._endpoints = endpoints

    def reply(self, request: Request, *, now: datetime) -> Response:
        """Answer a request."""
        endpoint = self._endpoints.get(request.path)
        if endpoint is None:
            known = ", ".join(self._endpoints)
            return problem_response(Problem(404, AnyProblem.NOT_FOUND, f"Here are {known}."))
        return endpoint.reply(request, now=now)
