"""A cold start from the unpacked zip, in a process of its own.

What Lambda does before and at the first invocation: import the handler's module, then build what it
works with, clients of AWS included. No request leaves the machine: the collector's question for its
token keys is answered here.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from infra.packages.functions import Function
from runtime.settings import AwsName, Variable

PROGRAM = """
import time
began, began_cpu = time.perf_counter(), time.process_time()
import importlib, sys
importlib.import_module(sys.argv[1])
imported_cpu = time.process_time()
module, _, name = sys.argv[2].rpartition(".")
getattr(importlib.import_module(module), name)()
seconds, ended_cpu = time.perf_counter() - began, time.process_time()
import json
print(json.dumps({
    "seconds": seconds, "cpu_seconds": ended_cpu - began_cpu,
    "left_cpu_seconds": ended_cpu - imported_cpu, "modules": list(sys.modules),
}))
"""

TOKEN_KEYS = json.dumps({"current": "k", "keys": {"k": "6b" * 32}})


@dataclass(frozen=True, slots=True)
class Start:
    """What a start took."""

    seconds: float
    cpu_seconds: float
    left_cpu_seconds: float
    """Of these, what is left for the first invocation: with SnapStart all that a user waits for."""
    modules: frozenset[str]
    """All that were imported, the interpreter's own included."""


def start(function: Function, task: Path, python: Path, parameters: str) -> Start:
    """Start a function.

    Args:
        function: which.
        task: the folder that the zip was unpacked into.
        python: the runtime's interpreter.
        parameters: the address of `parameter_store`.

    Raises:
        CalledProcessError: it does not start; its standard error says why.
    """
    environment: dict[str, str] = {
        **environment_of_a_start(),
        **dict.fromkeys(AwsName, "some-name"),  # at a start any will do
        Variable.ENGINE: "aws",
        "AWS_ENDPOINT_URL_SSM": parameters,
    }
    # -S: nothing that is installed beside the interpreter may stand in for what the zip lacks.
    command = [str(python), "-S", "-c", PROGRAM, function.handler_module, function.bootstrap]
    done = subprocess.run(  # noqa: S603 - the command is ours
        command, cwd=task, env=environment, capture_output=True, text=True, check=True
    )
    took: dict[str, Any] = json.loads(done.stdout)
    return Start(
        took["seconds"],
        took["cpu_seconds"],
        took["left_cpu_seconds"],
        frozenset(took["modules"]),
    )


def environment_of_a_start() -> dict[str, str]:
    """Return the variables of any function. As in Lambda, no bytecode can be written."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }


@contextmanager
def parameter_store() -> Iterator[str]:
    """Yield the address of a store whose every parameter holds token keys."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Parameters)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _Parameters(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"Parameter": {"Value": TOKEN_KEYS}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
