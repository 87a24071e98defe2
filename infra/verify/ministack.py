"""ministack, an emulator that runs the functions of what Terraform applies to it."""

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from infra.verify.emulator import free_port
from infra.verify.errors import CheckError

REQUIREMENTS = Path(__file__).with_name("ministack-requirements.txt")
SERVER = Path(__file__).with_name("ministack_server.py")
REGION = "eu-central-1"
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ministack:
    """A running emulator.

    Attributes:
        url: of all its services.
        log: what it and its functions print.
        environ: what a client of AWS must find in its environment.
    """

    url: str
    log: Path
    environ: Mapping[str, str] = field(repr=False)

    def address_of(self, invoke_url: str) -> str:
        """Return where an API answers here, from where it would answer on AWS."""
        parts = urlsplit(invoke_url)
        api = parts.netloc.partition(".")[0]
        return f"{self.url}/_aws/execute-api/{api}{parts.path.rstrip('/')}"


@contextmanager
def ministack(python: Path, folder: Path) -> Iterator[Ministack]:
    """Start the emulator, and stop it with all functions that it runs.

    Args:
        python: has ministack; functions run on the interpreter that it was made from.
        folder: for its log and for unpacked functions.

    Raises:
        CheckError: it did not start.
    """
    port = free_port()
    log = folder / "ministack.log"
    running = Ministack(f"http://127.0.0.1:{port}", log, _client_environ(port))
    scratch = folder / "ministack"
    scratch.mkdir()
    with log.open("w") as output:
        server = subprocess.Popen(  # noqa: S603 - our own arguments
            # Isolated: else the server would take this module for the library of the same name.
            [str(python), "-I", str(SERVER)],
            env={**_server_environ(port), "HOME": str(scratch), "TMPDIR": str(scratch)},
            stdin=subprocess.PIPE,
            start_new_session=True,  # so that its functions can be ended with it
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(running, server)
            yield running
        finally:
            _stop(server)


def _client_environ(port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "emulated",
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _server_environ(port: int) -> dict[str, str]:
    """Return all that the server sees: its functions inherit it, and AWS's have nothing of ours."""
    return {
        **_client_environ(port),
        "PATH": os.environ.get("PATH", os.defpath),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "AUTH": "true",  # requests are checked against the roles' policies
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _wait_for(running: Ministack, server: "subprocess.Popen[bytes]") -> None:
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{running.url}/_ministack/health", timeout=1):  # noqa: S310
                return
        except OSError:
            time.sleep(0.2)
    raise CheckError("ministack did not start", running.log.read_text())


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """End it and its functions."""
    if server.stdin:
        server.stdin.close()
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
