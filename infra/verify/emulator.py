"""How emulators of AWS start and stop: the server of `moto`, and that of `ministack`."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from infra.verify.errors import CheckError

REGION = "eu-central-1"
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """How an emulator is run.

    Attributes:
        python: has what the script imports.
        script: starts it.
        arguments: of the script.
        environ: all that the process sees.
        healthy: the path that answers once it is ready.
    """

    python: Path
    script: Path
    arguments: Sequence[str]
    environ: Mapping[str, str] = field(repr=False)
    healthy: str


def client_environ(port: int) -> dict[str, str]:
    """Return what a client of AWS must find in its environment, to come to an emulator instead."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "emulated",
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def serving(server: Server, port: int, log: Path) -> Iterator[None]:
    """Start an emulator; stop it afterwards, with all that it started.

    Args:
        server: what is run.
        port: where it answers, of this machine alone.
        log: gets what it prints.

    Raises:
        CheckError: it did not start.
    """
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            # Isolated: else modules beside the script would hide the libraries of the same names.
            [str(server.python), "-I", str(server.script), *server.arguments],
            env=dict(server.environ),
            stdin=subprocess.PIPE,  # it may end with whoever holds the other end
            start_new_session=True,  # so that what it starts can be ended with it
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}{server.healthy}", process, log)
            yield
        finally:
            _stop(process)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own
                return
        except OSError:
            time.sleep(0.2)
    raise CheckError(f"the emulator of {log.name} did not start", log.read_text())


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin:
        process.stdin.close()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
