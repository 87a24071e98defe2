"""Run the whole pipeline on this machine."""

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import click

from ingest.stream.opener import event_sink
from liveinsight.commands.options import console, data_option, errors, port_option, restarted
from liveinsight.commands.terminal import progress_bar
from liveinsight.engine.address import Address
from liveinsight.engine.consumer import backlog
from liveinsight.engine.geo import GeoDatabase
from liveinsight.engine.positions import ARCHIVE
from liveinsight.engine.processes import serving
from liveinsight.traffic.demo import (
    HISTORY_DAYS,
    History,
    Progress,
    demo_days,
    demo_site,
    live_traffic,
)
from runtime.settings import EmbeddedSettings
from runtime.sites.site import Site

LOOK_SECONDS = 0.2
HEAD_START_SECONDS = 2.0
"""Of live traffic before the history begins to take the machine's time."""


@click.command()
@data_option
@port_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--geo-db",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Database of places in MaxMind's format (.mmdb), for countries and cities.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Of the collector."
)
def up(data: Path, port: int, host: str, geo_db: Path | None, workers: int) -> None:
    """Run the collector, the consumers, the APIs and the dashboard until Ctrl-C."""
    settings, address = EmbeddedSettings(data), Address(host, port)
    if geo_db is not None:
        GeoDatabase(geo_db)  # a file that is none is said here, once
    engine = serving(settings, address, geo_db, restarted, workers)
    with _until_interrupted(settings), engine as given_up:
        console.print(f"LiveInsight is up: [bold]{address.url}[/]   (Ctrl-C stops it)")
        given_up.wait()


@click.command()
@data_option
@port_option
def demo(data: Path, port: int) -> None:
    """Show the whole pipeline at work, with sample history and live simulated traffic."""
    settings, address = EmbeddedSettings(data), Address("127.0.0.1", port)
    found = demo_site(settings)
    with _until_interrupted(settings), serving(settings, address, None, restarted) as given_up:
        console.print(f"The dashboard is on [bold]{address.url}[/]   (Ctrl-C stops the demo)")
        stop = Event()
        with ThreadPoolExecutor(2) as beside:
            live = beside.submit(live_traffic, address.url, stop)
            history = beside.submit(_add_history, settings, found, stop)
            try:
                while not (given_up.wait(LOOK_SECONDS) or live.done() or _failed(history)):
                    pass
            finally:
                stop.set()
            for work in (history, live):
                work.result()


def _failed(work: Future[None]) -> bool:
    return work.done() and work.exception() is not None


def _add_history(settings: EmbeddedSettings, found: Site, stop: Event) -> None:
    """Add what is missing of the sample history, and say how far it is."""
    progress = Progress(settings.data / "demo-history.json", datetime.now(UTC))
    if progress.days == HISTORY_DAYS:
        return
    stop.wait(HEAD_START_SECONDS)
    days = demo_days(found, progress.until)
    history = History(found, days, event_sink(settings), lambda: _waiting(settings), progress)
    console.print(f"Adding {HISTORY_DAYS} days of sample history, the newest first ...")
    with progress_bar(errors, "days of sample history") as on_day:
        history.add(stop, on_day)
    if not stop.is_set():
        console.print("The sample history is complete.")


def _waiting(settings: EmbeddedSettings) -> int:
    """Return how many records wait to be shown; the archive takes its time."""
    return max(left for consumer, left in backlog(settings).items() if consumer != ARCHIVE)


@contextmanager
def _until_interrupted(settings: EmbeddedSettings) -> Iterator[None]:
    """Run the block until Ctrl-C or SIGTERM, which service managers send, and end in peace.

    Both signals are set up anew: a shell ignores SIGINT for what it starts in the background.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        console.print(f"\nStopped; the data stays in {settings.data}", soft_wrap=True)
