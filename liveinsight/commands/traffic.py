"""Send simulated traffic."""

import json
import signal
from dataclasses import asdict
from threading import Event

import click

from liveinsight.commands.options import console, errors, json_option
from liveinsight.commands.parameters import Finite, Host
from liveinsight.commands.terminal import progress_bar, show_simulation
from liveinsight.traffic.simulator import SimulationOptions, simulate


@click.command("simulate")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The collector.")
@click.option(
    "--site", "site_id", type=Host(), required=True, help="A site that the collector knows."
)
@click.option(
    "--rate",
    type=Finite(min=0, min_open=True),
    help="Events a second.  [default: as fast as possible]",
)
@click.option("--events", type=click.IntRange(1), help="When to stop.  [default: at Ctrl-C]")
@click.option("--batch-size", type=int, default=10, show_default=True)
@click.option("--concurrency", type=int, default=4, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@json_option
def simulate_traffic(  # noqa: PLR0913 - one for each option
    *,
    url: str,
    site_id: str,
    rate: float | None,
    events: int | None,
    batch_size: int,
    concurrency: int,
    seed: int,
    as_json: bool,
) -> None:
    """Send believable traffic to a collector over HTTP."""
    options = SimulationOptions(rate, events, batch_size, concurrency, seed)
    stop = Event()
    previous = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        with progress_bar(errors, "events") as sent:
            report = simulate(
                url, site_id, options, stop=stop, on_progress=lambda now: sent(now.sent, events)
            )
    finally:
        signal.signal(signal.SIGINT, previous)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        show_simulation(console, report)
