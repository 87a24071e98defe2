"""The commands of the archive."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from liveinsight.commands.options import FAILURE_EXIT, data_option, json_option
from liveinsight.engine.processes import existing_data
from processors.archive.verify import ShardReport, verify
from processors.compaction.bootstrap import chain
from processors.compaction.processor import Compactor


@click.group()
def archive() -> None:
    """Keep the raw archive small in number of files, and check it."""


@archive.command("compact")
@data_option
@json_option
def archive_compact(*, data: Path, as_json: bool) -> None:
    """Merge the small files of the archive, and delete those merged a week ago.

    It may run while the engine does, and may be stopped at any time.
    """
    compactor = Compactor(chain(existing_data(data)))
    outcome = compactor.run(now=datetime.now(UTC))
    if as_json:
        click.echo(json.dumps(asdict(outcome)))
        return
    click.echo(
        f"{outcome.objects_compacted:,} files merged,"
        f" {outcome.objects_pruned:,} deleted that were merged before"
    )


@archive.command("verify")
@data_option
@json_option
@click.pass_context
def archive_verify(context: click.Context, *, data: Path, as_json: bool) -> None:
    """Read the whole archive, and check that nothing is missing, changed or there twice.

    Exit code 0: it is whole; 1: it is not.
    """
    read = chain(existing_data(data))
    reports = [verify(read, shard) for shard in read.shards()]
    if as_json:
        click.echo(json.dumps({"shards": [asdict(report) for report in reports]}))
    else:
        for report in reports:
            click.echo(_line(report))
    if any(report.problem for report in reports):
        context.exit(FAILURE_EXIT)


def _line(report: ShardReport) -> str:
    if report.problem:
        return f"{report.shard}  BROKEN: {report.problem}"
    return (
        f"{report.shard}  {report.records:,} records in {report.compacted_objects:,} compacted"
        f" and {report.small_objects:,} small files, {report.bytes:,} bytes: whole"
    )
