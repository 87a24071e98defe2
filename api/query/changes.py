"""Takes what an owner changes about the goals of a site, with an admin key."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from api.endpoint import (
    PARAMETERS,
    UNAVAILABLE,
    WRONG_METHOD_OF_CHANGED,
    Endpoint,
    owned_site,
)
from api.parameters import refuse_unknown
from api.problem import ReadProblem
from api.query.reached import goal_document
from runtime.errors import RetryableError, UsageError
from runtime.gateway import Request, Response, json_response, problem_response
from runtime.problem import ProblemError
from runtime.sites.cache import SiteCache
from runtime.sites.goals import Goal, with_goal, without_goal
from runtime.sites.site import Site, SiteStore

LOGGER = logging.getLogger(__name__)

MOST_BODY = 4000
"""Characters."""

HEADERS = {"Cache-Control": "no-store", "Vary": "X-API-Key"}

EXAMPLE = (
    'Send {"goal": {"name": "Signup", "event": "signup"}}, {"goal": {"name": "Thanks", "page":'
    ' "/thanks"}} or {"remove": "Signup"}.'
)

TEXTS = {"name": "name", "page": "page", "event": "event"}
KNOWN = {*TEXTS, "property", "has_revenue"}


class GoalsEndpoint:
    """Answers `/api/goals`: readers with what was reached, owners after they have changed a goal.

    Args:
        reader: answers GET.
        sites: the settings, as they are now.
        cache: what readers know of them.
    """

    def __init__(self, reader: Endpoint, sites: SiteStore, cache: SiteCache) -> None:
        self._reader, self._sites, self._cache = reader, sites, cache

    def reply(self, request: Request, *, now: datetime) -> Response:
        """Answer a request; a problem becomes a problem document."""
        if request.method not in {"GET", "HEAD", "POST"}:
            return problem_response(WRONG_METHOD_OF_CHANGED)
        if request.method != "POST":
            return self._reader.reply(request, now=now)
        try:
            refuse_unknown(request, PARAMETERS)
            site = owned_site(request, self._sites.get)
            changed = self._sites.update(site.site_id, change_in(request))
        except ProblemError as error:
            return problem_response(error.problem)
        except RetryableError as error:
            LOGGER.warning("the goals cannot be changed: %s", error)
            return problem_response(UNAVAILABLE)
        self._cache.forget(site.site_id)
        answer = {
            "site_id": site.site_id,
            "goals": list(map(goal_document, (changed or site).goals)),
        }
        return json_response(200, json.dumps(answer, separators=(",", ":")), HEADERS)


def change_in(request: Request) -> Callable[[Site], Site]:
    """Read what is to be changed; return what does it, which raises ProblemError if it cannot be.

    Raises:
        ProblemError: the body is none.
    """
    body = _object(request)
    if set(body) == {"remove"} and isinstance(body["remove"], str):
        return _checked(lambda site: replace(site, goals=without_goal(site.goals, body["remove"])))
    if set(body) == {"goal"} and isinstance(body["goal"], dict):
        try:
            goal = goal_in(body["goal"])
        except UsageError as error:
            raise _bad(str(error)) from error
        return _checked(lambda site: replace(site, goals=with_goal(site.goals, goal)))
    raise _bad(EXAMPLE)


def goal_in(given: dict[str, Any]) -> Goal:
    """Read a goal, as `goal_document` writes it.

    Raises:
        ProblemError: it has another form.
        UsageError: there is no such goal.
    """
    unknown = sorted(given.keys() - KNOWN - {"is_ready_made"})
    if unknown:
        raise _bad(f"A goal has no field {unknown[0][:64]!r}. {EXAMPLE}")
    texts = {name: given.get(name) or "" for name in TEXTS}
    having = given.get("property") or {"name": "", "value": ""}
    revenue = given.get("has_revenue", False)
    if not isinstance(having, dict) or having.keys() != {"name", "value"}:
        raise _bad('property is {"name": "plan", "value": "pro"}.')
    if not all(isinstance(text, str) for text in (*texts.values(), *having.values())):
        raise _bad("The fields of a goal are texts.")
    if not isinstance(revenue, bool):
        raise _bad("has_revenue is true or false.")
    return Goal(prop=having["name"], value=having["value"], revenue=revenue, **texts)


def _object(request: Request) -> dict[str, Any]:
    try:
        body = {} if len(request.body) > MOST_BODY else json.loads(request.body)
    except (ValueError, RecursionError):
        body = {}
    return body if isinstance(body, dict) else {}


def _checked(change: Callable[[Site], Site]) -> Callable[[Site], Site]:
    def checked(site: Site) -> Site:
        try:
            return change(site)
        except UsageError as error:
            raise _bad(str(error)) from error

    return checked


def _bad(detail: str) -> ProblemError:
    return ProblemError(422, ReadProblem.BAD_GOAL, detail)
