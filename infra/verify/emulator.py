"""moto's server, for as long as Terraform applies to it."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.verify.errors import CheckError

SERVER = Path(__file__).with_name("moto_server.py")
START_SECONDS = 60.0
REGION = "eu-central-1"


@contextmanager
def emulated_aws(python: Path, log: Path) -> Iterator[dict[str, str]]:
    """Start moto, and yield what the AWS provider must find in its environment; stop it afterwards.

    Raises:
        CheckError: it did not start.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with log.open("w") as output:
        server = subprocess.Popen(  # noqa: S603 - our own arguments
            [str(python), str(SERVER), "-H", "127.0.0.1", "-p", str(port)],
            # API Gateway's log role has a policy of AWS's own.
            env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "PYTHONPATH": ""},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(url, server, log)
            yield {
                "AWS_ENDPOINT_URL": url,
                "AWS_ACCESS_KEY_ID": "emulated",
                "AWS_SECRET_ACCESS_KEY": "emulated",
                "AWS_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true",
            }
        finally:
            server.kill()
            server.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait_for(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/moto-api/", timeout=1):  # noqa: S310 - our own
                return
        except OSError:
            time.sleep(0.2)
    raise CheckError("moto's server did not start", log.read_text())
