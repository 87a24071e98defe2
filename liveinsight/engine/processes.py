"""The embedded engine as one thing: its processes, and what a command needs of its data."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import get_args

from ingest.tokens.opener import token_keys
from liveinsight.engine.address import Address
from liveinsight.engine.consumer import backlog, compare, open_log
from liveinsight.engine.rates import make_file
from liveinsight.engine.supervisor import Child, Supervisor
from runtime.errors import LiveInsightError, UsageError
from runtime.objects.opener import Kind, objects
from runtime.settings import EmbeddedSettings, Settings
from runtime.sites.opener import sites
from runtime.sqlite import Database

START_LIMIT = timedelta(seconds=30)
POLL = timedelta(milliseconds=50)


@contextmanager
def consuming(settings: EmbeddedSettings, on_restart: Callable[[str], None]) -> Iterator[Event]:
    """Run a consumer process, which stands by if another one works on the same data.

    The event is set where it cannot work, as it has said.

    Raises:
        UsageError: the folder cannot be used.
        SystemExit: the process cannot work.
    """
    check(settings)
    with Supervisor([Child("consumer", ())], settings, on_restart) as supervisor:
        yield supervisor.given_up


@contextmanager
def counted(
    settings: Settings, on_restart: Callable[[str], None], on_progress: Callable[[int, int], None]
) -> Iterator[None]:
    """See to it that what the block puts on the stream is counted.

    On AWS the functions do that, some time after; here it is done when the block has ended.
    """
    if isinstance(settings, EmbeddedSettings):
        with consuming(settings, on_restart) as given_up:
            yield
            wait_until_counted(settings, on_progress, given_up)
    else:
        yield


@contextmanager
def serving(
    settings: EmbeddedSettings,
    address: Address,
    geo_db: Path | None,
    on_restart: Callable[[str], None],
    workers: int = 1,
) -> Iterator[Event]:
    """Run the collector's workers, the reader and the consumer; return when the server answers.

    The event is set where one of them cannot work, as it has said.

    Raises:
        UsageError: the address cannot be used, or the folder cannot.
        LiveInsightError: the server does not start.
        SystemExit: one of them cannot work.
    """
    ip = listening_address(address)
    check(settings)
    with TemporaryDirectory(prefix="liveinsight-") as folder:
        # Not in the data folder: the path of a socket has 100 characters at most.
        reader = str(Path(folder) / "reader")
        rates = Path(folder) / "rates"
        make_file(rates)
        arguments = [
            "--rates",
            str(rates),
            "--host",
            ip,
            "--port",
            str(address.port),
            "--reader",
            reader,
        ]
        if geo_db is not None:
            arguments += ["--geo-db", str(geo_db)]
        children = [
            Child("reader", ("--at", reader)),
            Child("consumer", ()),
            Child("columns", ()),
            *(Child("collector", arguments) for _ in range(workers)),
        ]
        with Supervisor(children, settings, on_restart) as supervisor:
            _wait_for(address, supervisor.given_up)
            settings.address_path.write_text(address.own_url)
            try:
                yield supervisor.given_up
            finally:
                settings.address_path.unlink(missing_ok=True)


def check(settings: EmbeddedSettings) -> None:
    """Open what a data folder holds, before a process does that could only die of it.

    Raises:
        UsageError: a part is of another version, or is something else.
        RetryableError: a part could not be read now.
    """
    for path in (
        *(settings.sites_path, settings.salts_path, settings.accepted_path),
        *(settings.stream_path, settings.witness_path),
        *(settings.tables_path, settings.import_checkpoints_path),
    ):
        if path.is_dir():
            raise UsageError(f"{path} is a folder where a file must be: move it away")
    sites(settings).list()
    backlog(settings)
    Database(settings.accepted_path, tables="").check()
    if settings.token_keys_path.exists():
        token_keys(settings)
    if settings.salts_path.exists():
        Database(settings.salts_path, tables="").check()
    if settings.imports_path.exists():
        Database(settings.import_checkpoints_path, tables="").check()
    for kind in get_args(Kind):
        objects(settings, kind).folders("")
    compare(settings, open_log(settings))


def wait_until_counted(
    settings: EmbeddedSettings, on_progress: Callable[[int, int], None], given_up: Event
) -> None:
    """Wait until every consumer is done with what is on the stream now.

    Args:
        settings: whose stream.
        on_progress: told how many deliveries are done and how many there are.
        given_up: ends the wait: nobody counts any more.
    """
    total = sum(backlog(settings).values())
    while (left := sum(backlog(settings).values())) and not given_up.is_set():
        total = max(total, left)
        on_progress(total - left, total)
        time.sleep(POLL.total_seconds())
    on_progress(total, total)


def listening_address(address: Address) -> str:
    """Return the IP address of a host, where its port is free.

    Raises:
        UsageError: nothing can listen there.
    """
    if not address.host:
        raise UsageError("--host is empty: name an address, such as 127.0.0.1, or 0.0.0.0 for all")
    try:
        family, *_, found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[
            0
        ]
        with socket.create_server((str(found[0]), address.port), family=family):
            return str(found[0])
    except (OSError, UnicodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(
            f"cannot listen on {address.url} ({why}): choose another port with --port, or another"
            " address with --host"
        ) from error


def _wait_for(address: Address, given_up: Event) -> None:
    deadline = time.monotonic() + START_LIMIT.total_seconds()
    while time.monotonic() < deadline and not given_up.is_set():
        try:
            with socket.create_connection((address.host, address.port), timeout=1):
                return
        except OSError:
            time.sleep(POLL.total_seconds())
    raise LiveInsightError(f"the server did not answer on {address.url}")
