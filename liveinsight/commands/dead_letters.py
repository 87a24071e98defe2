"""See what could not be counted, and send it again."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from liveinsight.commands.options import console, data_option, errors, json_option, restarted
from liveinsight.commands.sites import sites_of
from liveinsight.commands.terminal import letter_document, progress_bar
from liveinsight.engine.consumer import open_log
from liveinsight.engine.processes import consuming, existing_data, wait_until_counted
from liveinsight.operations.bootstrap import dead_letters as letter_store
from liveinsight.operations.bootstrap import is_on_aws, kinesis_sink
from liveinsight.replay.redrive import decodable, judged_again, redrive
from processors.dead_letter import DeadLetterStore
from runtime.errors import UsageError
from runtime.settings import Settings

malformed_option = click.option(
    "--malformed", is_flag=True, help="Those that the collector refused for their form instead."
)


@click.group("dead-letters")
def dead_letters() -> None:
    """See what could not be counted, and send it again."""


@dead_letters.command("list")
@data_option
@malformed_option
@json_option
def dead_letters_list(*, data: Path, malformed: bool, as_json: bool) -> None:
    """List the records that could not be decoded or counted, with the reason."""
    store = _letters(data, malformed=malformed)
    found = [letter for name in store.names() if (letter := store.get(name)) is not None]
    if as_json:
        click.echo(json.dumps({"dead_letters": [letter_document(letter) for letter in found]}))
        return
    for letter in found:
        click.echo(f"{letter.name}  {'redriven' if letter.redriven else letter.reason}")


@dead_letters.command("show")
@click.argument("name")
@data_option
@malformed_option
def dead_letters_show(*, name: str, data: Path, malformed: bool) -> None:
    """Print one dead letter as JSON, its bytes in base64."""
    letter = _letters(data, malformed=malformed).get(name)
    if letter is None:
        raise UsageError(f"there is no dead letter {name!r}")
    click.echo(json.dumps(letter_document(letter), indent=2))


@dead_letters.command("redrive")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@data_option
@malformed_option
@json_option
def dead_letters_redrive(
    *, names: tuple[str, ...], data: Path, malformed: bool, as_json: bool
) -> None:
    """Put dead letters back on the stream: those named, or all that are good today."""
    store = _letters(data, malformed=malformed)
    chosen = names or list(store.names())
    mend = judged_again(sites_of(data).get) if malformed else decodable
    if is_on_aws(os.environ):
        report = redrive(store, kinesis_sink(os.environ), chosen, mend)
    else:
        settings = Settings(data)
        with consuming(settings, restarted):
            report = redrive(store, open_log(settings), chosen, mend)
            with progress_bar(errors, "counting") as counting:
                wait_until_counted(settings, counting)
    if as_json:
        click.echo(json.dumps(asdict(report)))
        return
    console.print(
        f"{report.redriven:,} redriven, {report.redriven_before:,} redriven before,"
        f" {report.still_poison:,} still {'malformed' if malformed else 'poison'}"
    )


def _letters(data: Path, *, malformed: bool) -> DeadLetterStore:
    """Return the letters of the engine that LIVEINSIGHT_ENGINE names."""
    if not is_on_aws(os.environ):
        existing_data(data)
    return letter_store(os.environ, data, malformed=malformed)
