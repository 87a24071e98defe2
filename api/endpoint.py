"""What the read APIs have in common: who may read, how an answer may be cached, how errors look."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

import orjson

from api.parameters import Parameters, refuse_unknown
from api.problem import ReadProblem
from runtime.errors import RetryableError
from runtime.gateway import Request, Response, json_response, problem_response
from runtime.problem import AnyProblem, Problem, ProblemError
from runtime.sites.cache import SiteCache
from runtime.sites.site import SITE_ID, Site

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found, as JSON, and for how many seconds it may be kept."""

    body: str
    max_age: int
    meta: Mapping[str, Any] | None = None
    """How it was found, which is another each time; None: that is not said."""


def encoded(document: Mapping[str, Any]) -> str:
    """Return a document as JSON, in a tenth of the time that the standard library takes."""
    return orjson.dumps(document).decode()


UNAVAILABLE = Problem(
    503,
    ReadProblem.STORE_UNAVAILABLE,
    "The numbers cannot be read now; ask again.",
    {"Retry-After": "1"},
)
WRONG_METHOD = Problem(
    405, AnyProblem.METHOD_NOT_ALLOWED, "This path takes GET.", {"Allow": "GET, HEAD"}
)

WRONG_METHOD_OF_CHANGED = Problem(
    405,
    AnyProblem.METHOD_NOT_ALLOWED,
    "This path takes GET and POST.",
    {"Allow": "GET, HEAD, POST"},
)
"""Of a path that also takes what an owner wants changed."""

PARAMETERS = frozenset({"site_id"})
"""The parameters that every endpoint reads."""


class Query(Protocol):
    """Answers from what is stored."""

    parameters: ClassVar[frozenset[str]]
    """Which parameters of a request it reads; all others it cannot."""

    def __call__(self, site: Site, parameters: Parameters, now: datetime) -> Answer:
        """Answer a request; raise ProblemError where a parameter cannot be used."""


def as_it_is(site: Site, key: str | None) -> Site:  # noqa: ARG001 - where readers see the same
    """Return a site as every reader sees it."""
    return site


class Endpoint:
    """Answers one read API.

    Args:
        sites: the settings.
        query: answers.
        seen: returns a site as a reader with this key sees it.
    """

    def __init__(
        self, sites: SiteCache, query: Query, seen: Callable[[Site, str | None], Site] = as_it_is
    ) -> None:
        self._sites = sites
        self._query = query
        self._seen = seen

    def reply(self, request: Request, *, now: datetime) -> Response:
        """Answer a request; a problem becomes a problem document."""
        if request.method not in {"GET", "HEAD"}:
            return problem_response(WRONG_METHOD)
        try:
            refuse_unknown(request, PARAMETERS | self._query.parameters)
            site = self._readable_site(request, now)
            parameters = Parameters(request.parameters, self._query.parameters, request.repeated)
            seen = self._seen(site, request.headers.get("x-api-key"))
            answer = self._query(seen, parameters, now)
        except ProblemError as error:
            return problem_response(error.problem)
        except RetryableError as error:
            LOGGER.warning("the numbers cannot be read: %s", error)
            return problem_response(UNAVAILABLE)
        is_public = site.public and seen == site
        return _cacheable(answer, request.headers.get("if-none-match", ""), is_public=is_public)

    def _readable_site(self, request: Request, now: datetime) -> Site:
        site = site_of(request, lambda site_id: self._sites.get(site_id, now=now))
        if not site.may_read(request.headers.get("x-api-key")):
            raise ProblemError(
                401,
                ReadProblem.READ_KEY_REQUIRED,
                "This site is private: send one of its read keys in the header X-API-Key.",
                {"WWW-Authenticate": 'ApiKey realm="LiveInsight"'},
            )
        return site


def site_of(request: Request, find: Callable[[str], Site | None]) -> Site:
    """Return the site that a request asks for.

    Args:
        request: with `site_id`.
        find: knows the sites.

    Raises:
        ProblemError: it names none, or one that is not there.
    """
    site_id = Parameters(request.parameters, PARAMETERS).get("site_id", "")
    if not site_id:
        raise ProblemError(
            422,
            ReadProblem.SITE_ID_MISSING,
            "Add the query parameter site_id, such as site_id=my.site.",
        )
    site = find(site_id) if SITE_ID.fullmatch(site_id) else None
    if site is None:
        raise ProblemError(
            404, AnyProblem.UNKNOWN_SITE, f"There is no site {site_id[:253]!r} here."
        )
    return site


def owned_site(request: Request, find: Callable[[str], Site | None]) -> Site:
    """Return the site that a request asks for, to who has an admin key of it.

    Args:
        request: with `site_id` and the key.
        find: knows the sites, as they are now.

    Raises:
        ProblemError: it names none, one that is not there, or has no such key.
    """
    site = site_of(request, find)
    if not site.may_administer(request.headers.get("x-api-key")):
        raise ProblemError(
            401,
            ReadProblem.ADMIN_KEY_REQUIRED,
            "Send an admin key of the site in the header X-API-Key: 'liveinsight site set SITE"
            " --new-admin-key' makes one.",
            {"WWW-Authenticate": 'ApiKey realm="LiveInsight administration"'},
        )
    return site


def _cacheable(answer: Answer, if_none_match: str, *, is_public: bool) -> Response:
    body = answer.body
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    if answer.meta is not None:  # the numbers are the same, the bytes are not: a weak tag
        etag = f"W/{etag}"
        body = f'{body[:-1]},"meta":{encoded(answer.meta)}}}'
    scope = "public" if is_public else "private"
    headers = {
        "Cache-Control": f"{scope}, max-age={answer.max_age}",
        "ETag": etag,
        "Vary": "X-API-Key, Accept-Encoding",
    }
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if etag.removeprefix("W/") in known:
        return json_response(304, "", headers)
    return json_response(200, body, headers)
