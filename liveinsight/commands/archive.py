"""The commands of the archive."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click

from liveinsight.commands.options import engine_options, existing, json_option
from processors.archive.chain import Chain
from processors.archive.verify import ShardReport, verify
from processors.compaction.processor import Compactor
from runtime.errors import FAILURE_EXIT
from runtime.objects.opener import objects
from runtime.settings import Settings


@click.group()
def archive() -> None:
    """Keep the raw archive small in number of files, and check it."""


@archive.command("compact")
@engine_options
@json_option
def archive_compact(*, settings: Settings, as_json: bool) -> None:
    """Merge the small files of the archive, and delete those merged a week ago.

    It may run while the engine does, and may be stopped at any time.
    """
    compactor = Compactor(_chain(settings))
    outcome = compactor.run(now=datetime.now(UTC))
    if as_json:
        click.echo(json.dumps(asdict(outcome)))
        return
    click.echo(
        f"{outcome.objects_compacted:,} files merged,"
        f" {outcome.objects_pruned:,} deleted that were merged before"
    )


@archive.command("verify")
@engine_options
@json_option
@click.pass_context
def archive_verify(context: click.Context, *, settings: Settings, as_json: bool) -> None:
    """Read the whole archive, and check that nothing is missing, changed or there twice.

    Exit code 0: it is whole; 1: it is not.
    """
    read = _chain(settings)
    reports = [verify(read, shard) for shard in read.shards()]
    if as_json:
        click.echo(json.dumps({"shards": [asdict(report) for report in reports]}))
    else:
        for report in reports:
            click.echo(_line(report))
    if any(report.problem for report in reports):
        context.exit(FAILURE_EXIT)


def _chain(settings: Settings) -> Chain:
    return Chain(objects(existing(settings), "archive"))


def _line(report: ShardReport) -> str:
    if report.problem:
        return f"{report.shard}  BROKEN: {report.problem}"
    return (
        f"{report.shard}  {report.records:,} records in {report.compacted_objects:,} compacted"
        f" and {report.small_objects:,} small files, {report.bytes:,} bytes: whole"
    )
