"""Count again what the stream or the archive has."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import UTC, date, datetime, time

import click

from aggregates.stores.opener import rollups, seals, visitors
from liveinsight.commands.options import console, engine_options, errors, existing, json_option
from liveinsight.commands.terminal import progress_bar
from liveinsight.engine.live import EmbeddedConsumer
from liveinsight.replay.opener import stream_reader
from liveinsight.replay.replay import Interval, ReplayReport, from_archive, from_stream
from liveinsight.replay.replay import replay as replayed
from processors.archive.store import ObjectArchiveStore
from processors.dead_letter import dead_letters
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.errors import UsageError
from runtime.objects.opener import objects
from runtime.settings import EmbeddedSettings, Settings
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites as sites_of


@click.command("replay")
@click.option(
    "--from", "start", required=True, help="A day, or a time, in UTC where it says no other."
)
@click.option("--to", "end", help="Until before this; default: now.")
@click.option(
    "--source",
    type=click.Choice(["stream", "archive"]),
    default="stream",
    show_default=True,
    help="The stream keeps some days, the archive all.",
)
@click.option("--site", "site_ids", multiple=True, help="A site; default: all.")
@engine_options
@json_option
def replay(
    *,
    start: str,
    end: str | None,
    source: str,
    site_ids: Sequence[str],
    settings: Settings,
    as_json: bool,
) -> None:
    """Count again what arrived in a time: what is counted is recognised, what is missing is added.

    It is safe to run at any time, and again. A record that is missing although later ones are
    counted is not found so: 'liveinsight reconcile' names its day, 'liveinsight rebuild' counts it.
    """
    store = sites_of(existing(settings))
    known = [one.site_id for one in store.list()]
    for site_id in site_ids:
        if site_id not in known:
            raise UsageError(f"there is no site {site_id!r}: 'liveinsight site list' names them")
    now = datetime.now(UTC)
    interval = Interval(_moment("--from", start), _moment("--to", end) if end else now)
    if interval.start >= interval.end:
        raise UsageError(f"--from {start} is not before {end or 'now'}")
    if source == "stream":
        records = from_stream(stream_reader(settings), interval)
    else:
        records = from_archive(ObjectArchiveStore(objects(settings, "archive")), interval)

    def processor() -> StatsProcessor:
        stores = StatsStores(
            rollups(settings), seals(settings), visitors(settings), dead_letters(settings)
        )
        return StatsProcessor(SiteCache(store), stores)

    with progress_bar(errors, "counting, records") as show:
        report = replayed(
            records,
            site_ids or known,
            processor,
            _gate(settings),
            lambda: datetime.now(UTC),
            lambda done: show(done, None),
        )
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        console.print(_line(report))


def _gate(settings: Settings) -> Callable[[], AbstractContextManager[None]]:
    """Return what keeps the consumer away: on AWS it remembers no states, so nothing does."""
    if isinstance(settings, EmbeddedSettings):
        return EmbeddedConsumer(settings).paused
    return nullcontext


def _moment(option: str, text: str) -> datetime:
    try:
        if len(text) == len("2026-11-26"):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{option} {text!r}: write a day, as 2026-11-26, or a time, as 2026-11-26T10:30"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _line(report: ReplayReport) -> str:
    counted = report.records - report.missing - report.poison
    line = f"{report.records:,} records read: {counted:,} had been counted"
    line += f", {report.missing:,} were missing, with {report.missing_events:,} events"
    return line + (f", {report.poison:,} cannot be counted" if report.poison else "")
