"""The embedded engine as its user has it: commands and processes, HTTP and files."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from liveinsight.caller import Answer, Caller

COMMAND = [sys.executable, "-m", "liveinsight.cli"]
ROOT = Path(__file__).parents[2]
LOG = ROOT.parent / "shared" / "data" / "semicomplete-access.log"
LIMIT = 90


def liveinsight(*arguments: object, code: int = 0) -> str:
    """Run a command and return what it printed."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == code, done.stderr or done.stdout
    return done.stdout if code == 0 else done.stderr


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def stats(site: str, data: Path, *arguments: object) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        liveinsight("stats", site, "--data", data, "--json", *arguments)
    )
    return answer


def without_times(answer: dict[str, Any]) -> str:
    """What must be the same however the counting went."""
    return json.dumps({k: v for k, v in answer.items() if k not in {"as_of", "lag_ms"}})


def eventually(check: Callable[[], bool], within: float) -> float:
    """Wait until something holds; return after how many seconds it did."""
    began = time.monotonic()
    while not check():
        assert time.monotonic() - began < within, f"not within {within} s"
        time.sleep(0.05)
    return time.monotonic() - began


@dataclass
class Engine:
    """A running `liveinsight up`."""

    url: str
    data: Path
    process: subprocess.Popen[str]

    def get(self, path: str, **parameters: str) -> Any:
        answer = urllib3.request("GET", self.url + path, fields=parameters, timeout=20)
        assert answer.status == 200, answer.data
        return answer.json()

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        """Post as `navigator.sendBeacon` does, unless the headers say otherwise."""
        return Caller(self.url, sent={"Content-Type": "text/plain", **(headers or {})}).post(
            path, body
        )

    def token(self, site_id: str, session_id: str) -> str:
        answer = Caller(self.url, site_id).ask_token(session_id)
        assert answer.token(), answer.content
        return answer.token()

    def child(self, role: str) -> int:
        """Return the id of the process of a role, a child of the engine's (on Linux)."""
        threads = Path(f"/proc/{self.process.pid}/task")  # a thread starts again what dies
        children = " ".join(one.read_text() for one in threads.glob("*/children")).split()
        commands = {one: Path(f"/proc/{one}/cmdline").read_text().split("\0") for one in children}
        (found,) = [int(one) for one, words in commands.items() if role in words[3:4]]
        return found

    def consumer_pid(self) -> int:
        return int((self.data / "consumer.lock").read_text() or 0)


@contextmanager
def running(data: Path) -> Iterator[Engine]:
    """Run the engine on a free port, and stop it as Ctrl-C does."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = start("up", "--data", data, "--port", port)
    assert process.stdout is not None
    first_line = process.stdout.readline()
    assert "is up" in first_line, first_line + (process.stderr.read() if process.stderr else "")
    try:
        yield Engine(f"http://127.0.0.1:{port}", data, process)
    finally:
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors, errors
    assert "exception" not in errors, errors
    assert "Stopped" in out


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
