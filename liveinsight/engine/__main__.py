"""A process of the engine, as its supervisor starts it: `python -m liveinsight.engine ROLE`.

A child ends on SIGTERM, and when its parent is gone: then its standard input ends. SIGINT is the
parent's: Ctrl-C in a terminal reaches every process of the group.

What stops it is said in one line. Exit code 2: it cannot go on before that is mended.
"""

import logging
import os
import signal
import sys
from pathlib import Path
from threading import Event, Thread

import click

from runtime.errors import FAILURE_EXIT, USAGE_EXIT, LiveInsightError, UsageError, system_error
from runtime.settings import EmbeddedSettings, Variable, write_versions
from schemas import registry
from schemas.text import visible


@click.group()
@click.option("--write-versions", "versions", envvar=Variable.WRITE_VERSIONS, default="")
def main(versions: str) -> None:
    """Run a process of the engine, whose settings are in the environment."""
    try:
        registry.write(dict(write_versions(versions)))
    except ValueError as error:
        raise UsageError(str(error)) from error
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


@main.command()
@click.option("--host", default="127.0.0.1")
@click.option("--port", type=int, default=8000)
@click.option("--geo-db", type=click.Path(path_type=Path))
@click.option("--reader", type=click.Path(path_type=Path), required=True)
@click.option("--rates", type=click.Path(path_type=Path), required=True)
def collector(host: str, port: int, geo_db: Path | None, reader: Path, rates: Path) -> None:
    """Serve the collector and the dashboard; ask the reader what it is asked."""
    # A child imports only its own part.
    from liveinsight.engine.collector import Beside, collect  # noqa: PLC0415
    from liveinsight.engine.front import Listen  # noqa: PLC0415

    settings = EmbeddedSettings.from_env(os.environ)
    collect(settings, Listen(host, port), Beside(reader, rates, geo_db))
    _end_at_once()


@main.command()
@click.option("--at", type=click.Path(path_type=Path), required=True)
def reader(at: Path) -> None:
    """Answer with the read APIs at a socket."""
    from liveinsight.engine.reader import read  # noqa: PLC0415

    read(EmbeddedSettings.from_env(os.environ), at)
    _end_at_once()


@main.command()
def consumer() -> None:
    """Run the consumers."""
    from liveinsight.engine.consumer import consume  # noqa: PLC0415

    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    consume(EmbeddedSettings.from_env(os.environ), stop)


@main.command()
def columns() -> None:
    """Write the columns of events."""
    from liveinsight.engine.columns import write_columns  # noqa: PLC0415

    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    write_columns(EmbeddedSettings.from_env(os.environ), stop)


def _end_at_once() -> None:
    """End without taking the interpreter apart.

    Threads of the server, which are not Python's, may still want it, and would abort the process.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def run() -> None:
    """Run a process to its end, and say in one line what ended it."""
    try:
        main.main(standalone_mode=False)
    except UsageError as error:
        _fail(str(error), USAGE_EXIT)
    except LiveInsightError as error:
        _fail(str(error), FAILURE_EXIT)
    except OSError as error:
        _fail(system_error(error), FAILURE_EXIT)


def _fail(message: str, code: int) -> None:
    click.echo(f"liveinsight: {visible(' '.join(message.split()))}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    run()
