"""The HTTP front of the embedded engine: granian, with limits, in front of one application.

Granian (hyper) reads requests, and answers by itself what is no HTTP, or has headers that are too
large or too slow. What it does not limit is limited here: the body, and the time it may take.
"""

import asyncio
import logging
import resource
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian._granian import RSGIProtocolError as ProtocolError
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.rsgi import Scope
from granian.server.embed import Server

import schemas.hit
from ingest.refusal import CollectorProblem
from liveinsight.engine.doorkeeper import keep_door
from liveinsight.website import HttpResponse
from runtime.errors import LiveInsightError
from runtime.gateway import NO_SNIFF, Response, problem_response
from runtime.problem import AnyProblem, Problem

LOGGER = logging.getLogger(__name__)

MAX_CONNECTIONS = 2048
FILES_BESIDE = 256
"""Open files that are no connections: databases, pages, bodies."""
BACKLOG = 1024
IDLE_SECONDS = 30
"""How long a connection may take to send the headers of a request, or be idle before them."""
BODY_SECONDS = 30
"""How long a body may take."""
MAX_HEADER_BYTES = 16 * 1024
"""Of the request line and all headers together; API Gateway takes 10,240 bytes of headers.
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""
MAX_BODY_BYTES = 10 * 1024 * 1024
"""API Gateway's payload limit; the collector's own is far lower.
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

HEALTH_PATH, READY_PATH = "/healthz", "/readyz"
"""Answers to a service manager: a worker answers; what it answers from is there, too."""
PLAIN = {
    "Content-Type": "text/plain; charset=utf-8",
    **NO_SNIFF,
    "Cache-Control": "no-store",
}

KEPT_BODY_BYTES = schemas.hit.MAX_BODY_BYTES + 1
"""Of a body: enough for whoever takes it to see that it is too large. The rest is read and dropped:
what all connections send at once must fit in memory."""

TOO_LARGE = Problem(
    413, CollectorProblem.BODY_TOO_LARGE, f"A body has at most {MAX_BODY_BYTES} bytes."
)
TOO_SLOW = Problem(408, AnyProblem.REFUSED, f"A body comes within {BODY_SECONDS} seconds.")
BROKEN = Problem(400, AnyProblem.REFUSED, "The body's frame is not HTTP/1.1.")
TWO_FRAMES = Problem(
    400,
    AnyProblem.REFUSED,
    "A body has one frame: Content-Length, or Transfer-Encoding: chunked.",
    {"Connection": "close"},
)
UNAVAILABLE = Problem(
    503, AnyProblem.UNAVAILABLE, "The data cannot be read now; the server's log says why."
)
FAILED = Problem(500, AnyProblem.INTERNAL_ERROR, "The request failed; the server's log says why.")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came over the wire."""

    method: str
    path: str
    """Percent-decoded."""
    query: str
    """As it is written, without the question mark."""
    headers: Mapping[str, str]
    """By lower-case name; what stands several times, separated by commas."""
    address: str
    """The peer's IP address; empty: a peer on this machine."""
    body: bytes


Application = Callable[[HttpRequest], Awaitable[HttpResponse]]


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a server listens: at an address and port, or at a socket in the file system."""

    host: str = ""
    port: int = 0
    path: Path | None = None


class Front:
    """What granian calls: reads a request within its limits, and writes the answer."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer a request."""
        if scope.proto != "http":
            return
        response = await self._response(scope, protocol)
        headers = [("server", "liveinsight"), *response.headers.items()]
        if response.body:
            protocol.response_bytes(response.status, headers, response.body)
        else:
            protocol.response_empty(response.status, headers)

    async def _response(self, scope: Scope, protocol: HTTPProtocol) -> HttpResponse:
        headers = _headers(scope)
        if not _has_one_frame(headers):
            return problem(TWO_FRAMES)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(headers, protocol)
        except _TooLargeError:
            return problem(TOO_LARGE)
        except TimeoutError:
            return problem(TOO_SLOW)
        except (ProtocolClosed, ProtocolError, _BrokenError):
            return problem(BROKEN)
        request = HttpRequest(
            scope.method,
            scope.path,
            scope.query_string,
            headers,
            _address(scope.client),
            body,
        )
        return await answer_to(self._application, request)


class _TooLargeError(Exception):
    """A body is larger than any that is taken."""


class _BrokenError(Exception):
    """A body ends before its end, or in what is none."""


async def answer_to(application: Application, request: HttpRequest) -> HttpResponse:
    """Return what an application answers; what it raises, as a problem document."""
    try:
        return await application(request)
    except LiveInsightError as error:
        LOGGER.error("request_failed: %s", error)  # noqa: TRY400 - the message says it all
        return problem(UNAVAILABLE)
    except Exception:
        LOGGER.exception("request_failed")
        return problem(FAILED)


def problem(of: Problem) -> HttpResponse:
    """Answer with a problem document."""
    return answered(problem_response(of))


def answered(response: Response) -> HttpResponse:
    """Return what a core answers as it goes over the wire."""
    return HttpResponse(int(response.status), response.body.encode(), response.headers)


async def serve(application: Application, listen: Listen) -> None:
    """Answer requests until SIGTERM; those that have come are answered before it returns.

    Other processes may listen at the same address and port: the system divides the connections.
    """
    raise_limit()
    if listen.path is None:
        keep_door(connection_limit())
    server = Server(
        Front(application),
        address=listen.host,
        port=listen.port,
        uds=listen.path,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=connection_limit(),
        http1_settings=HTTP1Settings(
            header_read_timeout=IDLE_SECONDS * 1000, max_buffer_size=MAX_HEADER_BYTES
        ),
        log_enabled=False,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


def connection_limit() -> int:
    """Return how many connections this process may hold, by its limit of open files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= MAX_CONNECTIONS + FILES_BESIDE:
        return MAX_CONNECTIONS
    return max(soft - FILES_BESIDE, soft // 2)


def raise_limit() -> None:
    """Let this process open as many files as MAX_CONNECTIONS need, as far as it may."""
    wanted = MAX_CONNECTIONS + FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in scope.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _address(client: str) -> str:
    """Return the address of "192.0.2.1:80" or "[2001:db8::1]:80"."""
    return client.rpartition(":")[0].strip("[]")


def _has_one_frame(headers: Mapping[str, str]) -> bool:
    """Say whether a body can end in one place only: else what comes behind it may be another's.

    https://www.rfc-editor.org/rfc/rfc9112#section-6.3
    """
    encoding = headers.get("transfer-encoding")
    if encoding is None:
        return True
    return encoding.strip().lower() == "chunked" and "content-length" not in headers


async def _body(headers: Mapping[str, str], protocol: HTTPProtocol) -> bytes:
    if "transfer-encoding" in headers:
        return await _kept(protocol)
    length = int(headers.get("content-length", "0"))  # hyper has seen to it that it is a number
    if length > MAX_BODY_BYTES:
        raise _TooLargeError
    if length > KEPT_BODY_BYTES:
        return await _kept(protocol)
    return await protocol() if length else b""


async def _kept(protocol: HTTPProtocol) -> bytes:
    """Read a body in parts, to its end, and return the first KEPT_BODY_BYTES of it.

    Granian ends the parts with an empty one, and hands on another for what it could not read: a
    broken chunk, a body that was cut off, a trailer.

    Raises:
        _TooLargeError: it has more than MAX_BODY_BYTES.
        _BrokenError: it cannot be read to its end.
    """
    kept = bytearray()
    size = empty = 0
    async for part in protocol:
        size += len(part)
        empty += not part
        if size > MAX_BODY_BYTES:
            raise _TooLargeError
        kept += part[: KEPT_BODY_BYTES - len(kept)]
    if empty > 1:
        raise _BrokenError
    return bytes(kept)


__all__ = [
    "Application",
    "HttpRequest",
    "Listen",
    "answered",
    "connection_limit",
    "problem",
    "raise_limit",
    "serve",
]
