"""One page that says how each part is."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.console import Console

from liveinsight.commands.console import plain
from liveinsight.commands.options import engine_options, json_option
from liveinsight.commands.proof import parts
from liveinsight.evidence.witnesses import AllWitnesses
from liveinsight.operations import cloud_health, data_health, pipeline_health
from liveinsight.operations.health import Finding, Health, examine, failed, worst
from runtime.errors import FAILURE_EXIT, LiveInsightError
from runtime.settings import EmbeddedSettings, Settings
from runtime.sqlite import has_content

MARKS = {
    Health.WELL: "[green]✓[/]",
    Health.LATE: "[yellow]![/]",
    Health.BROKEN: "[bold red]✗[/]",
}
WIDTH = 24


@click.command()
@engine_options
@json_option
def doctor(*, settings: Settings, as_json: bool) -> int:
    """Say for each part whether it is well, late or broken, and what to do.

    It only reads, and may run while the engine does. Exit code 0: nothing is broken; 1: something
    is.
    """
    out = Console(highlight=False, soft_wrap=True)
    findings = []
    for found in _findings(settings, datetime.now(UTC)):
        findings.append(found)
        if not as_json:
            out.print(_line(found))
    health = worst(findings)
    if as_json:
        click.echo(json.dumps({"health": health, "parts": [asdict(one) for one in findings]}))
    else:
        out.print(_verdict(findings))
    return FAILURE_EXIT if health is Health.BROKEN else 0


def _findings(settings: Settings, now: datetime) -> Iterator[Finding]:
    if isinstance(settings, EmbeddedSettings):
        folder = list(examine([data_health.folder_question(settings)]))
        yield from folder
        if worst(folder) is Health.BROKEN:
            return
        yield from examine(data_health.questions(settings, now))
        is_ready = has_content(settings.sites_path) and has_content(settings.tables_path)
    else:
        yield from examine(cloud_health.questions(settings))
        is_ready = True
    if is_ready:  # nobody makes what is missing who only looks
        yield from _pipeline(settings, now)
    yield from examine([pipeline_health.versions_question()])


def _pipeline(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        known = parts(settings)
        questions = list(pipeline_health.questions(settings, known, AllWitnesses(known), now))
    except LiveInsightError as error:
        yield failed("pipeline", error)
        return
    yield from examine(questions)


def _line(found: Finding) -> str:
    line = f"{MARKS[found.health]} {plain(found.part):{WIDTH}} {plain(found.detail)}"
    return f"{line}\n  {'':{WIDTH}} [dim]→ {plain(found.remedy)}[/]" if found.remedy else line


def _verdict(findings: list[Finding]) -> str:
    counts = {health: sum(one.health is health for one in findings) for health in Health}
    if counts[Health.BROKEN]:
        return f"\n[bold red]{counts[Health.BROKEN]} broken[/], {counts[Health.LATE]} late"
    if counts[Health.LATE]:
        return f"\n[yellow]{counts[Health.LATE]} late[/], nothing is broken"
    return "\n[green]all is well[/]"
