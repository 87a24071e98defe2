"""The embedded engine as one thing: its processes, and what a command needs of its data."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from liveinsight.engine.consumer import backlog
from liveinsight.engine.supervisor import Child, Supervisor
from runtime.errors import LiveInsightError, UsageError
from runtime.settings import EmbeddedSettings, Settings
from runtime.sites.opener import sites

START_LIMIT = timedelta(seconds=30)
POLL = timedelta(milliseconds=50)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the collector process listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address as a URL, without a slash at the end."""
        return f"http://{self.host}:{self.port}"


@contextmanager
def consuming(settings: EmbeddedSettings, on_restart: Callable[[str], None]) -> Iterator[None]:
    """Run a consumer process, which stands by if another one works on the same data."""
    with Supervisor([Child("consumer", ())], settings, on_restart):
        yield


@contextmanager
def counted(
    settings: Settings, on_restart: Callable[[str], None], on_progress: Callable[[int, int], None]
) -> Iterator[None]:
    """See to it that what the block puts on the stream is counted.

    On AWS the functions do that, some time after; here it is done when the block has ended.
    """
    if isinstance(settings, EmbeddedSettings):
        with consuming(settings, on_restart):
            yield
            wait_until_counted(settings, on_progress)
    else:
        yield


@contextmanager
def serving(
    settings: EmbeddedSettings,
    address: Address,
    geo_db: Path | None,
    on_restart: Callable[[str], None],
) -> Iterator[None]:
    """Run the collector process and the consumer process; return when the server answers.

    Raises:
        UsageError: the port is taken, or the folder is of another version.
        LiveInsightError: the server does not start.
    """
    _check_port(address)
    sites(settings).list()  # a folder of another version is refused here, once
    arguments = ["--host", address.host, "--port", str(address.port)]
    if geo_db is not None:
        arguments += ["--geo-db", str(geo_db)]
    children = [Child("collector", arguments), Child("consumer", ())]
    with Supervisor(children, settings, on_restart):
        _wait_for(address)
        yield


def wait_until_counted(settings: EmbeddedSettings, on_progress: Callable[[int, int], None]) -> None:
    """Wait until every consumer is done with what is on the stream now.

    Args:
        settings: whose stream.
        on_progress: told how many deliveries are done and how many there are.
    """
    total = sum(backlog(settings).values())
    while left := sum(backlog(settings).values()):
        total = max(total, left)
        on_progress(total - left, total)
        time.sleep(POLL.total_seconds())
    on_progress(total, total)


def _check_port(address: Address) -> None:
    try:
        with socket.create_server((address.host, address.port)):
            pass
    except OSError as error:
        raise UsageError(
            f"cannot listen on {address.url} ({error.strerror}): choose another port with --port"
        ) from error


def _wait_for(address: Address) -> None:
    deadline = time.monotonic() + START_LIMIT.total_seconds()
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address.host, address.port), timeout=1):
                return
        except OSError:
            time.sleep(POLL.total_seconds())
    raise LiveInsightError(f"the server did not answer on {address.url}")
