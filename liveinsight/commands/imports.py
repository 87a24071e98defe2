"""Import what other tools have recorded."""

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from ingest.stream.opener import event_sink
from ingest.stream.patient import PatientEventSink
from liveinsight.commands.options import console, data_option, errors, json_option, restarted
from liveinsight.commands.sites import known_site, new_site
from liveinsight.commands.terminal import import_document, progress_bar, show_import
from liveinsight.engine.processes import check, consuming, wait_until_counted
from liveinsight.imports.checkpoint import ImportCheckpoints, ImportOptions
from liveinsight.imports.importer import Importer
from liveinsight.imports.log_source import open_log as open_access_log
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites


@click.group("import")
def import_() -> None:
    """Import what other tools have recorded."""


@import_.command("access-log")
@click.argument("file", metavar="FILE|-")
@data_option
@click.option("--site", "site_id", required=True, help="The site; added if it is new.")
@click.option("--count", type=click.Choice(["people", "everything"]), default="people")
@click.option("--keep-query", is_flag=True, help="Keep query strings as a part of the page.")
@click.option("--from-line", type=click.IntRange(1), default=1, show_default=True)
@json_option
def import_access_log(  # noqa: PLR0913 - one for each option
    *,
    file: str,
    data: Path,
    site_id: str,
    count: str,
    keep_query: bool,
    from_line: int,
    as_json: bool,
) -> None:
    """Import an Apache or nginx access log (common or combined format, plain or gzipped).

    By default the page views of people are counted; --count everything counts every line that can
    be read. Importing a log again imports what has been added to it since.
    """
    settings = EmbeddedSettings(data)
    options = ImportOptions(
        count_everything=count == "everything", keep_query=keep_query, from_line=from_line
    )
    with open_access_log(file, sys.stdin.buffer) as source:
        check(settings)
        added, read_key = new_site(site_id=site_id)
        if sites(settings).add(added):
            click.echo(
                f"Added the site {added.site_id} (UTC). Read key, shown only now:  {read_key}",
                err=True,
            )
        importer = Importer(
            known_site(settings, added.site_id),
            PatientEventSink(event_sink(settings)),
            ImportCheckpoints(settings.imports_path),
            options,
            now=datetime.now(UTC),
        )
        with consuming(settings, restarted) as given_up:
            with progress_bar(errors, "reading") as reading:
                report = importer.run(
                    source, on_progress=lambda now: reading(now.bytes_read, now.bytes_total)
                )
            with progress_bar(errors, "counting") as counting:
                wait_until_counted(settings, counting, given_up)
    if as_json:
        click.echo(json.dumps(import_document(report)))
    else:
        show_import(console, report)


@import_.command("export")
@click.argument("path", metavar="FILE|FOLDER", type=click.Path(exists=True, path_type=Path))
@data_option
@click.option("--site", "site_id", required=True, help="The site, with the time zone it had.")
@click.option("--merge", is_flag=True, help="Add to days that have counts already.")
@json_option
def import_export(*, path: Path, data: Path, site_id: str, merge: bool, as_json: bool) -> None:
    """Import events that 'liveinsight export' has written, in any of its formats.

    Each counts as it did: of the same visitor, at the same time, under the same names. Importing an
    export again imports what has been added to it since.
    """
    from aggregates.stores.opener import reading  # noqa: PLC0415 - starts would take longer
    from liveinsight.imports.export_importer import ExportImporter  # noqa: PLC0415
    from liveinsight.imports.export_source import export_source  # noqa: PLC0415

    settings = EmbeddedSettings(data)
    source = export_source(path)
    site = known_site(settings, site_id)
    check(settings)
    counts = reading(settings)

    def has_counts(day: date) -> bool:
        counted = counts.days(site.generation, site.site_id, day, day)
        return any(counted.total())

    importer = ExportImporter(
        site,
        PatientEventSink(event_sink(settings)),
        ImportCheckpoints(settings.imports_path),
        has_counts,
        now=datetime.now(UTC),
        merge=merge,
    )
    with consuming(settings, restarted) as given_up:
        with progress_bar(errors, "reading") as reading_:
            report = importer.run(source, on_progress=lambda events: reading_(events, None))
        with progress_bar(errors, "counting") as counting:
            wait_until_counted(settings, counting, given_up)
    days = {day.isoformat(): count for day, count in sorted(report.days.items())}
    if as_json:
        document = {"imported": report.imported, "already_imported": report.already_imported}
        click.echo(json.dumps({"site_id": site.site_id, **document, "days": days}))
        return
    console.print(
        f"{report.imported:,} events imported, {report.already_imported:,} imported before:"
        f" {len(days):,} days"
    )
