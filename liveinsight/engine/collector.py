"""A worker of the collector: takes events, serves the pages, and hands questions to the reader.

The core is the one that runs on AWS behind its handler. Here it runs in the loop, without API
Gateway's events around it, and a request waits for its commit without holding a thread.
"""

import asyncio
import sys
from pathlib import Path

import uvloop

from ingest import bootstrap
from ingest.accepted.opener import accepted_counts
from ingest.endpoint import Endpoint
from ingest.stream.committer import Committer
from ingest.stream.sink import SinkRecord, StreamError
from liveinsight.engine.forward import Forwarder
from liveinsight.engine.front import (
    HEALTH_PATH,
    PLAIN,
    Application,
    HttpRequest,
    Listen,
    answered,
    serve,
)
from liveinsight.engine.gateway import believed, core_request
from liveinsight.engine.geo import GeoDatabase
from liveinsight.website import HttpResponse, StaticFiles, static_root
from runtime.settings import EmbeddedSettings
from schemas.hit import EVENTS_PATH, TOKEN_PATH

SWITCH_SECONDS = 0.0005
"""How long the loop keeps the interpreter when the committer wants it, which asks for it at each
call of SQLite: with Python's own 5 ms, a commit takes longer than all that is done beside it."""


class CollectorApplication:
    """Answers requests.

    Args:
        endpoint: judges what is sent.
        committer: brings it to the stream, and announces it in the loop.
        reader: answers what is asked.
        geo: says where clients are.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        committer: Committer,
        reader: Application,
        geo: GeoDatabase | None = None,
    ) -> None:
        self._static = StaticFiles(static_root())
        self._endpoint, self._committer, self._reader, self._geo = endpoint, committer, reader, geo

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        if request.path in {TOKEN_PATH, EVENTS_PATH}:
            return await self._collect(request)
        if request.path == HEALTH_PATH:
            return HttpResponse(200, b"ok\n", PLAIN)
        if request.method in {"GET", "HEAD"}:
            found = self._static.get(request.path, request.headers)
            if found is not None:
                return found
        return await self._reader(believed(request))

    async def _collect(self, http: HttpRequest) -> HttpResponse:
        request = core_request(believed(http, self._geo))
        if request.path == TOKEN_PATH:
            # It may have to write the salt of a new day, and wait for others who write.
            answer = await asyncio.to_thread(self._endpoint.answer, request)
        else:
            answer = self._endpoint.answer(request)
        if answer.record is not None:
            why = await self._on_stream(answer.record)
            if why is not None:
                return answered(self._endpoint.not_taken(request, why))
        return answered(answer.response)

    async def _on_stream(self, record: SinkRecord) -> StreamError | None:
        """Return when the stream or the spill has the record; what it raised if neither has."""
        settled: asyncio.Future[StreamError | None] = asyncio.get_running_loop().create_future()

        def settle(why: StreamError | None) -> None:
            if not settled.done():  # whoever waited may be gone
                settled.set_result(why)

        self._committer.put([record], settle)
        return await settled


def collect(
    settings: EmbeddedSettings, listen: Listen, reader: Path, geo_path: Path | None = None
) -> None:
    """Serve until the process is told to stop (SIGTERM).

    Args:
        settings: which the collector finds in the environment, too.
        listen: where. Other workers may listen there too.
        reader: the socket at which the reader answers.
        geo_path: a database of places.
    """
    geo = GeoDatabase(geo_path) if geo_path else None
    sys.setswitchinterval(SWITCH_SECONDS)
    uvloop.run(_collect(listen, Forwarder(reader), geo))
    counts = accepted_counts(settings)
    if counts is not None:
        counts.flush()


async def _collect(listen: Listen, forwarder: Forwarder, geo: GeoDatabase | None) -> None:
    committer = Committer(bootstrap.sink(), asyncio.get_running_loop().call_soon_threadsafe)
    endpoint = Endpoint(bootstrap.collector)
    try:
        await serve(CollectorApplication(endpoint, committer, forwarder, geo), listen)
    finally:
        await asyncio.to_thread(committer.stop)
        await forwarder.close()
