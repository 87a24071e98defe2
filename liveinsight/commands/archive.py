"""The commands of the archive."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime

import click

from aggregates.stores.heads import LostObjects, lost_text
from aggregates.stores.opener import heads
from liveinsight.commands.console import say
from liveinsight.commands.options import engine_options, existing, json_option
from processors.archive.chain import Chain
from processors.archive.keys import record_key
from processors.archive.mend import mend
from processors.archive.verify import NO_HEAD, ShardReport, verify
from processors.columns.opener import columns_writer
from processors.columns.writer import ColumnsOutcome
from processors.compaction.processor import Compactor
from runtime.errors import FAILURE_EXIT, UsageError
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


@archive.command("columns")
@engine_options
@json_option
def archive_columns(*, settings: Settings, as_json: bool) -> None:
    """Write the events of the archive as columns, from which questions with filters are answered.

    The engine does so while it runs. It may run beside, and may be stopped at any time: the next
    run goes on.
    """

    def tell(outcome: ColumnsOutcome) -> None:
        if not as_json and sys.stderr.isatty():
            click.echo(f"\r{outcome.records_read:,} records read ", nl=False, err=True)

    outcome = columns_writer(settings).run(lambda: datetime.now(UTC), tell)
    if as_json:
        click.echo(json.dumps(asdict(outcome)))
        return
    click.echo(
        f"{outcome.events_written:,} events of {outcome.records_read:,} records written,"
        f" {outcome.days_merged:,} days merged"
    )


@archive.command("verify")
@engine_options
@json_option
@click.pass_context
def archive_verify(context: click.Context, *, settings: Settings, as_json: bool) -> None:
    """Read the whole archive, and check that nothing is missing, changed or there twice.

    Exit code 0: it is whole; 1: it is not.
    """
    read, known = _chain(settings), heads(settings).heads()
    shards = sorted({*read.shards(), *known})
    reports = [verify(read, shard, known.get(shard, NO_HEAD)) for shard in shards]
    if as_json:
        click.echo(json.dumps({"shards": [asdict(report) for report in reports]}))
    else:
        for report in reports:
            say(_line(report))
            for lost in report.lost:
                say(lost_line(report.shard, lost))
    if any(report.problem or report.lost for report in reports):
        context.exit(FAILURE_EXIT)


@archive.command("mend")
@engine_options
@click.option("--yes", is_flag=True, help="Do it: what is gone cannot be put back afterwards.")
def archive_mend(*, settings: Settings, yes: bool) -> None:
    """Go on without files that are gone, or broken, in the middle of the archive.

    In the place of each comes one that says what is lost, and keeps what was broken. Look for them
    in a backup first. What was counted stays counted until it is rebuilt.
    """
    chain = _chain(settings)
    broken = [report for shard in chain.shards() if (report := verify(chain, shard)).problem]
    if broken and not yes:
        for report in broken:
            say(_line(report), err=True)
        raise UsageError("put back from a backup what is gone; where there is none, add --yes")
    lost = [(shard, one) for shard in chain.shards() for one in mend(chain, shard)]
    for shard, one in lost:
        say(lost_line(shard, one))
    if not lost:
        click.echo("nothing in the middle of the archive is gone or broken")


def _chain(settings: Settings) -> Chain:
    return Chain(objects(existing(settings), "archive"))


def lost_line(shard: str, lost: LostObjects) -> str:
    """Return what is said of records that were archived and are gone."""
    return f"{shard}  LOST: from {record_key(shard, lost.after)} on, {lost_text(lost)}"


def _line(report: ShardReport) -> str:
    if report.problem:
        return f"{report.shard}  BROKEN: {report.problem}"
    return (
        f"{report.shard}  {report.records:,} records in {report.compacted_objects:,} compacted"
        f" and {report.small_objects:,} small files, {report.bytes:,} bytes:"
        f" {'NOT whole' if report.lost else 'whole'}"
    )
