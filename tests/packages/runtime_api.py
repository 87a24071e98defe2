"""Lambda's Runtime API on this machine: runs the unpacked zip in AWS's runtime interface client.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from types import TracebackType
from typing import Any, ClassVar

from infra.packages.functions import Function
from infra.packages.start import environment_of_a_start

VERSION = "/2018-06-01/runtime"
TIMEOUT_SECONDS = 60
MEMORY_MB = 512
ACCOUNT = "123456789012"


class InvocationError(Exception):
    """The function failed; the message is what it reported."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the client posted: the last part of the path, and the body."""

    kind: str
    document: Any


class Container:
    """One execution environment of one function. A context manager.

    Args:
        function: what runs.
        task: the folder that the zip was unpacked into.
        client: the folder that holds the runtime interface client.
        python: the runtime's interpreter.
        environment: the function's own variables.
    """

    def __init__(
        self,
        function: Function,
        task: Path,
        *,
        client: Path,
        python: Path,
        environment: Mapping[str, str],
    ) -> None:
        # -S: nothing that is installed beside the interpreter may stand in for what the zip lacks.
        self._command = [str(python), "-S", "-m", "awslambdaric", function.handler]
        self._task = task
        self._server = _RuntimeApi(f"arn:aws:lambda:local:{ACCOUNT}:function:{function.name}")
        self._environment = {
            **environment_of_a_start(),
            "PYTHONPATH": str(client),
            "AWS_LAMBDA_RUNTIME_API": self._server.address,
            "LAMBDA_TASK_ROOT": str(task),
            "_HANDLER": function.handler,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LIVEINSIGHT_ENGINE": "aws",
            **environment,
        }

    def __enter__(self) -> "Container":
        Thread(target=self._server.serve_forever, daemon=True).start()
        self._process = subprocess.Popen(
            self._command, cwd=self._task, env=self._environment, stdout=subprocess.DEVNULL
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, event: object) -> Any:
        """Hand an event to the function and return its answer.

        Raises:
            InvocationError: the function failed, or did not start.
        """
        self._server.events.put(json.dumps(event).encode())
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            try:
                report = self._server.reports.get(timeout=0.5)
            except Empty:
                if self._process.poll() is not None:
                    break
            else:
                if report.kind == "response":
                    return report.document
                raise InvocationError(report.document)
        raise InvocationError(f"no answer; exit code {self._process.poll()}")


class _RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, arn: str) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.arn = arn
        self.address = f"127.0.0.1:{self.server_port}"
        self.events: Queue[bytes] = Queue()
        self.reports: Queue[Report] = Queue()


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else an answer waits 40 ms for an acknowledgement
    server: _RuntimeApi
    ids: ClassVar[list[int]] = [0]

    def do_GET(self) -> None:
        assert self.path == f"{VERSION}/invocation/next"
        event = self.server.events.get()
        self.ids[0] += 1
        due = int((time.time() + TIMEOUT_SECONDS) * 1000)
        self._answer(
            200,
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": f"request-{self.ids[0]}",
                "Lambda-Runtime-Deadline-Ms": str(due),
                "Lambda-Runtime-Invoked-Function-Arn": self.server.arn,
                "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(202, b'{"status": "OK"}', {})
        self.server.reports.put(Report(self.path.rpartition("/")[2], json.loads(body)))

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
