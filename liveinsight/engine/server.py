"""The collector process: one HTTP server in front of the collector and the read APIs."""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import api.realtime.handler
import api.rebuild.handler
import api.reconciliation.handler
import api.stats.handler
import ingest.handler
from liveinsight.engine.front import listen
from liveinsight.engine.gateway import (
    Environ,
    Handler,
    as_proxied,
    comes_through_proxy,
    invoke,
    request_headers,
)
from liveinsight.engine.geo import GeoDatabase
from liveinsight.website import HttpResponse, StaticFiles, config, static_root
from runtime.errors import LiveInsightError
from runtime.gateway import problem_response
from runtime.problem import AnyProblem, Problem
from runtime.settings import Settings
from runtime.sites.opener import sites
from schemas.hit import EVENTS_PATH, TOKEN_PATH

logger = logging.getLogger(__name__)

StartResponse = Callable[[str, list[tuple[str, str]]], Any]

ROUTES: dict[str, tuple[str, Handler]] = {
    TOKEN_PATH: ("event-collector", ingest.handler.handler),
    EVENTS_PATH: ("event-collector", ingest.handler.handler),
    "/api/realtime": ("realtime-api", api.realtime.handler.handler),
    "/api/stats": ("stats-api", api.stats.handler.handler),
    "/api/reconciliation": ("reconciliation-api", api.reconciliation.handler.handler),
    "/api/rebuild": ("rebuild-api", api.rebuild.handler.handler),
}
NOT_FOUND = Problem(404, AnyProblem.NOT_FOUND, f"The API has {', '.join(ROUTES)}.")
UNAVAILABLE = Problem(
    503, AnyProblem.UNAVAILABLE, "The data cannot be read now; the server's log says why."
)
FAILED = Problem(500, AnyProblem.INTERNAL_ERROR, "The request failed; the server's log says why.")


class Application:
    """The WSGI application."""

    def __init__(self, settings: Settings, geo: GeoDatabase | None = None) -> None:
        self._static = StaticFiles(static_root())
        self._sites = sites(settings)
        self._geo = geo

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        try:
            response = self._respond(as_proxied(environ))
        except LiveInsightError as error:
            logger.error("request_failed: %s", error)  # noqa: TRY400 - the message says it all
            response = _problem(UNAVAILABLE)
        except Exception:
            logger.exception("request_failed")
            response = _problem(FAILED)
        status = HTTPStatus(response.status)
        headers = {**response.headers, "Content-Length": str(len(response.body))}
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def _respond(self, environ: Environ) -> HttpResponse:
        path = environ.get("PATH_INFO", "/")
        if path in ROUTES:
            name, handler = ROUTES[path]
            return invoke(handler, name, environ, self._viewer_headers(environ))
        if environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            if path == "/config.json":
                return self._config()
            found = self._static.get(path, request_headers(environ))
            if found is not None:
                return found
        return _problem(NOT_FOUND)

    def _viewer_headers(self, environ: Environ) -> dict[str, str]:
        said = "HTTP_CLOUDFRONT_VIEWER_COUNTRY" in environ and comes_through_proxy(environ)
        if self._geo is None or said:
            return {}
        return self._geo.viewer_headers(environ.get("REMOTE_ADDR", ""))

    def _config(self) -> HttpResponse:
        page = config(site.site_id for site in self._sites.list() if site.public)
        headers = {"Content-Type": page.content_type, "Cache-Control": "no-cache"}
        return HttpResponse(200, page.content, headers)


def serve(settings: Settings, *, host: str, port: int, geo_path: Path | None = None) -> None:
    """Serve until the process is told to stop (SIGINT, SIGTERM).

    The handlers find the same settings in the environment.
    """
    geo = GeoDatabase(geo_path) if geo_path else None
    listen(Application(settings, geo), host=host, port=port).run()


def _problem(problem: Problem) -> HttpResponse:
    response = problem_response(problem)
    return HttpResponse(response.status, response.body.encode(), response.headers)
