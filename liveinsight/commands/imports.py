"""Import what other tools have recorded."""

import json
import shlex
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import click

from ingest.stream.opener import event_sink
from ingest.stream.patient import PatientEventSink
from liveinsight.commands.options import (
    console,
    data_option,
    errors,
    existing,
    json_option,
    restarted,
)
from liveinsight.commands.parameters import Day
from liveinsight.commands.sites import NOT_RUNNING, known_site, new_site
from liveinsight.commands.terminal import import_document, progress_bar, read_as, show_import
from liveinsight.engine.address import running_at
from liveinsight.engine.processes import check, consuming, wait_until_counted
from liveinsight.imports.access_log import LogLine
from liveinsight.imports.checkpoint import ImportCheckpoints
from liveinsight.imports.formats.detection import AUTO, NAMED, Asked, log_format
from liveinsight.imports.formats.port import LogFormat
from liveinsight.imports.hosts import Hosts
from liveinsight.imports.importer import Importer, ImportReport
from liveinsight.imports.log_source import STANDARD_INPUT, Followed, LogSource, open_log
from liveinsight.imports.options import ImportOptions, Tally
from runtime.errors import UsageError
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sites.site import Site

if TYPE_CHECKING:
    from liveinsight.imports.export_importer import ExportReport
    from liveinsight.imports.export_source import EventSource
    from liveinsight.imports.umami_rows import LeftOut

FOLLOW_SECONDS = 1.0
"""Between two looks at a log that grows."""


@click.group("import")
def import_() -> None:
    """Import what other tools have recorded."""


@import_.command("log")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@data_option
@click.option("--site", "site_id", help="The site; added if it is new.")
@click.option("--site-by-host", is_flag=True, help="Each line goes to the site of its host.")
@click.option("--all-hosts", is_flag=True, help="Count the lines of every virtual host.")
@click.option(
    "--format",
    "form",
    default=AUTO,
    show_default=True,
    metavar="FORMAT",
    help=f"auto, {', '.join(NAMED)}, nginx:'FORMAT' or apache:'FORMAT'.",
)
@click.option(
    "--client-field",
    default="",
    metavar="N|HEADER",
    help="Where the client is: the number of a field, or a name.",
)
@click.option("--count", type=click.Choice(["people", "everything"]), default="people")
@click.option("--keep-query", is_flag=True, help="Keep query strings as a part of the page.")
@click.option("--from-line", type=click.IntRange(1), default=1, show_default=True)
@click.option("--follow", is_flag=True, help="Go on with what is added, until Ctrl-C.")
@json_option
def import_log(  # noqa: PLR0913 - one for each option
    *,
    files: tuple[str, ...],
    data: Path,
    site_id: str | None,
    site_by_host: bool,
    all_hosts: bool,
    form: str,
    client_field: str,
    count: str,
    keep_query: bool,
    from_line: int,
    follow: bool,
    as_json: bool,
) -> None:
    """Import access logs of any web server, in their order; '-' is standard input.

    The format is found out from the first lines, and what was taken for what is said. By default
    the page views of people are counted; --count everything counts every line that can be read.
    Lines that were imported before are known again, in whatever file they are.
    """
    settings, asked = EmbeddedSettings(data), Asked(form, client_field)
    options = ImportOptions(
        count_everything=count == "everything", keep_query=keep_query, client_field=client_field
    )
    if (site_id is None) != site_by_host:
        raise UsageError("name the site with --site, or say --site-by-host, and not both")
    if follow and (len(files) != 1 or files[0] == STANDARD_INPUT or from_line > 1):
        raise UsageError("--follow takes one file, from its first line on")
    wanted = None if site_id is None else new_site(site_id=site_id)
    with ExitStack() as opened:
        sources = [opened.enter_context(open_log(file, sys.stdin.buffer)) for file in files]
        forms = [_recognised(source, asked) for source in sources]
        check(settings)
        site = None if wanted is None else _added(settings, *wanted)
        hosts = Hosts(site, _sites_by_host(settings) if site is None else None, every=all_hosts)
        importer = Importer(
            hosts,
            PatientEventSink(event_sink(settings)),
            ImportCheckpoints(settings.imports_path),
            options,
            now=datetime.now(UTC),
        )
        given_up = opened.enter_context(consuming(settings, restarted))
        report = ImportReport(0, 0, Tally())
        if follow:
            report = _follow(importer, hosts, sources[0], forms[0])
        for source in () if follow else sources:
            with progress_bar(errors, "reading") as reading:
                report = report.plus(
                    importer.run(
                        source,
                        asked,
                        from_line=from_line,
                        on_progress=lambda now: reading(now.bytes_read, now.bytes_total),
                    )
                )
        with progress_bar(errors, "counting") as counting:
            wait_until_counted(settings, counting, given_up)
    if as_json:
        click.echo(json.dumps(import_document(report)))
        return
    show_import(console, report)
    if site is not None and report.run.per_day:
        _show_page(settings, site, report)


def _recognised(source: LogSource, asked: Asked) -> LogFormat | None:
    """Find out what a log is, before anything of it is counted, or a site added."""
    sample = source.sample()
    if not sample:
        return None
    try:
        form = log_format(sample, asked)
    except UsageError as error:
        raise UsageError(f"{source.name}: {error}") from error
    if errors.is_terminal:
        first = next(one for one in map(form.parse, sample) if isinstance(one, LogLine))
        host = f", host {first.host}" if first.host else ""
        errors.print(
            f"{source.name}: {read_as(form.name, form.roles)}\nIts first request: client"
            f" {first.address}{host}, {first.method} {first.target[:100]}, status {first.status}",
            soft_wrap=True,
            markup=False,
        )
    return form


def _added(settings: EmbeddedSettings, wanted: Site, read_key: str) -> Site:
    if sites(settings).add(wanted):
        click.echo(
            f"Added the site {wanted.site_id} (UTC). Read key, shown only now:  {read_key}",
            err=True,
        )
    return known_site(settings, wanted.site_id)


def _sites_by_host(settings: EmbeddedSettings) -> Callable[[str], Site | None]:
    known = list(sites(existing(settings)).list())
    by_length = sorted(known, key=lambda one: -len(one.site_id))

    def of_host(host: str) -> Site | None:
        bare = host.removeprefix("www.")
        return next((one for one in by_length if one.accepts_host(bare)), None)

    return of_host


def _follow(
    importer: Importer, hosts: Hosts, source: LogSource, form: LogFormat | None
) -> ImportReport:
    """Import a log that grows, until Ctrl-C or SIGTERM."""
    if form is None or source.compressed:
        raise UsageError(f"{source.name} is empty or compressed: --follow needs a log with lines")
    hosts.learn(form, source.sample())
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    errors.print(f"Following {source.name}   (Ctrl-C ends it)", soft_wrap=True, markup=False)
    return importer.follow(
        Followed(Path(source.name)), form, source.name, lambda: not stopped.wait(FOLLOW_SECONDS)
    )


def _show_page(settings: EmbeddedSettings, site: Site, report: ImportReport) -> None:
    """Say which days were filled, and where the page is that shows them."""
    days = sorted(report.run.per_day)
    filled = "1 day" if len(days) == 1 else f"{len(days):,} days"
    click.echo(f"Filled {filled}: {days[0]} to {days[-1]}")
    server = running_at(settings)
    query = urlencode({"site": site.site_id, "from": days[0], "to": days[-1]})
    click.echo(f"Open:   {(server or NOT_RUNNING).rstrip('/')}/?{query}")
    if server is None:
        click.echo(f"Start:  liveinsight up --data {shlex.quote(str(settings.data))}")


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
    from liveinsight.imports.export_source import export_source  # noqa: PLC0415 - as above

    settings = EmbeddedSettings(data)
    source = export_source(path)
    site = known_site(settings, site_id)
    _show_export(site, _import_events(settings, site, source, merge=merge), as_json=as_json)


@import_.command("umami")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, path_type=Path))
@data_option
@click.option("--site", "site_id", required=True, help="The site, in the time zone it is to have.")
@click.option("--website", "website_id", default="", help="Umami's id, where FILE has several.")
@click.option("--until", type=Day(), help="The last day to import; default: all days.")
@click.option("--merge", is_flag=True, help="Add to days that have counts already.")
@json_option
def import_umami(  # noqa: PLR0913 - one for each option
    *,
    path: Path,
    data: Path,
    site_id: str,
    website_id: str,
    until: date | None,
    merge: bool,
    as_json: bool,
) -> None:
    """Import the events of an export of Umami: website_event.csv, or the zip that holds it.

    Each counts at its own time, with what Umami knew of its visitor. Importing an export again
    imports what has been added at its end.
    """
    from liveinsight.imports.umami_source import UmamiSource  # noqa: PLC0415 - as above

    settings = EmbeddedSettings(data)
    site = known_site(settings, site_id)
    source = UmamiSource(path, site, website_id, until or date.max)
    report = _import_events(settings, site, source, merge=merge)
    _show_export(site, report, source.left_out, as_json=as_json)


def _import_events(
    settings: EmbeddedSettings, site: Site, source: "EventSource", *, merge: bool
) -> "ExportReport":
    from aggregates.stores.opener import reading  # noqa: PLC0415 - starts would take longer
    from liveinsight.imports.export_importer import ExportImporter  # noqa: PLC0415 - as above

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
    return report


def _show_export(
    site: Site,
    report: "ExportReport",
    left_out: "Mapping[LeftOut, int] | None" = None,
    *,
    as_json: bool,
) -> None:
    days = {day.isoformat(): count for day, count in sorted(report.days.items())}
    if as_json:
        document = {"imported": report.imported, "already_imported": report.already_imported}
        others = {} if left_out is None else {"left_out": dict(left_out)}
        click.echo(json.dumps({"site_id": site.site_id, **document, **others, "days": days}))
        return
    console.print(
        f"{report.imported:,} events imported, {report.already_imported:,} imported before:"
        f" {len(days):,} days"
    )
    for reason, rows in sorted((left_out or {}).items()):
        console.print(f"{rows:,} {'row' if rows == 1 else 'rows'} left out: {reason}")
