"""Measure a running system."""

import json
import signal
from dataclasses import asdict
from threading import Event

import click

from liveinsight.caller import Caller, base_url
from liveinsight.commands.options import json_option
from liveinsight.commands.parameters import Finite, Host
from liveinsight.commands.smoke import read_key_option
from liveinsight.operations.bench import ENDPOINTS, FEWEST, MOST, Bench, Measured, Plan
from runtime.errors import FAILURE_EXIT


@click.command("bench")
@click.option("--url", required=True, help="The system, deployed or embedded.")
@click.option("--site", "site_id", type=Host(), required=True, help="The site that is asked about.")
@read_key_option
@click.option(
    "--requests",
    type=click.IntRange(FEWEST, MOST),
    default=100,
    show_default=True,
    help="To each of the four endpoints.",
)
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=10, show_default=True, help="At once."
)
@click.option(
    "--target",
    type=Finite(min=1, max=60_000),
    default=100.0,
    show_default=True,
    help="Milliseconds that p95 may take.",
)
@json_option
@click.pass_context
def bench(  # noqa: PLR0913 - one for each option
    context: click.Context,
    *,
    url: str,
    site_id: str,
    read_key: str,
    requests: int,
    concurrency: int,
    target: float,
    as_json: bool,
) -> None:
    """Measure how long a running system takes to answer, and compare with what was promised.

    The page views that it sends are counted: give it a site of its own. Exit code 0: each endpoint
    passed; 1: one did not.
    """
    address, stop = base_url(url), Event()
    plan = Plan(requests, concurrency, target)
    measuring = Bench(lambda: Caller(address, site_id, read_key), plan, stop)
    found: list[Measured] = []
    previous = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        for measure in ENDPOINTS:
            if stop.is_set():
                break
            found.append(measure(measuring))
            if not as_json:
                click.echo(_line(found[-1]))
    finally:
        signal.signal(signal.SIGINT, previous)
    passed = len(found) == len(ENDPOINTS) and all(one.passed for one in found)
    if as_json:
        asked = {"url": address, "site_id": site_id, **asdict(plan), "passed": passed}
        click.echo(json.dumps({**asked, "endpoints": [asdict(one) for one in found]}))
    if not passed:
        context.exit(FAILURE_EXIT)


def _line(one: Measured) -> str:
    times = "".join(
        f"  {name} {'-' if time is None else format(time, '.1f'):>8} ms"
        for name, time in (("p50", one.p50), ("p95", one.p95), ("p99", one.p99))
    )
    failed = ", ".join(f"{count} x {why}" for why, count in sorted(one.failed.items()))
    verdict = "PASS" if one.passed else "FAIL"
    return f"{verdict}  {one.endpoint:22} {one.answers:5} answers{times}" + (
        f"  failed: {failed}" if failed else ""
    )
