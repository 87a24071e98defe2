"""Fold the archive anew, and let that count."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, NoReturn

import click

from aggregates.stores.opener import reading
from liveinsight.commands.options import console, engine_options, errors, existing, json_option
from liveinsight.commands.parameters import Day, TimeZone
from liveinsight.commands.terminal import progress_bar, show_differences
from liveinsight.engine.live import EmbeddedConsumer
from liveinsight.replay.attendant import LOOK_EVERY_SECONDS, Attendant
from liveinsight.replay.lambda_mapping import LambdaConsumer
from liveinsight.replay.opener import rebuild_of
from liveinsight.replay.plan import Days, Plan
from liveinsight.replay.rebuild import LiveConsumer, Rebuild
from liveinsight.replay.turning import Report, Turning
from liveinsight.replay.workers import fold_shares
from processors.archive.container import BrokenArchiveError
from runtime.errors import FAILURE_EXIT, PermanentError, UsageError
from runtime.settings import AwsSettings, EmbeddedSettings, Settings
from runtime.sites.generations import Stage
from runtime.sites.opener import sites as sites_of
from runtime.sites.site import Site, SiteStore

FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(9000, 1, 1)

INSTEAD = ("dry_run", "roll_back", "abandon", "attend")
"""Options of which one is given at most."""


@click.command("rebuild")
@click.option("--site", "site_ids", multiple=True, help="A site; may be given several times.")
@click.option("--all", "every", is_flag=True, help="All sites.")
@click.option("--from", "first", type=Day(), help="The first day to make anew; default: all days.")
@click.option("--to", "last", type=Day(), help="The last one.")
@click.option(
    "--time-zone", type=TimeZone(), help="Where days begin from now on, such as Asia/Seoul."
)
@click.option("--dry-run", is_flag=True, help="Compare, and let nothing count that did not before.")
@click.option("--roll-back", is_flag=True, help="Let the generation count that did before.")
@click.option("--abandon", is_flag=True, help="Give up a rebuild that has been begun.")
@click.option(
    "--attend", is_flag=True, help="Do what is asked for on the dashboard, until stopped."
)
@click.option("--yes", is_flag=True, help="Do not ask where numbers differ.")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=os.cpu_count() or 1,
    help="How many fold at the same time.  [default: the machine's cores]",
)
@engine_options
@json_option
@click.pass_context
def rebuild(
    context: click.Context,
    /,
    *,
    site_ids: Sequence[str],
    every: bool,
    settings: Settings,
    as_json: bool,
    **options: Any,
) -> None:
    """Fold the raw archive into new rollups, compare them with the present ones, and use them.

    Sites go on counting meanwhile. A rebuild that was stopped goes on where it was, and what was
    built with --dry-run waits until it is let count. What counted before is kept for 7 days:
    --roll-back lets it count again.

    With --from and --to the other days are taken over as they are, but for those of the last days
    that late events may still change.

    Exit code 1: numbers differ, and nothing was changed. 2: it cannot be done.
    """
    store = sites_of(existing(settings))
    wanted = _wanted_sites(store, site_ids, every=every)
    days = _checked(options)
    work = rebuild_of(settings, _consumer(settings))
    run = _Run(settings, work, quiet=as_json, assume_yes=options["yes"])
    if options["attend"]:
        run.attend(store, wanted)
    try:
        with work.alone():
            if options["abandon"]:
                run.abandon(wanted)
                return
            if options["roll_back"]:
                reports = run.roll_back(wanted)
            else:
                zone, dry_run = options["time_zone"], options["dry_run"]
                reports = run.rebuild(wanted, zone, options["processes"], days, dry_run=dry_run)
    except (BrokenArchiveError, PermanentError) as error:
        raise UsageError(str(error)) from error  # 1 says that numbers differ
    if as_json:
        click.echo(json.dumps({"sites": [_document(report) for report in reports]}))
    if not all(report.counts or options["dry_run"] for report in reports):
        context.exit(FAILURE_EXIT)


def _wanted_sites(store: SiteStore, site_ids: Sequence[str], *, every: bool) -> list[str]:
    known = [one.site_id for one in store.list()]
    wanted = known if every else list(dict.fromkeys(site_ids))
    if not wanted or (every and site_ids):
        raise UsageError("say which sites: --site SITE, or --all")
    for site_id in wanted:
        if site_id not in known:
            raise UsageError(f"there is no site {site_id!r}: 'liveinsight site list' names them")
    return wanted


def _checked(options: Mapping[str, Any]) -> Days | None:
    """Return the range of days; None: all days.

    Raises:
        UsageError: options exclude each other.
    """
    instead = [f"--{name.replace('_', '-')}" for name in INSTEAD if options[name]]
    if len(instead) > 1:
        raise UsageError(f"{' and '.join(instead)} exclude each other")
    first, last = options["first"], options["last"]
    for name, given in (("--from and --to", first or last), ("--time-zone", options["time_zone"])):
        if given and instead and instead != ["--dry-run"]:
            raise UsageError(f"{name} cannot be given with {instead[0]}: nothing is built then")
    if (first is None) != (last is None):
        raise UsageError("--from and --to go together: give both days, or none")
    if first is None:
        return None
    if first > last:
        raise UsageError(f"--from {first} lies after --to {last}")
    if first < FIRST_DAY or last > LAST_DAY:
        raise UsageError(f"--from and --to are days from {FIRST_DAY} to {LAST_DAY}")
    return first, last


class _Run:
    """A run of the command."""

    def __init__(self, settings: Settings, work: Rebuild, *, quiet: bool, assume_yes: bool) -> None:
        self._settings, self._work = settings, work
        self._turning = Turning(work, reading(settings), _now)
        self._quiet, self._assume_yes = quiet, assume_yes

    def rebuild(
        self,
        site_ids: Sequence[str],
        timezone: str | None,
        processes: int,
        days: Days | None,
        *,
        dry_run: bool,
    ) -> list[Report]:
        """Fold, compare and turn."""
        began = time.monotonic()
        plan = self._work.begin(site_ids, timezone, processes, days)
        sites = self._work.sites(plan)
        self._fold(plan, sites)
        with self._bar("catching up") as show:
            positions = self._turning.settle(plan, sites, show)
        self._say(f"folded and caught up in {time.monotonic() - began:,.1f} s")
        reports = [self._compared(plan, site) for site in sites.values()]
        self._work.is_ready(plan)
        for report in reports:
            self._show(report)
        if dry_run:
            self._say_what_next(reports)
            return reports
        if not self._wanted(reports):
            return reports
        self._turning.turn(sites, reports, positions, despite_open_days=self._assume_yes)
        self._work.clear()
        for report in reports:
            self._show(report)
        return reports

    def roll_back(self, site_ids: Sequence[str]) -> list[Report]:
        """Let the kept generations count again."""
        for site_id in site_ids:
            self._work.kept(site_id)  # all or none: before the first one is turned
        reports = [self._turning.turn_back(site_id) for site_id in site_ids]
        for report in reports:
            self._say(f"{report.site_id}: generation {report.generation} counts again")
        return reports

    def abandon(self, site_ids: Sequence[str]) -> None:
        """Give up what has been begun."""
        for site_id in site_ids:
            self._work.abandon(site_id)
            self._say(f"{site_id}: the rebuild is given up; what counts is as it was")
        self._work.clear()

    def attend(self, store: SiteStore, site_ids: Sequence[str]) -> NoReturn:
        """Do what is asked for on the dashboard, until the process is stopped."""
        attendant = Attendant(store, self._work, self._turning, _now)
        self._say("doing what is asked for on the dashboard; Ctrl-C ends it")
        while True:
            for report in attendant.look(site_ids):
                self._show(report)
            time.sleep(LOOK_EVERY_SECONDS)

    def _fold(self, plan: Plan, sites: Mapping[str, Site]) -> None:
        if self._work.is_installed(plan):
            return
        paths = [self._work.share_path(number) for number in range(plan.shares)]
        # The embedded stream numbers its records from 1; Kinesis' numbers are no counts.
        embedded = isinstance(self._settings, EmbeddedSettings)
        total = sum(plan.through.values()) * plan.shares if embedded else None
        with self._bar("folding, records") as show:
            tell = self._turning.telling(plan, Stage.FOLDING, show)
            fold_shares(self._settings.environ, paths, sites, plan, lambda done: tell(done, total))
        with self._bar("writing, days") as show:
            tell = self._turning.telling(plan, Stage.WRITING, show)
            self._work.install(plan, lambda done: tell(done, None))

    def _compared(self, plan: Plan, site: Site) -> Report:
        with self._bar("comparing, days") as show:
            return self._turning.compare(plan, site, show)

    def _wanted(self, reports: Sequence[Report]) -> bool:
        """Say whether the new generations shall count."""
        if self._assume_yes or not any(report.differences for report in reports):
            return True
        if self._quiet or not console.is_terminal:
            errors.print(
                "numbers differ, so nothing was changed: look, then run it with --yes, or let them"
                " count on the dashboard",
                soft_wrap=True,
            )
            return False
        return click.confirm("Let the new numbers count?")

    def _say_what_next(self, reports: Sequence[Report]) -> None:
        for one in reports:
            self._say(
                f"{one.site_id}: generation {one.generation} is ready: let it count with"
                f" 'liveinsight rebuild --site {one.site_id}', or on the dashboard, or give it up"
                " with --abandon"
            )

    def _show(self, report: Report) -> None:
        if self._quiet:
            return
        if report.counts:
            console.print(
                f"{report.site_id}: generation {report.generation} counts now"
                f" ({report.timezone}); take it back with 'liveinsight rebuild"
                f" --site {report.site_id} --roll-back'",
                soft_wrap=True,
            )
        else:
            show_differences(console, report.site_id, report.compared_days, report.differences)

    def _say(self, line: str) -> None:
        if not self._quiet:
            console.print(line, soft_wrap=True)

    def _bar(self, what: str) -> AbstractContextManager[Callable[[int, int | None], None]]:
        return progress_bar(errors, what)


def _now() -> datetime:
    return datetime.now(UTC)


def _consumer(settings: Settings) -> LiveConsumer:
    match settings:
        case EmbeddedSettings():
            return EmbeddedConsumer(settings)
        case AwsSettings():
            return LambdaConsumer(settings)


def _document(report: Report) -> dict[str, Any]:
    return {
        "site_id": report.site_id,
        "generation": report.generation,
        "timezone": report.timezone,
        "counts": report.counts,
        "compared_days": report.compared_days,
        "differences": [
            {**asdict(one), "day": one.day.isoformat(), "dimension": one.dimension.value}
            for one in report.differences
        ],
    }
