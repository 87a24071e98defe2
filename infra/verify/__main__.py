"""`python -m infra.verify`: run the checks, renew the READMEs, or show that faults are caught."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import click

from infra.verify.checks import CHECKS, Check
from infra.verify.end_to_end import prove_end_to_end
from infra.verify.errors import CheckError, SkipError
from infra.verify.faults import prove
from infra.verify.readme import renew
from infra.verify.workspace import INFRA, Workspace, make_workspace

OK, FAILED, SKIPPED = 0, 1, 77
"""77 is what automake takes for a test that was skipped."""

NAMES = [check.name for check in CHECKS]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", type=click.Choice(NAMES), multiple=True, help="Run this check; repeatable.")
@click.option(
    "--share",
    type=click.IntRange(1),
    default=1,
    help="Of the modules' tests run one in so many, each day others.",
)
@click.option("--readmes", is_flag=True, help="Renew the modules' tables.")
@click.option("--faults", is_flag=True, help="Break it, and see what catches it.")
@click.option("--end-to-end", is_flag=True, help="Send events through the functions, on ministack.")
def main(
    *, only: tuple[str, ...], share: int, readmes: bool, faults: bool, end_to_end: bool
) -> None:
    """Prove the Terraform without an account: with no option, by all checks.

    Exit code 0: passed; 1: a fault was found; 77: Terraform or its provider is missing.
    """
    if readmes:
        for path in renew(INFRA):
            click.echo(f"renewed {path.relative_to(INFRA.parent)}")
        return
    # Told to stop, it still removes its copy and its server.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FAILED))
    with tempfile.TemporaryDirectory(prefix="liveinsight-infra-") as folder:
        try:
            workspace = replace(make_workspace(Path(folder), os.environ), share=share)
            if end_to_end:
                code = prove_end_to_end(workspace, click.echo)
            else:
                code = prove(workspace, click.echo) if faults else _run(workspace, only or NAMES)
        except SkipError as missing:
            code = _skipped(str(missing))
    sys.exit(code)


def _run(workspace: Workspace, names: Sequence[str]) -> int:
    """Run checks in their order, some side by side, up to the first that fails."""
    begun = time.monotonic()
    chosen = [check for check in CHECKS if check.name in names]
    try:
        for _, checks in groupby(chosen, lambda check: check.beside or check.name):
            with ThreadPoolExecutor() as threads:
                running = [threads.submit(_check, check, workspace) for check in checks]
            for ended in running:
                ended.result()
    except CheckError as fault:
        click.echo(fault.output)
        click.echo(f"infra: FAILED after {time.monotonic() - begun:.0f} s at {fault}")
        return FAILED
    seconds = time.monotonic() - begun
    click.echo(f"infra: all {len(chosen)} checks passed in {seconds:.0f} s")
    return OK


def _check(check: Check, workspace: Workspace) -> None:
    started = time.monotonic()
    try:
        done = check.run(workspace)
    except CheckError as fault:
        raise CheckError(f"{check.name}: {fault}", fault.output) from fault
    click.echo(f"  {check.name:<9} {time.monotonic() - started:5.1f} s  {done}")


def _skipped(reason: str) -> int:
    click.echo(f"infra: SKIPPED: {reason}")
    if os.environ.get("CI"):
        click.echo("infra: under CI a skip is a failure")
        return FAILED
    return SKIPPED


if __name__ == "__main__":
    main(prog_name="python -m infra.verify")
