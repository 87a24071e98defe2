"""A proxy between a page and the engine: counts what it passes on, and fails as it is told."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import urllib3

Fault = Literal["refuse", "slow down", "wait", "hang", "lose", "break"]
"""Answer 503; 429 or 503 with `Retry-After`; answer never; pass on, and answer nothing; pass
nothing on, and answer nothing."""

RETRY_AFTER = 6
"""Seconds that are asked for where `Retry-After` is sent."""


@dataclass
class Middleman:
    """A proxy before an engine."""

    target: str
    url: str = ""
    seen: list[str] = field(default_factory=list)
    """Methods and paths, as they came."""
    faults: list[Fault] = field(default_factory=list)
    """Of the next posts, the first one first."""
    is_down: bool = False
    answers: list[int] = field(default_factory=list)
    """Of the posts that were passed on."""
    posted_at: list[float] = field(default_factory=list)
    """When posts came, by a clock that only goes on."""

    def count(self, what: str) -> int:
        return self.seen.count(what)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def middleman(self) -> Middleman:
        assert isinstance(self.server, _Server)
        return self.server.middleman

    def do_GET(self) -> None:
        self._pass()

    def do_OPTIONS(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        self._pass()

    def _pass(self) -> None:
        man = self.middleman
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        man.seen.append(f"{self.command} {self.path.partition('?')[0]}")
        fault = man.faults.pop(0) if man.faults and self.command == "POST" else None
        if self.command == "POST":
            man.posted_at.append(time.monotonic())
        if man.is_down or fault == "break":
            self.close_connection = True
            return
        if fault == "hang":
            time.sleep(60)
            self.close_connection = True
            return
        if fault == "refuse":
            self._answer(503, {"Access-Control-Allow-Origin": "*"}, b"{}")
            return
        if fault in {"slow down", "wait"}:
            pause = {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Expose-Headers": "Retry-After",
                "Retry-After": str(RETRY_AFTER),
            }
            self._answer(429 if fault == "slow down" else 503, pause, b"{}")
            return
        kept = {k: v for k, v in self.headers.items() if k.lower() not in {"host", "connection"}}
        answer = urllib3.request(
            self.command, man.target + self.path, headers=kept, body=body, decode_content=False
        )
        if self.command == "POST":
            man.answers.append(answer.status)
        if fault == "lose":
            self.close_connection = True
            return
        headers = {k: v for k, v in answer.headers.items() if k.lower() != "content-length"}
        self._answer(answer.status, headers, answer.data)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    middleman: Middleman


@contextmanager
def between(target: str) -> Iterator[Middleman]:
    """Stand before an engine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.middleman = Middleman(target, f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.middleman
    server.shutdown()
    server.server_close()
