"""Answers the rebuild API: to owners of an admin key alone, and nothing that a cache may keep."""

import json
import logging
from datetime import datetime

from aggregates.stores.reading import Reading
from api.endpoint import PARAMETERS as OF_ANY
from api.endpoint import UNAVAILABLE, WRONG_METHOD_OF_CHANGED, owned_site
from api.parameters import Parameters, refuse_unknown
from api.rebuild.document import compared, document, parameters_of
from api.rebuild.wish import granted, wish_in
from runtime.errors import RetryableError
from runtime.gateway import Request, Response, json_response, problem_response
from runtime.problem import ProblemError
from runtime.sites.site import Site, SiteStore

LOGGER = logging.getLogger(__name__)

HEADERS = {"Cache-Control": "no-store", "Vary": "X-API-Key"}

PARAMETERS = frozenset({"from", "limit"})


class RebuildEndpoint:
    """Answers requests about the generations of a site.

    Args:
        sites: the settings, as they are now.
        reading: of the rollups.
    """

    def __init__(self, sites: SiteStore, reading: Reading) -> None:
        self._sites, self._reading = sites, reading

    def reply(self, request: Request, *, now: datetime) -> Response:
        """Answer a request; a problem becomes a problem document."""
        if request.method not in {"GET", "HEAD", "POST"}:
            return problem_response(WRONG_METHOD_OF_CHANGED)
        try:
            refuse_unknown(request, OF_ANY | PARAMETERS)
            site = owned_site(request, self._sites.get)
            if request.method == "POST":
                return self._granted(site, request, now)
            return self._told(site, request, now)
        except ProblemError as error:
            return problem_response(error.problem)
        except RetryableError as error:
            LOGGER.warning("the rebuild cannot be read: %s", error)
            return problem_response(UNAVAILABLE)

    def _told(self, site: Site, request: Request, now: datetime) -> Response:
        first, limit = parameters_of(Parameters(request.parameters, PARAMETERS))
        answer = document(site, now)
        if site.building is not None and site.building.is_ready:
            answer["differences"] = compared(site, self._reading, first, limit, now)
        return json_response(200, json.dumps(answer, separators=(",", ":")), HEADERS)

    def _granted(self, site: Site, request: Request, now: datetime) -> Response:
        changed = self._sites.update(site.site_id, granted(wish_in(request), now))
        answer = document(changed or site, now)
        return json_response(202, json.dumps(answer, separators=(",", ":")), HEADERS)
