"""The reader: a process that answers what the dashboard asks, for the collector's workers.

It runs the handlers of the read APIs as they run on AWS. A question that takes long takes this
process' time, and none of the collector's.
"""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import api.query.handler
import api.realtime.handler
import api.rebuild.handler
import api.stats.handler
from api.handler import read_api
from api.query.bootstrap import FUNNEL_PATH, GOALS_PATH, QUERY_PATH
from api.realtime.bootstrap import FEED_PATH, REALTIME_PATH, VISIT_PATH
from liveinsight.engine.front import PLAIN, READY_PATH, HttpRequest, Listen, problem, serve
from liveinsight.engine.gateway import Handler, invoke
from liveinsight.engine.witnesses import reconciliation
from liveinsight.negotiation import prefers_html
from liveinsight.website import HttpResponse, compressed, config, not_found, static_root
from runtime.gateway import NO_SNIFF
from runtime.problem import AnyProblem, Problem
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sqlite import Database
from schemas.hit import EVENTS_PATH, PIXEL_PATH, TOKEN_PATH

THREADS = 4
QUESTION_THREADS = 3
"""For questions that are asked of events: they take long, and none of the other threads."""
MOST_QUESTIONS = 12
"""Such questions that are worked on, or wait."""
LOOK_EVERY_SECONDS = 1.0
"""How often the reader looks whether its socket is still there."""

READS: dict[str, tuple[str, Handler]] = {
    REALTIME_PATH: ("realtime-api", api.realtime.handler.handler),
    FEED_PATH: ("realtime-api", api.realtime.handler.handler),
    VISIT_PATH: ("realtime-api", api.realtime.handler.handler),
    "/api/stats": ("stats-api", api.stats.handler.handler),
    QUERY_PATH: ("query-api", api.query.handler.handler),
    GOALS_PATH: ("query-api", api.query.handler.handler),
    FUNNEL_PATH: ("query-api", api.query.handler.handler),
    "/api/reconciliation": ("reconciliation-api", read_api("reconciliation-api", reconciliation)),
    "/api/rebuild": ("rebuild-api", api.rebuild.handler.handler),
}
ROUTES = (TOKEN_PATH, EVENTS_PATH, PIXEL_PATH, *READS)
OF_EVENTS = {QUERY_PATH, GOALS_PATH, FUNNEL_PATH}
BUSY = Problem(
    503,
    AnyProblem.UNAVAILABLE,
    "Too much is asked at the same time; ask again.",
    {"Retry-After": "2"},
)
NOT_FOUND = Problem(404, AnyProblem.NOT_FOUND, f"The API has {', '.join(ROUTES)}.")


class ReadApplication:
    """Answers with the read APIs, each question in a thread."""

    def __init__(self, settings: EmbeddedSettings) -> None:
        self._sites = sites(settings)
        self._tables = Database(settings.tables_path, "")
        self._nowhere = not_found(static_root())
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="read")
        self._question_threads = ThreadPoolExecutor(QUESTION_THREADS, thread_name_prefix="question")
        self._questions = 0

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        loop = asyncio.get_running_loop()
        if request.path not in OF_EVENTS:
            return await loop.run_in_executor(self._threads, self.respond, request)
        if self._questions >= MOST_QUESTIONS:
            return problem(BUSY)
        self._questions += 1
        try:
            return await loop.run_in_executor(self._question_threads, self.respond, request)
        finally:
            self._questions -= 1

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer a request; it may take long."""
        return compressed(self._answer(request), request.headers)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.path in READS:
            name, handler = READS[request.path]
            return invoke(handler, name, request)
        if request.path == "/config.json" and request.method in {"GET", "HEAD"}:
            return self._config()
        if request.path == READY_PATH:
            return self._ready()
        return self._nowhere if prefers_html(request.headers) else problem(NOT_FOUND)

    def _ready(self) -> HttpResponse:
        """Say that what questions are answered from can be read.

        Raises:
            LiveInsightError: it cannot.
        """
        list(self._sites.list())
        self._tables.check()
        return HttpResponse(200, b"ready\n", PLAIN)

    def _config(self) -> HttpResponse:
        page = config(site.site_id for site in self._sites.list() if site.public)
        headers = {"Content-Type": page.content_type, **NO_SNIFF, "Cache-Control": "no-cache"}
        return HttpResponse(200, page.content, headers)


def read(settings: EmbeddedSettings, at: Path) -> None:
    """Answer questions at a socket until the process is told to stop (SIGTERM), or it is gone.

    The handlers find the same settings in the environment.
    """
    at.parent.mkdir(mode=0o700, exist_ok=True)  # somebody may have cleaned up, and it with that
    at.unlink(missing_ok=True)  # of a reader that was killed
    asyncio.run(_read(settings, at))


async def _read(settings: EmbeddedSettings, at: Path) -> None:
    watch = asyncio.create_task(_end_without(at))
    await serve(ReadApplication(settings), Listen(path=at))
    watch.cancel()


async def _end_without(at: Path) -> None:
    """Tell this process to stop when nobody can find it any more: the next one can be found."""
    while not at.exists():  # until it listens
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    while at.exists():
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
