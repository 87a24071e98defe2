"""Options that several commands have, and how they speak."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

FAILURE_EXIT = 1

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default="data",
    envvar="LIVEINSIGHT_DATA",
    show_default=True,
    show_envvar=True,
    help="Folder of the embedded engine.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
port_option = click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)


def print_answer(
    answer: dict[str, Any], show: Callable[[dict[str, Any]], None], *, as_json: bool
) -> None:
    """Print an answer as JSON, or as people read it."""
    if as_json:
        click.echo(json.dumps(answer))
    else:
        show(answer)


def restarted(role: str) -> None:
    """Say that a process of the engine died, and lives again."""
    errors.print(f"the {role} process ended and is started again")
