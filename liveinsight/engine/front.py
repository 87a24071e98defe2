"""The HTTP front of the embedded engine: waitress, which answers in problem documents.

It reads a request before the application sees it, and so refuses some by itself.
"""

import resource
from http import HTTPStatus
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server
from waitress.utilities import BadRequest, Error

from ingest.refusal import CollectorProblem
from runtime.gateway import problem_response
from runtime.problem import AnyProblem, Problem, ProblemCode

THREADS = 8
MAX_CONNECTIONS = 2048
"""waitress looks at each at every turn of its loop: with this many, for 2 ms."""
FILES_BESIDE = 256
"""Open files that are no connections: databases, pages, bodies."""
IDLE_SECONDS = 30
LOOK_FOR_IDLE_SECONDS = 10
MAX_HEADER_BYTES = 16 * 1024
"""Of the request line and all headers together; API Gateway takes 10,240 bytes of headers.
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""
RECEIVED_BYTES = 64 * 1024
"""Read from a connection at a time. What lies unread when it is closed takes the answer with it."""
MAX_BODY_BYTES = 10 * 1024 * 1024
"""API Gateway's payload limit; the collector's own is far lower.
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

REFUSALS: dict[int, tuple[ProblemCode, str]] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        CollectorProblem.BODY_TOO_LARGE,
        f"A body has less than {MAX_BODY_BYTES} bytes.",
    ),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        AnyProblem.REFUSED,
        f"The request line and the headers have less than {MAX_HEADER_BYTES} bytes together.",
    ),
    HTTPStatus.NOT_IMPLEMENTED: (AnyProblem.REFUSED, "The only transfer encoding is chunked."),
}
MALFORMED = (AnyProblem.REFUSED, "The request line, a header or the body's frame is not HTTP/1.1.")


class RefusalError(Error):
    """A request that is no HTTP, or too large, as a problem document."""

    def __init__(self, status: int) -> None:
        super().__init__("")
        self.code = status

    def to_response(
        self,
        ident: str | None = None,  # noqa: ARG002 - waitress passes it
    ) -> tuple[str, list[tuple[str, str]], Any]:
        """Return the status, the headers and the body."""
        code, detail = REFUSALS.get(self.code, MALFORMED)
        response = problem_response(Problem(self.code, code, detail))
        status = f"{self.code} {HTTPStatus(self.code).phrase}"
        return status, list(response.headers.items()), response.body.encode()


class Parser(HTTPRequestParser):
    """A parser that refuses what it fails on, where waitress' own would close the connection."""

    def received(self, data: bytes) -> int:
        """Take bytes; return how many."""
        try:
            consumed = super().received(data)
        except Exception:  # noqa: BLE001 - a length of 5,000 digits, `http://[`, and what is like them
            self.error, self.completed, consumed = BadRequest(""), True, len(data)
        if self.error is not None:
            self.error = RefusalError(self.error.code)
            self.expect_continue = False  # the answer comes now, not after a body
        return consumed


class Channel(HTTPChannel):
    """A connection."""

    parser_class = Parser


def listen(application: Any, *, host: str, port: int) -> BaseWSGIServer | MultiSocketServer:
    """Return a server that listens already; `run` answers, until SIGINT or SystemExit."""
    sockets: dict[int, Any] = {}
    server = create_server(
        application,
        map=sockets,
        host=host,
        port=port,
        threads=THREADS,
        ident="liveinsight",
        connection_limit=connection_limit(),
        asyncore_use_poll=True,  # select() takes no descriptor above 1,023
        channel_timeout=IDLE_SECONDS,
        cleanup_interval=LOOK_FOR_IDLE_SECONDS,
        recv_bytes=RECEIVED_BYTES,
        max_request_header_size=MAX_HEADER_BYTES,
        max_request_body_size=MAX_BODY_BYTES,
        clear_untrusted_proxy_headers=False,  # the gateway says whom it believes
    )
    for listening in sockets.values():
        if isinstance(listening, BaseWSGIServer):
            listening.channel_class = Channel
    return server


def connection_limit() -> int:
    """Return how many connections this process may hold, with its limit of open files raised."""
    wanted = MAX_CONNECTIONS + FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MAX_CONNECTIONS
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(soft - FILES_BESIDE, soft // 2)
