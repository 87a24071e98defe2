"""moto, the emulator that Terraform applies to in `make infra`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.verify.emulator import Server, client_environ, free_port, serving

SCRIPT = Path(__file__).with_name("moto_server.py")


@contextmanager
def moto(python: Path, log: Path) -> Iterator[dict[str, str]]:
    """Start moto, and yield what the AWS provider must find in its environment; stop it afterwards.

    Raises:
        CheckError: it did not start.
    """
    port = free_port()
    # API Gateway's log role has a policy of AWS's own.
    environ = {**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
    arguments = ["-H", "127.0.0.1", "-p", str(port)]
    with serving(Server(python, SCRIPT, arguments, environ, "/moto-api/"), port, log):
        yield client_environ(port)
