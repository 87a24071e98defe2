"""Tell and check a demonstration."""

import json
from dataclasses import asdict
from datetime import timedelta
from uuid import uuid4

import click

from liveinsight.caller import Caller, base_url
from liveinsight.commands.console import SafeConsole, plain
from liveinsight.commands.options import json_option
from liveinsight.commands.parameters import Host
from liveinsight.commands.smoke import SIGNS, read_key_option, timeout_option
from liveinsight.operations.demo_script import SCENARIOS, play
from liveinsight.operations.smoke import Patience, SmokeTest, has_passed
from runtime.errors import FAILURE_EXIT


@click.command("demo-script")
@click.option("--url", required=True, help="The system, deployed or embedded.")
@click.option("--site", "site_id", type=Host(), required=True, help="The site that gets the event.")
@read_key_option
@timeout_option
@json_option
@click.pass_context
def demo_script(
    context: click.Context,
    *,
    url: str,
    site_id: str,
    read_key: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Tell the four scenarios of a demonstration, and do each step on a running system.

    Adds one page view to the site. Exit code 0: every step went as told; 1: one did not.
    """
    address = base_url(url)
    out, err = SafeConsole(highlight=False, soft_wrap=True), SafeConsole(stderr=True)
    checks = []
    told: list[dict[str, object]] = []
    with err.status("") as waiting:
        patience = Patience(timeout=timedelta(seconds=timeout))
        test = SmokeTest(Caller(address, site_id, read_key), uuid4(), patience, waiting.update)
        for scenario in SCENARIOS:
            if not as_json:
                out.print(f"\n[bold]{scenario.title}[/]")
            played = []
            for step, check in play(scenario, test):
                played.append(check)
                if not as_json:
                    out.print(f"  {step.told}\n    {SIGNS[check.outcome]} {plain(check.detail)}")
            checks += played
            told.append({"title": scenario.title, "steps": [asdict(one) for one in played]})
    passed = has_passed(checks)
    if as_json:
        asked = {"url": address, "site_id": site_id, "passed": passed}
        click.echo(json.dumps({**asked, "scenarios": told}))
    if not passed:
        context.exit(FAILURE_EXIT)
