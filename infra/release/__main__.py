"""The command line of a release: `python -m infra.release --help`."""

import os
import shlex
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import click

from infra.release import outputs, preflight
from infra.release.codedeploy import CodeDeploy, State
from infra.release.outputs import Outputs
from infra.release.run import Report, Wait, carry_out
from infra.release.shift import Function, Shift, Standing, deploys, rollbacks
from infra.release.website import Website
from liveinsight.cli import cli as liveinsight
from liveinsight.commands.parameters import Finite
from liveinsight.website import config, pages, static_root
from runtime.aws import use_region
from runtime.errors import (
    FAILURE_EXIT,
    USAGE_EXIT,
    LiveInsightError,
    RetryableError,
    UsageError,
)
from runtime.settings import AwsSettings
from runtime.sites.opener import sites

INTERVAL_SECONDS = 10.0
"""CodeDeploy moves traffic by minutes; it allows few requests a second."""

environment_option = click.option(
    "--environment", required=True, help="A folder of infra/environments, such as dev."
)
timeout_option = click.option(
    "--timeout",
    type=Finite(min=1),
    default=60.0,
    show_default=True,
    help="Minutes to wait; longer than the traffic takes to move.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Release a deployed LiveInsight, and look after it."""


@cli.command()
@environment_option
def check(environment: str) -> None:
    """Look whether all is there that a deployment needs, before anything is planned."""
    folder = outputs.folder(environment)
    account = preflight.Account(str(preflight.wanted(folder)["region"]))
    missing = 0
    for one in preflight.look(folder, os.environ, account, preflight.terraform_version()):
        sign = "MEND" if one.remedy else "ok  "
        click.echo(f"{sign} {one.what}: {one.detail}" + (f". {one.remedy}" if one.remedy else ""))
        missing += bool(one.remedy)
    if missing:
        raise UsageError(f"{missing} to mend before {environment} can be deployed: see above")


@cli.command()
@environment_option
@timeout_option
@click.option("--only", multiple=True, help="A function, such as stats-api.  [default: all]")
@click.option("--at-once", is_flag=True, help="Move all traffic at once; alarms still watch.")
def deploy(environment: str, timeout: float, only: tuple[str, ...], *, at_once: bool) -> None:
    """Move traffic to the newest versions; back, all of it, when an alarm fires."""
    names = _opened(environment)
    unknown = sorted(set(only) - set(names.release.functions))
    if unknown:
        known = ", ".join(sorted(names.release.functions))
        raise UsageError(f"there is no function {', '.join(unknown)}; there are: {known}")
    account = CodeDeploy(names.release.application, at_once=at_once)
    release = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    shifts = [
        shift
        for shift in deploys(_standings(account, names), release)
        if not only or shift.function.role in only
    ]
    _carry_out(account, shifts, timeout, nothing="Every function has its newest version.")


@cli.command()
@environment_option
@timeout_option
def rollback(environment: str, timeout: float) -> None:
    """Move traffic back at once to where it was before the last release, alarms or not."""
    names = _opened(environment)
    account = CodeDeploy(names.release.application)
    histories = {function: account.history(function) for function in names.functions()}
    shifts = rollbacks(_standings(account, names), histories)
    _carry_out(account, shifts, timeout, nothing="There is no earlier release to go back to.")


@cli.command()
@environment_option
def status(environment: str) -> None:
    """Show which version of each function has the traffic."""
    names = _opened(environment)
    for function, one in _standings(CodeDeploy(names.release.application), names).items():
        moving = "" if one.moving_to is None else f"  moving to {one.moving_to}"
        newer = "" if one.newest == one.present else f"  newest {one.newest}"
        click.echo(f"{function.name:44} {function.alias} {one.present}{newer}{moving}")


@cli.command()
@environment_option
def publish(environment: str) -> None:
    """Upload the dashboard and the tracker, and the list of public sites."""
    names = _opened(environment)
    count = Website(names.static_bucket, names.distribution_id).publish(
        [config(_public_sites(names)), *pages(static_root())]
    )
    click.echo(f"{count} files are on {names.url}")


@cli.command()
@environment_option
@click.option("--site", help="The site that gets the event.  [default: the first public]")
def smoke(environment: str, site: str | None) -> None:
    """Try the deployed system with one event; before there is a site, say so."""
    names = _opened(environment)
    chosen = site or next(iter(_public_sites(names)), None)
    if chosen is None:
        click.echo("Nothing is tried yet: add a site, then name it (make smoke SITE=...).")
        return
    code = liveinsight.main(["smoke", names.url, "--site", chosen], standalone_mode=False)
    sys.exit(code)


@cli.command()
@environment_option
def env(environment: str) -> None:
    """Print what lets `liveinsight site` and `dead-letters` work on the deployed system."""
    for name, value in sorted(_opened(environment).variables().items()):
        click.echo(f"export {name}={shlex.quote(value)}")


def _opened(environment: str) -> Outputs:
    """Return the names of an environment, and let the clients be of its region."""
    names = outputs.read(environment)
    use_region(names.region)
    return names


def _public_sites(names: Outputs) -> list[str]:
    return [site.site_id for site in sites(AwsSettings(names.variables())).list() if site.public]


def _standings(account: CodeDeploy, names: Outputs) -> dict[Function, Standing]:
    return {function: account.standing(function) for function in names.functions()}


def _carry_out(
    account: CodeDeploy, shifts: Sequence[Shift], minutes: float, *, nothing: str
) -> None:
    if not shifts:
        click.echo(nothing)
        return
    for shift in shifts:
        click.echo(f"{shift.function.name}: {shift.source} -> {shift.target}")
    report = carry_out(account, shifts, patience(minutes * 60))
    for line in summary(report):
        click.echo(line)
    if report.failed or report.stuck:
        sys.exit(FAILURE_EXIT)


def patience(seconds: float) -> Wait:
    """Return a wait between two looks at a release, which shows progress and ends in time."""
    began_at = time.monotonic()

    def wait(states: Mapping[Shift, State]) -> None:
        waited = time.monotonic() - began_at
        if waited > seconds:
            raise RetryableError(
                f"not done after {seconds / 60:g} minutes. The release goes on in CodeDeploy; look"
                " with: status"
            )
        counts = Counter(states.values())
        shown = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
        click.echo(f"{waited:5.0f} s  {shown}", err=True)
        time.sleep(INTERVAL_SECONDS)

    return wait


def summary(report: Report) -> list[str]:
    """Return what a person must know of a release."""
    lines = [f"{shift.function.name} is at version {shift.target}" for shift in report.arrived]
    lines += [f"{shift.function.name} FAILED: {why}" for shift, why in report.failed.items()]
    lines += [f"{one.function.name} is back at version {one.source}" for one in report.undone]
    lines += [
        f"{one.function.name} is NOT back at version {one.source}: move its alias"
        f" {one.function.alias} by hand (docs/runbook.md)"
        for one in report.stuck
    ]
    return lines


def main() -> None:
    """Run the command; a failure ends in one line."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE_EXIT)
    except LiveInsightError as error:
        click.echo(f"infra.release: {' '.join(str(error).split())}", err=True)
        sys.exit(USAGE_EXIT if isinstance(error, UsageError) else FAILURE_EXIT)


if __name__ == "__main__":
    main()
