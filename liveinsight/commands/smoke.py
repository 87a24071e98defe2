"""Try a running system."""

import json
from dataclasses import asdict
from datetime import timedelta
from uuid import uuid4

import click

from liveinsight.caller import Caller, base_url
from liveinsight.commands.console import SafeConsole, plain
from liveinsight.commands.options import json_option
from liveinsight.commands.parameters import Finite, Host, ReadKey
from liveinsight.operations.smoke import Patience, SmokeTest, has_passed, run
from liveinsight.operations.verdict import Check, Outcome
from runtime.errors import FAILURE_EXIT, RetryableError, UsageError
from runtime.settings import Variable

SIGNS = {
    Outcome.PASSED: "[green]ok[/]     ",
    Outcome.FAILED: "[bold red]FAILED[/] ",
    Outcome.SKIPPED: "[dim]skipped[/]",
}
"""What a check of a running system came to."""

read_key_option = click.option(
    "--read-key",
    type=ReadKey(),
    envvar=Variable.READ_KEY,
    show_envvar=True,
    default="",
    help="A read key of the site, if it is private.",
)
timeout_option = click.option(
    "--timeout",
    type=Finite(min=1, max=86_400),
    default=120.0,
    show_default=True,
    help="Seconds until the event must be shown, and again until it must be counted.",
)


@click.command()
@click.argument("url")
@click.option(
    "--site",
    "site_id",
    type=Host(),
    help="The site that gets the event.  [default: the first public]",
)
@read_key_option
@timeout_option
@json_option
@click.pass_context
def smoke(
    context: click.Context,
    *,
    url: str,
    site_id: str | None,
    read_key: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Try a running system at URL: send it an event, and wait until it is shown and counted.

    Adds one page view to the site. Exit code 0: all is well; 1: a check failed.
    """
    address = base_url(url)
    caller = Caller(address, site_id or _public_site(address), read_key)
    out, err = SafeConsole(highlight=False, soft_wrap=True), SafeConsole(stderr=True)
    patience = Patience(timeout=timedelta(seconds=timeout))
    checks = []
    with err.status("") as waiting:
        for check in run(SmokeTest(caller, uuid4(), patience, waiting.update)):
            checks.append(check)
            if not as_json:
                out.print(_line(check))
    passed = has_passed(checks)
    if as_json:
        document = {"url": address, "site_id": caller.site_id, "passed": passed}
        click.echo(json.dumps({**document, "checks": [asdict(check) for check in checks]}))
    if not passed:
        context.exit(FAILURE_EXIT)


def _line(check: Check) -> str:
    return (
        f"{SIGNS[check.outcome]} {check.name:24} {check.seconds * 1000:8,.0f} ms"
        f"  {plain(check.detail)}"
    )


def _public_site(address: str) -> str:
    """Return the first site that the system names to everybody."""
    try:
        sites = Caller(address).get("/config.json").document().get("sites")
    except RetryableError as error:
        raise RetryableError(f"{address}: {error}") from error
    match sites:
        case [{"site_id": str(first)}, *_]:
            return first
        case _:
            raise UsageError(f"{address}/config.json names no public site: add --site")
