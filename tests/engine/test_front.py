"""Whatever reaches the port, the server answers it, and everybody else too."""

import json
import os
import resource
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import urllib3

from liveinsight.engine.front import (
    FILES_BESIDE,
    MAX_BODY_BYTES,
    MAX_CONNECTIONS,
    MAX_HEADER_BYTES,
    connection_limit,
    raise_limit,
)
from liveinsight.engine.rates import BURST_SECONDS
from tests.pipeline.engine import Engine, eventually, liveinsight, running

UNLIMITED = resource.RLIM_INFINITY
WHOLE_TOKEN_REQUEST = b'{"site_id": "shop.example", "session_id": "of-the-front"}'


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Ends with a look at what it logged: no stack, and nothing uncaught."""
    data = tmp_path_factory.mktemp("data")
    liveinsight("site", "add", "shop.example", "--public", "--data", data)
    with running(data) as engine:
        yield engine


def connect(engine: Engine, source: str = "127.0.0.1") -> socket.socket:
    host, _, port = engine.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20, source_address=(source, 0))


def ask(engine: Engine, request: bytes) -> tuple[int, dict[str, str], Any]:
    """Send bytes as they are; return the status, the headers and the document."""
    with connect(engine) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, json.loads(body)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEADER_BYTES + b"\r\n\r\n", 431),
        (b"GET /api/stats?" + b"%&" * (MAX_HEADER_BYTES // 2) + b" HTTP/1.1\r\n\r\n", 431),
    ],
    ids=lambda value: str(value[:24]) if isinstance(value, bytes) else None,
)
def test_what_is_no_http_is_refused_and_the_connection_closed(
    engine: Engine, request_: bytes, status: int
) -> None:
    with connect(engine) as connection:
        connection.sendall(request_)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert int(answer.split()[1]) == status


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (
            b"POST /api/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            400,
            "refused",
        ),
        (
            b"POST /api/csrf-token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"39\r\n" + WHOLE_TOKEN_REQUEST + b"\r\nzz\r\n",
            400,
            "refused",
        ),
        (
            b"POST /api/events HTTP/1.1\r\nConnection: close\r\nContent-Length: "
            + str(MAX_BODY_BYTES + 1).encode()
            + b"\r\n\r\n",
            413,
            "body_too_large",
        ),
        (
            b"POST /api/events HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            + (b"100000\r\n" + b"a" * 0x100000 + b"\r\n") * 11,
            413,
            "body_too_large",
        ),
        (b'GET /api/none HTTP/1.0\r\nX-Forwarded-For: "\r\n\r\n', 404, "not_found"),
        (b"GET /%ff%00 HTTP/1.0\r\n\r\n", 404, "not_found"),
        (b"get / HTTP/1.0\r\n\r\n", 404, "not_found"),
    ],
    ids=lambda value: str(value[:24]) if isinstance(value, bytes) else None,
)
def test_what_cannot_be_taken_is_answered_in_a_problem_document(
    engine: Engine, request_: bytes, status: int, code: str
) -> None:
    answered, headers, document = ask(engine, request_)
    assert answered == status
    assert (document["status"], document["code"]) == (status, code)
    assert headers["content-type"] == "application/problem+json"
    assert headers["cache-control"] == "no-store"


def test_a_service_manager_is_told_that_it_is_up_and_ready(engine: Engine) -> None:
    for path, answer in (("/healthz", b"ok\n"), ("/readyz", b"ready\n")):
        told = urllib3.request("GET", engine.url + path)
        assert (told.status, told.data) == (200, answer)
        assert told.headers["Cache-Control"] == "no-store"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_whoever_dies_is_started_again(engine: Engine) -> None:
    whole = b"GET /api/realtime?site_id=shop.example HTTP/1.0\r\n\r\n"
    assert ask(engine, whole)[0] == 200
    for role in ("reader", "collector"):
        os.kill(engine.child(role), signal.SIGKILL)
        eventually(lambda: answers(engine, whole), 20)


def answers(engine: Engine, request: bytes) -> bool:
    with suppress(OSError):  # until its worker has been started again
        return ask(engine, request)[0] == 200
    return False


def test_requests_that_never_end_keep_nobody_out(engine: Engine) -> None:
    half = b"POST /api/events HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"
    whole = b"GET /config.json HTTP/1.0\r\n\r\n"
    with ExitStack() as held:
        for _ in range(500):
            held.enter_context(connect(engine)).sendall(half)
        assert ask(engine, whole)[0] == 200  # behind all 500 in the queue
        began = time.monotonic()
        assert ask(engine, whole)[0] == 200
        assert time.monotonic() - began < 1


@pytest.mark.skipif(sys.platform != "linux", reason="looks for connections in /proc")
def test_one_client_with_all_connections_keeps_nobody_out(engine: Engine) -> None:
    half = b"POST /api/events HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != UNLIMITED and hard < 2 * MAX_CONNECTIONS:
        pytest.skip("this process may not open as many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * MAX_CONNECTIONS, hard))
    with ExitStack() as held:
        for number in range(MAX_CONNECTIONS + 500):
            connection = held.enter_context(connect(engine, "127.0.0.2"))
            if number % 4 == 0:
                connection.sendall(half)
        took = []
        for _ in range(20):
            began = time.monotonic()
            assert ask(engine, b"GET /config.json HTTP/1.0\r\n\r\n")[0] == 200
            took.append(time.monotonic() - began)
        assert max(took) < 5  # else it is IDLE_SECONDS


@pytest.mark.parametrize(
    "frame",
    [
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_a_body_in_two_frames_ends_the_connection(engine: Engine, frame: bytes) -> None:
    behind = b"GET /healthz HTTP/1.1\r\n\r\n"
    with connect(engine) as connection:
        connection.sendall(b"POST /api/events HTTP/1.1\r\n" + frame + behind)
        connection.settimeout(10)
        answered = b""
        while part := connection.recv(65536):
            answered += part
    assert answered.startswith(b"HTTP/1.1 400")
    assert answered.count(b"HTTP/1.1") == 1


def test_a_client_over_its_rate_has_to_wait_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEINSIGHT_CLIENT_RATE", "4")
    liveinsight("site", "add", "shop.example", "--data", tmp_path)
    asked = b"POST /api/csrf-token HTTP/1.1\r\nOrigin: https://a.example\r\n"
    asked += b"Content-Length: 2\r\n\r\n{}"
    with running(tmp_path) as engine:
        answers = [answer_to(engine, "127.0.0.3", asked) for _ in range(4 * BURST_SECONDS + 60)]
        refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 429")]
        assert 1 <= len(refused) <= 60
        head, _, body = refused[-1].partition(b"\r\n\r\n")
        headers = head.decode().lower().split("\r\n")
        assert json.loads(body)["code"] == "too_many_requests"
        assert "access-control-allow-origin: *" in headers
        (wait,) = [int(one.partition(": ")[2]) for one in headers if one.startswith("retry-after")]
        assert wait == 1
        for other in ("127.0.0.1", "127.0.0.4"):
            assert answer_to(engine, other, asked).startswith(b"HTTP/1.1 422")


def answer_to(engine: Engine, source: str, request: bytes) -> bytes:
    with connect(engine, source) as connection:
        connection.sendall(request)
        return connection.recv(65536)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_bodies_that_are_too_large_are_not_kept(engine: Engine) -> None:
    """Else all connections together hold 20 GB, and the system ends a worker."""
    head = b"POST /api/events HTTP/1.1\r\nContent-Length: 9000001\r\n\r\n"
    before = resident_bytes(engine.child("collector"))
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(connect(engine)).sendall(head + b"a" * 9_000_000)
        assert answers(engine, b"GET /config.json HTTP/1.0\r\n\r\n")
        assert resident_bytes(engine.child("collector")) - before < 30_000_000


def resident_bytes(process: int) -> int:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.parametrize("size", [70_000, 5_000_000])
def test_a_body_is_too_large_in_whatever_frame_it_comes(engine: Engine, size: int) -> None:
    head = b"POST /api/events HTTP/1.1\r\nConnection: close\r\n"
    frames = (
        b"Content-Length: %d\r\n\r\n%b" % (size, b" " * size),
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (size, b" " * size),
    )
    for frame in frames:
        status, _, document = ask(engine, head + frame)
        assert (status, document["code"]) == (413, "body_too_large")
        assert "65536" in document["detail"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_a_socket_that_was_cleaned_away_comes_back(engine: Engine) -> None:
    """As those who clean a folder of temporary files do, sooner or later."""
    whole = b"GET /api/realtime?site_id=shop.example HTTP/1.0\r\n\r\n"
    command = Path(f"/proc/{engine.child('reader')}/cmdline").read_text().split("\0")
    shutil.rmtree(Path(command[command.index("--at") + 1]).parent)
    eventually(lambda: answers(engine, whole), 20)


def test_a_query_as_long_as_may_be_takes_no_time(engine: Engine) -> None:
    query = b"%&" * (MAX_HEADER_BYTES // 2 - 100)
    took = []
    for _ in range(3):
        began = time.monotonic()
        status, _, document = ask(engine, b"GET /api/stats?" + query + b" HTTP/1.0\r\n\r\n")
        took.append(time.monotonic() - began)
        assert (status, document["code"]) == (422, "unknown_parameter")
    assert min(took) < 0.2


@pytest.mark.parametrize(
    ("soft", "hard", "raised_to", "connections"),
    [
        (1024, 524_288, MAX_CONNECTIONS + FILES_BESIDE, MAX_CONNECTIONS),
        (1024, UNLIMITED, MAX_CONNECTIONS + FILES_BESIDE, MAX_CONNECTIONS),
        (1024, 1024, 1024, 1024 - FILES_BESIDE),
        (256, 256, 256, 128),
        (65_536, 65_536, None, MAX_CONNECTIONS),
        (UNLIMITED, UNLIMITED, None, MAX_CONNECTIONS),
    ],
)
def test_there_are_as_many_connections_as_files_may_be_open(
    soft: int,
    hard: int,
    raised_to: int | None,
    connections: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, raised: limits.append(raised))
    raise_limit()
    set_to = limits[1:]
    assert connection_limit() == connections
    assert set_to == ([] if raised_to is None else [(raised_to, hard)])
