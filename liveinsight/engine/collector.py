"""A worker of the collector: takes events, serves the pages, and hands questions to the reader.

The core is the one that runs on AWS behind its handler. Here it runs in the loop, without API
Gateway's events around it, and a request waits for its commit without holding a thread.
"""

import asyncio
import sys
from dataclasses import dataclass, replace
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
from liveinsight.engine.gateway import ON_THIS_MACHINE, believed, core_request
from liveinsight.engine.geo import GeoDatabase
from liveinsight.engine.proxies import FORWARDED, OneAddress, Proxies, proxies_from
from liveinsight.engine.rates import UNLIMITED, Rates, shared
from liveinsight.engine.turnstile import Turnstile
from liveinsight.website import HttpResponse, StaticFiles, static_root
from runtime.settings import EmbeddedSettings
from schemas.hit import EVENTS_PATH, PIXEL_PATH, TOKEN_PATH

API = "/api/"
COLLECTED = frozenset({TOKEN_PATH, EVENTS_PATH, PIXEL_PATH})

SWITCH_SECONDS = 0.0005
"""How long the loop keeps the interpreter when the committer wants it, which asks for it at each
call of SQLite: with Python's own 5 ms, a commit takes longer than all that is done beside it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker has around the collector's core."""

    reader: Application
    """Answers what is asked."""
    rates: Rates = UNLIMITED
    """How much everybody has sent."""
    geo: GeoDatabase | None = None
    """Says where clients are."""
    tracker_path: str = ""
    """Where the tracker is served as well, with the API beside it."""
    proxies: Proxies = ON_THIS_MACHINE
    """Who may name a client that is not the peer."""


class CollectorApplication:
    """Answers requests.

    Args:
        endpoint: judges what is sent.
        committer: brings it to the stream, and announces it in the loop.
        surroundings: what is around them.
    """

    def __init__(
        self, endpoint: Endpoint, committer: Committer, surroundings: Surroundings
    ) -> None:
        path = surroundings.tracker_path
        self._static = StaticFiles(static_root(), path)
        self._beside = path.rpartition("/")[0] + API if path else ""
        self._endpoint, self._committer = endpoint, committer
        self._reader, self._geo = surroundings.reader, surroundings.geo
        self._proxies = surroundings.proxies
        self._one_address = OneAddress()
        self._turnstile = Turnstile(surroundings.rates)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        if self._beside and request.path.startswith(self._beside):
            request = replace(request, path=API + request.path.removeprefix(self._beside))
        if request.path in COLLECTED:
            return await self._collect(request)
        if request.path == HEALTH_PATH:
            return HttpResponse(200, b"ok\n", PLAIN)
        if request.method in {"GET", "HEAD"}:
            found = self._static.get(request.path, request.headers)
            if found is not None:
                return found
        return await self._reader(believed(request, proxies=self._proxies))

    async def _collect(self, http: HttpRequest) -> HttpResponse:
        peer, named = http.address, http.headers.get(FORWARDED, "")
        http = believed(http, self._geo, self._proxies)
        self._one_address.saw(peer, http.address, is_forwarded=bool(named))
        refused = self._turnstile.client(http)
        if refused is not None:
            return refused
        request = core_request(http)
        if request.path != EVENTS_PATH:
            # It may have to write the salt of a new day, and wait for others who write.
            answer = await asyncio.to_thread(self._endpoint.answer, request)
        else:
            answer = self._endpoint.answer(request)
        if answer.record is not None:
            refused = self._turnstile.site(http, answer)
            if refused is not None:
                return refused
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


@dataclass(frozen=True, slots=True)
class Beside:
    """What a worker shares with the other processes."""

    reader: Path
    """The socket at which the reader answers."""
    rates: Path
    """How much everybody has sent."""
    geo: Path | None = None
    """A database of places."""


def collect(settings: EmbeddedSettings, listen: Listen, beside: Beside) -> None:
    """Serve until the process is told to stop (SIGTERM).

    Args:
        settings: which the collector finds in the environment, too.
        listen: where. Other workers may listen there too.
        beside: what is there for all of them.
    """
    geo = GeoDatabase(beside.geo) if beside.geo else None
    rates = shared(beside.rates, client_rate=settings.client_rate, site_rate=settings.site_rate)
    sys.setswitchinterval(SWITCH_SECONDS)
    surroundings = Surroundings(
        Forwarder(beside.reader), rates, geo, settings.tracker_path, proxies_from(settings)
    )
    uvloop.run(_collect(listen, surroundings))
    counts = accepted_counts(settings)
    if counts is not None:
        counts.flush()


async def _collect(listen: Listen, surroundings: Surroundings) -> None:
    committer = Committer(bootstrap.sink(), asyncio.get_running_loop().call_soon_threadsafe)
    endpoint = Endpoint(bootstrap.collector)
    try:
        await serve(CollectorApplication(endpoint, committer, surroundings), listen)
    finally:
        await asyncio.to_thread(committer.stop)
        if isinstance(surroundings.reader, Forwarder):
            await surroundings.reader.close()
