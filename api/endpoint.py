"""What the read APIs have in common: who may read, how an answer may be cached, how errors look.

Plain values in and out: a handler turns API Gateway's event into a ReadRequest, and a Reply is what
API Gateway takes.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runtime import problem
from runtime.errors import RetryableError
from runtime.problem import Problem, ProblemError
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site

LOGGER = logging.getLogger(__name__)

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request. Header names are in lower case."""

    method: str = "GET"
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response."""

    status: int
    body: str
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    def proxied(self) -> dict[str, Any]:
        """Return the response in the shape that API Gateway takes from a Lambda."""
        return {
            "statusCode": self.status,
            "headers": {"Content-Type": self.content_type, **self.headers},
            "body": self.body,
            "isBase64Encoded": False,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found, as JSON, and for how many seconds it may be kept."""

    document: Mapping[str, Any]
    max_age: int


UNAVAILABLE = Problem(
    503, "store_unavailable", "The numbers cannot be read now; ask again.", {"Retry-After": "1"}
)
WRONG_METHOD = Problem(405, "method_not_allowed", "This path takes GET.", {"Allow": "GET, HEAD"})

Query = Callable[[Site, Mapping[str, str], datetime], Answer]
"""Takes the site, the request's parameters and the time; raises ProblemError on bad parameters."""


class Endpoint:
    """Answers one read API."""

    def __init__(self, sites: SiteCache, query: Query) -> None:
        self._sites = sites
        self._query = query

    def reply(self, request: ReadRequest, *, now: datetime) -> Reply:
        """Answer a request; a problem becomes a problem document."""
        if request.method not in {"GET", "HEAD"}:
            return problem_reply(WRONG_METHOD)
        try:
            site = self._readable_site(request, now)
            answer = self._query(site, request.parameters, now)
        except ProblemError as error:
            return problem_reply(error.problem)
        except RetryableError as error:
            LOGGER.warning("the numbers cannot be read: %s", error)
            return problem_reply(UNAVAILABLE)
        return _cacheable(answer, site, request.headers.get("if-none-match", ""))

    def _readable_site(self, request: ReadRequest, now: datetime) -> Site:
        site_id = request.parameters.get("site_id", "")
        if not site_id:
            raise ProblemError(
                422, "site_id_missing", "Add the query parameter site_id, such as site_id=my.site."
            )
        site = self._sites.get(site_id, now=now)
        if site is None:
            raise ProblemError(404, "unknown_site", f"There is no site {site_id[:253]!r} here.")
        if not site.may_read(request.headers.get("x-api-key")):
            raise ProblemError(
                401,
                "read_key_required",
                "This site is private: send one of its read keys in the header X-API-Key.",
                {"WWW-Authenticate": 'ApiKey realm="LiveInsight"'},
            )
        return site


def problem_reply(error: Problem) -> Reply:
    """Return a problem as a response, which is never cached."""
    return Reply(
        status=error.status,
        body=json.dumps(error.document()),
        content_type=problem.CONTENT_TYPE,
        headers={**error.headers, "Cache-Control": "no-store"},
    )


def _cacheable(answer: Answer, site: Site, if_none_match: str) -> Reply:
    body = json.dumps(answer.document, separators=(",", ":"))
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    scope = "public" if site.public else "private"
    headers = {
        "Cache-Control": f"{scope}, max-age={answer.max_age}",
        "ETag": etag,
        "Vary": "X-API-Key",
    }
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if etag in known:
        return Reply(304, "", headers=headers)
    return Reply(200, body, headers=headers)
