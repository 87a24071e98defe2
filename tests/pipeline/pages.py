"""Pages of a site, as a browser is given them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Pages:
    """A site, whose every path is the same page."""

    host: str
    port: int = 0
    head: str = ""
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    """Paths at which nothing is."""

    def url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{path}"

    @property
    def content(self) -> str:
        return (
            f"<!doctype html><html><head><title>A page</title>{self.head}</head><body>{self.body}"
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        pages = self.server.pages
        content = pages.content.encode()
        self.send_response(404 if self.path in pages.missing else 200)
        for name, value in pages.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    pages: Pages


@contextmanager
def served(host: str) -> Iterator[Pages]:
    """Serve the pages of a host that leads to this machine, such as shop.localhost."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.pages = Pages(host, server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.pages
    server.shutdown()
    server.server_close()
