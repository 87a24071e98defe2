"""The `liveinsight` command. Each subcommand has `--help`; docs/cli.md lists them."""

import json
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import click
from pydantic import ValidationError
from rich.console import Console

from aggregates.stores.sqlite import SqliteMinuteStore, SqliteRollupStore, tables
from api.days import parse_days
from api.realtime.query import RealtimeQuery
from api.reconciliation.query import ReconciliationQuery
from api.stats.query import DEFAULT_LIMIT, StatsQuery, parse_range
from liveinsight.local.archive_command import archive
from liveinsight.local.consumer import open_log
from liveinsight.local.demo import add_history, demo_site, live_traffic
from liveinsight.local.engine import (
    Address,
    consuming,
    existing_data,
    known_site,
    serving,
    wait_until_counted,
)
from liveinsight.local.geo import GeoDatabase
from liveinsight.local.import_checkpoint import ImportCheckpoints, ImportOptions
from liveinsight.local.importer import Importer
from liveinsight.local.log_source import open_log as open_access_log
from liveinsight.local.simulator import SimulationOptions, simulate
from liveinsight.local.terminal import (
    import_document,
    letter_document,
    progress_bar,
    show_import,
    show_realtime,
    show_reconciliation,
    show_simulation,
    show_stats,
)
from liveinsight.operations.bootstrap import (
    dead_letters as letter_store,
)
from liveinsight.operations.bootstrap import (
    default_partitions,
    is_on_aws,
    kinesis_sink,
    site_store,
)
from liveinsight.operations.command import smoke
from liveinsight.replay.redrive import decodable, judged_again, redrive
from liveinsight.runtime.errors import LiveInsightError, UsageError
from liveinsight.runtime.problem import ProblemError
from liveinsight.runtime.settings import Settings
from liveinsight.runtime.sites.site import Site, SiteStore, hash_read_key
from liveinsight.runtime.sites.sqlite import SqliteSiteStore
from processors.dead_letter import DeadLetterStore

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

USAGE_EXIT = 2
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


malformed_option = click.option(
    "--malformed", is_flag=True, help="Those that the collector refused for their form instead."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="liveinsight")
def cli() -> None:
    """Real-time web analytics with exact counts."""


cli.add_command(smoke)
cli.add_command(archive)


def main() -> None:
    """Run the command; what the caller can mend ends in one line and exit code 2."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        _fail(error.format_message(), USAGE_EXIT)
    except UsageError as error:
        _fail(str(error), USAGE_EXIT)
    except ProblemError as error:
        _fail(error.problem.detail, USAGE_EXIT)
    except LiveInsightError as error:
        _fail(str(error), FAILURE_EXIT)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(FAILURE_EXIT)
    sys.exit(code if isinstance(code, int) else 0)


@cli.command()
@data_option
@port_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--geo-db",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Database of places in MaxMind's format (.mmdb), for countries and cities.",
)
def up(data: Path, port: int, host: str, geo_db: Path | None) -> None:
    """Run the collector, the consumers, the APIs and the dashboard until Ctrl-C."""
    settings, address = Settings(data), Address(host, port)
    if geo_db is not None:
        GeoDatabase(geo_db)  # a file that is none is said here, once
    with _until_interrupted(settings), serving(settings, address, geo_db, _restarted):
        console.print(f"LiveInsight is up: [bold]{address.url}[/]   (Ctrl-C stops it)")
        Event().wait()


@cli.group()
def site() -> None:
    """Add, change and list sites."""


@site.command("add")
@click.argument("site_id")
@data_option
@click.option("--timezone", default="UTC", show_default=True, help="IANA name; where days begin.")
@click.option("--public", is_flag=True, help="Let anyone read the numbers, without a key.")
@click.option("--allow-host", multiple=True, help="A further host that may send events.")
@click.option(
    "--partitions", type=int, help="Ordered parts of its visitors.  [default: 4; on AWS 8]"
)
@json_option
def site_add(  # noqa: PLR0913 - one for each option
    *,
    site_id: str,
    data: Path,
    timezone: str,
    public: bool,
    allow_host: tuple[str, ...],
    partitions: int | None,
    as_json: bool,
) -> None:
    """Add a site by its host name, such as example.com, and print its read key once."""
    added, read_key = _new_site(
        site_id=site_id,
        timezone=timezone,
        public=public,
        allowed_hosts=allow_host,
        partitions=default_partitions(os.environ) if partitions is None else partitions,
    )
    if not site_store(os.environ, data).add(added):
        raise UsageError(f"the site {added.site_id!r} exists already")
    if as_json:
        click.echo(json.dumps({**_site_document(added), "read_key": read_key}))
        return
    console.print(f"Added [bold]{added.site_id}[/] ({timezone}{', public' if public else ''}).")
    console.print(f"Read key, shown only now:  {read_key}")
    server = "https://YOUR-ADDRESS" if is_on_aws(os.environ) else "http://127.0.0.1:8000"
    click.echo(
        f'Embed:  <script defer data-site="{added.site_id}" src="{server}/liveinsight.js"></script>'
    )


@site.command("set")
@click.argument("site_id", metavar="SITE")
@data_option
@click.option("--public/--private", default=None, help="Who may read: anyone, or holders of a key.")
@click.option("--allow-host", multiple=True, help="A further host that may send events.")
@click.option("--new-read-key", is_flag=True, help="Make a further read key and print it.")
@click.option("--revoke-read-keys", is_flag=True, help="Make all read keys of before useless.")
def site_set(
    *,
    site_id: str,
    data: Path,
    public: bool | None,
    allow_host: tuple[str, ...],
    new_read_key: bool,
    revoke_read_keys: bool,
) -> None:
    """Change who may read a site's numbers and which hosts may send it events."""
    sites = _sites(data)
    found = sites.get(site_id)
    if found is None:
        known = ", ".join(one.site_id for one in sites.list()) or "none yet"
        raise UsageError(f"there is no site {site_id!r} (sites: {known})")
    read_key = _new_read_key()
    hashes = () if revoke_read_keys else found.read_key_hashes
    changed = found.model_copy(
        update={
            "public": found.public if public is None else public,
            "allowed_hosts": tuple(dict.fromkeys((*found.allowed_hosts, *allow_host))),
            "read_key_hashes": (*hashes, hash_read_key(read_key)) if new_read_key else hashes,
        }
    )
    sites.replace(changed)
    click.echo(json.dumps(_site_document(changed)))
    if new_read_key:
        click.echo(f"Read key, shown only now:  {read_key}")


@site.command("list")
@data_option
@json_option
def site_list(*, data: Path, as_json: bool) -> None:
    """List the sites."""
    documents = [_site_document(one) for one in _sites(data).list()]
    if as_json:
        click.echo(json.dumps({"sites": documents}))
        return
    for one in documents:
        access = "public" if one["public"] else "private"
        console.print(f"{one['site_id']:40} {one['timezone']:24} {access}")


@cli.command()
@click.argument("site_id", metavar="SITE")
@data_option
@click.option("--from", "first", help="First day, such as 2026-11-01.  [default: the last day]")
@click.option("--to", "last", help="Last day, included.  [default: today]")
@click.option("--limit", default=DEFAULT_LIMIT, show_default=True, help="Values in a breakdown.")
@json_option
def stats(
    *, site_id: str, data: Path, first: str | None, last: str | None, limit: int, as_json: bool
) -> None:
    """Show totals, series and breakdowns of a range of days."""
    settings = existing_data(data)
    found = known_site(settings, site_id)
    given = {"from": first, "to": last, "limit": str(limit)}
    parameters = {name: text for name, text in given.items() if text is not None}
    wanted = parse_range(parameters, datetime.now(ZoneInfo(found.timezone)).date())
    query = StatsQuery(SqliteRollupStore(tables(settings.tables_path)))
    _print(
        query.document(found, wanted),
        lambda answer: show_stats(console, answer, 10),
        as_json=as_json,
    )


@cli.command()
@click.argument("site_id", metavar="SITE")
@data_option
@json_option
def realtime(*, site_id: str, data: Path, as_json: bool) -> None:
    """Show current visitors and the last 30 minutes."""
    settings = existing_data(data)
    found = known_site(settings, site_id)
    query = RealtimeQuery(SqliteMinuteStore(tables(settings.tables_path)))
    answer = query.document(found, datetime.now(UTC))
    _print(answer, lambda shown: show_realtime(console, shown), as_json=as_json)


@cli.command("reconcile")
@click.option("--site", "site_id", required=True, help="The site.")
@data_option
@click.option("--from", "first", help="First day, such as 2026-11-01.  [default: the last day]")
@click.option("--to", "last", help="Last day, included.  [default: today]")
@json_option
def reconcile_days(
    *, site_id: str, data: Path, first: str | None, last: str | None, as_json: bool
) -> int:
    """Prove that what arrived on some days was accepted, archived and counted: all of it, once.

    Ends with exit code 1 where the stages do not agree, five minutes after the last record.
    """
    settings = existing_data(data)
    found = known_site(settings, site_id)
    given = {"from": first, "to": last}
    parameters = {name: text for name, text in given.items() if text is not None}
    now = datetime.now(UTC)
    days = parse_days(parameters, now.astimezone(ZoneInfo(found.timezone)).date())
    query = ReconciliationQuery(SqliteRollupStore(tables(settings.tables_path)))
    answer = query.document(found, *days, now)
    _print(answer, lambda shown: show_reconciliation(console, shown), as_json=as_json)
    return FAILURE_EXIT if answer["state"] == "unbalanced" else 0


@cli.command()
@data_option
@port_option
def demo(data: Path, port: int) -> None:
    """Show the whole pipeline at work, with sample history and live simulated traffic."""
    settings, address = Settings(data), Address("127.0.0.1", port)
    found = demo_site(settings)
    with _until_interrupted(settings), serving(settings, address, None, _restarted):
        console.print(f"The dashboard is on [bold]{address.url}[/]   (Ctrl-C stops the demo)")
        with progress_bar(errors, "sample history") as sent:
            history = settings.data / "demo-history.json"
            add_history(found, open_log(settings), history, sent)
        live_traffic(address.url, Event())


@cli.group("dead-letters")
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
    mend = judged_again(_sites(data).get) if malformed else decodable
    if is_on_aws(os.environ):
        report = redrive(store, kinesis_sink(os.environ), chosen, mend)
    else:
        settings = Settings(data)
        with consuming(settings, _restarted):
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


@cli.group("import")
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
    settings = Settings(data)
    options = ImportOptions(
        count_everything=count == "everything", keep_query=keep_query, from_line=from_line
    )
    with open_access_log(file, sys.stdin.buffer) as source:
        added, read_key = _new_site(site_id=site_id)
        if SqliteSiteStore(settings.sites_path).add(added):
            click.echo(
                f"Added the site {added.site_id} (UTC). Read key, shown only now:  {read_key}",
                err=True,
            )
        importer = Importer(
            known_site(settings, added.site_id),
            open_log(settings),
            ImportCheckpoints(settings.imports_path),
            options,
        )
        with consuming(settings, _restarted):
            with progress_bar(errors, "reading") as reading:
                report = importer.run(
                    source, on_progress=lambda now: reading(now.bytes_read, now.bytes_total)
                )
            with progress_bar(errors, "counting") as counting:
                wait_until_counted(settings, counting)
    if as_json:
        click.echo(json.dumps(import_document(report)))
    else:
        show_import(console, report)


@cli.command("simulate")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The collector.")
@click.option("--site", "site_id", required=True, help="A site that the collector knows.")
@click.option("--rate", type=float, help="Events a second.  [default: as fast as possible]")
@click.option("--events", type=click.IntRange(1), help="When to stop.  [default: at Ctrl-C]")
@click.option("--batch-size", type=int, default=10, show_default=True)
@click.option("--concurrency", type=int, default=4, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@json_option
def simulate_traffic(  # noqa: PLR0913 - one for each option
    *,
    url: str,
    site_id: str,
    rate: float | None,
    events: int | None,
    batch_size: int,
    concurrency: int,
    seed: int,
    as_json: bool,
) -> None:
    """Send believable traffic to a collector over HTTP."""
    options = SimulationOptions(rate, events, batch_size, concurrency, seed)
    stop = Event()
    previous = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        with progress_bar(errors, "events") as sent:
            report = simulate(
                url, site_id, options, stop=stop, on_progress=lambda now: sent(now.sent, events)
            )
    finally:
        signal.signal(signal.SIGINT, previous)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        show_simulation(console, report)


def _sites(data: Path) -> SiteStore:
    """Return the sites of the engine that LIVEINSIGHT_ENGINE names."""
    if not is_on_aws(os.environ):
        existing_data(data)
    return site_store(os.environ, data)


def _print(
    answer: dict[str, Any], show: Callable[[dict[str, Any]], None], *, as_json: bool
) -> None:
    if as_json:
        click.echo(json.dumps(answer))
    else:
        show(answer)


def _new_read_key() -> str:
    return f"li_{secrets.token_urlsafe(24)}"


def _new_site(site_id: str, **settings: Any) -> tuple[Site, str]:
    """Return a site and the key that reads it."""
    read_key = _new_read_key()
    host = site_id.lower().removeprefix("www.")
    hashes = (hash_read_key(read_key),)
    try:
        return Site(site_id=host, read_key_hashes=hashes, **settings), read_key
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] == ("site_id",):
            message = f"{site_id!r} is no site: write its host name, such as example.com"
        else:
            message = f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}"
        raise UsageError(message) from error


def _site_document(one: Site) -> dict[str, Any]:
    return one.model_dump(
        mode="json", include={"site_id", "timezone", "public", "partitions", "allowed_hosts"}
    )


def _restarted(role: str) -> None:
    errors.print(f"the {role} process ended and is started again")


@contextmanager
def _until_interrupted(settings: Settings) -> Iterator[None]:
    """Run the block until Ctrl-C or SIGTERM, which service managers send, and end in peace.

    Both signals are set up anew: a shell ignores SIGINT for what it starts in the background.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        console.print(f"\nStopped; the data stays in {settings.data}", soft_wrap=True)


def _fail(message: str, code: int) -> None:
    click.echo(f"liveinsight: {' '.join(message.split())}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
