"""ministack, an emulator that runs the functions of what Terraform applies to it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from infra.verify.emulator import REGION, Server, client_environ, free_port, serving

REQUIREMENTS = Path(__file__).with_name("ministack-requirements.txt")
SCRIPT = Path(__file__).with_name("ministack_server.py")


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
    environ = client_environ(port)
    scratch = folder / "ministack"
    scratch.mkdir()
    seen = {**_server_environ(port), "HOME": str(scratch), "TMPDIR": str(scratch)}
    log = folder / "ministack.log"
    with serving(Server(python, SCRIPT, (), seen, "/_ministack/health"), port, log):
        yield Ministack(environ["AWS_ENDPOINT_URL"], log, environ)


def _server_environ(port: int) -> dict[str, str]:
    """Return all that the server sees: its functions inherit it, and AWS's have nothing of ours."""
    return {
        **client_environ(port),
        "PATH": os.environ.get("PATH", os.defpath),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "AUTH": "true",  # requests are checked against the roles' policies
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
