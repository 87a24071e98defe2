"""`python -m infra.packages`: build the zip of the Lambda functions."""

import sys
from pathlib import Path

import click

from infra.packages.build import ROOT, build
from infra.packages.bytecode import runtime_python
from infra.packages.errors import PackagingError
from infra.packages.functions import PLATFORMS, PYTHON

MEGABYTE = 1e6


@click.command
@click.option(
    "--architecture", multiple=True, type=click.Choice(list(PLATFORMS)), help="repeatable"
)
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "dist" / "lambda")
def main(architecture: tuple[str, ...], output: Path) -> None:
    """Build the zip of the Lambda functions: for each architecture, or for those named."""
    try:
        python = runtime_python()
        paths = build(architecture or PLATFORMS, output, python)
    except PackagingError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    for path in paths:
        click.echo(f"{path.stat().st_size / MEGABYTE:6.2f} MB  {path}")
    click.echo(f"for the runtime python{PYTHON}, with bytecode by {python}")


if __name__ == "__main__":
    main(prog_name="python -m infra.packages")
