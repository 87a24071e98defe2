"""See what could not be counted, and send it again."""

import json
from dataclasses import asdict

import click

from ingest.stream.opener import event_sink
from liveinsight.commands.console import say
from liveinsight.commands.options import (
    console,
    engine_options,
    errors,
    existing,
    json_option,
    restarted,
)
from liveinsight.commands.terminal import letter_document, progress_bar
from liveinsight.engine.processes import counted
from liveinsight.replay.redrive import decodable, judged_again, redrive
from processors.dead_letter import DeadLetters
from processors.dead_letter import dead_letters as dead_letters_of
from processors.dead_letter import malformed as malformed_of
from runtime.errors import UsageError
from runtime.settings import Settings
from runtime.sites.opener import sites

malformed_option = click.option(
    "--malformed", is_flag=True, help="Those that the collector refused for their form instead."
)


@click.group("dead-letters")
def dead_letters() -> None:
    """See what could not be counted, and send it again."""


@dead_letters.command("list")
@engine_options
@malformed_option
@json_option
def dead_letters_list(*, settings: Settings, malformed: bool, as_json: bool) -> None:
    """List the records that could not be decoded or counted, with the reason."""
    store = _letters(settings, malformed=malformed)
    found = [letter for name in store.names() if (letter := store.get(name)) is not None]
    if as_json:
        click.echo(json.dumps({"dead_letters": [letter_document(letter) for letter in found]}))
        return
    for letter in found:
        say(f"{letter.name}  {'redriven' if letter.redriven else letter.reason}")


@dead_letters.command("show")
@click.argument("name")
@engine_options
@malformed_option
def dead_letters_show(*, name: str, settings: Settings, malformed: bool) -> None:
    """Print one dead letter as JSON, its bytes in base64."""
    letter = _letters(settings, malformed=malformed).get(name)
    if letter is None:
        raise UsageError(f"there is no dead letter {name!r}")
    click.echo(json.dumps(letter_document(letter), indent=2))


@dead_letters.command("redrive")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@engine_options
@malformed_option
@json_option
def dead_letters_redrive(
    *, names: tuple[str, ...], settings: Settings, malformed: bool, as_json: bool
) -> None:
    """Put dead letters back on the stream: those named, or all that are good today."""
    store = _letters(settings, malformed=malformed)
    chosen = names or list(store.names())
    mend = judged_again(sites(settings).get) if malformed else decodable
    with progress_bar(errors, "counting") as counting, counted(settings, restarted, counting):
        report = redrive(store, event_sink(settings), chosen, mend)
    if as_json:
        click.echo(json.dumps(asdict(report)))
        return
    console.print(
        f"{report.redriven:,} redriven, {report.redriven_before:,} redriven before,"
        f" {report.still_poison:,} still {'malformed' if malformed else 'poison'}"
    )


def _letters(settings: Settings, *, malformed: bool) -> DeadLetters:
    of_kind = malformed_of if malformed else dead_letters_of
    return of_kind(existing(settings))
