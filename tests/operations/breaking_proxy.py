"""A front before a real system that breaks one thing of what it passes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import urllib3


@dataclass
class Passed:
    """A response on its way back."""

    status: int
    headers: dict[str, str]
    content: bytes


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    body: bytes


Fault = Callable[[Asked, Passed], Passed]


@dataclass
class Front:
    """Where the front is, and what went through it."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def front_of(system: str, fault: Fault = lambda _, answer: answer) -> Iterator[Front]:
    """Serve what `system` answers, changed by `fault`."""
    pool = urllib3.PoolManager(retries=False, timeout=20)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            asked = Asked(self.command, self.path, self.rfile.read(length))
            front.asked.append(asked)
            answer = pool.request(
                asked.method, system + asked.path, body=asked.body, headers=dict(self.headers)
            )
            kept = {
                name: value
                for name, value in answer.headers.items()
                if name.lower() not in {"content-length", "connection", "server", "date"}
            }
            broken = fault(asked, Passed(answer.status, kept, answer.data))
            self.send_response(broken.status)
            for name, value in broken.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(broken.content)))
            self.end_headers()
            self.wfile.write(broken.content)

        do_GET = do_POST = do_OPTIONS = pass_on  # noqa: N815 - names of http.server

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    front = Front(f"http://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
