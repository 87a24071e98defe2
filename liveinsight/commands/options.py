"""Options that several commands have, and how they speak."""

import json
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from liveinsight.commands.console import SafeConsole
from runtime.errors import UsageError
from runtime.settings import AwsSettings, EmbeddedSettings, Settings, Variable
from runtime.sites.opener import sites

console = SafeConsole(highlight=False)
errors = SafeConsole(stderr=True, highlight=False)

T = TypeVar("T")

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default="data",
    envvar=Variable.DATA,
    show_default=True,
    show_envvar=True,
    help="Folder of the embedded engine.",
)
engine_option = click.option(
    "--engine",
    type=click.Choice(["embedded", "aws"]),
    default="embedded",
    envvar=Variable.ENGINE,
    show_default=True,
    show_envvar=True,
    help="Where the data is: in the folder, or on AWS, as the environment names it.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
port_option = click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)


def engine_options(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command `--engine` and `--data`, and its function the settings that they name."""

    @engine_option
    @data_option
    @wraps(command)
    def with_settings(*arguments: Any, engine: str, data: Path, **options: Any) -> T:
        settings = AwsSettings(os.environ) if engine == "aws" else EmbeddedSettings(data)
        return command(*arguments, settings=settings, **options)

    return with_settings


def existing(settings: Settings) -> Settings:
    """Return the settings, if there is something to read.

    Raises:
        UsageError: the embedded engine has not used the folder, or another version has.
    """
    if isinstance(settings, EmbeddedSettings):
        if not settings.sites_path.exists():
            raise UsageError(
                f"there is no LiveInsight data in {settings.data}: name the folder with --data, or"
                " begin with 'liveinsight site add'"
            )
        sites(settings).list()
    return settings


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
