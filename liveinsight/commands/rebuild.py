"""Fold the archive anew, and let that count."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from aggregates.stores.opener import reading
from liveinsight.commands.options import console, engine_options, errors, existing, json_option
from liveinsight.commands.terminal import progress_bar, show_differences
from liveinsight.engine.live import EmbeddedConsumer
from liveinsight.replay.difference import Difference, days_of, differences
from liveinsight.replay.lambda_mapping import LambdaConsumer
from liveinsight.replay.opener import rebuild_of
from liveinsight.replay.rebuild import LiveConsumer, Plan, Rebuild
from liveinsight.replay.share import Positions
from liveinsight.replay.workers import fold_shares
from runtime.errors import FAILURE_EXIT, UsageError
from runtime.settings import AwsSettings, EmbeddedSettings, Settings
from runtime.sites.opener import sites as sites_of
from runtime.sites.site import Site

OPEN_DAYS = timedelta(days=2)
"""Compared while the consumer waits: today, and the days that late events still change."""

STANDSTILL_SECONDS = 5.0
"""After so long without a step the consumer is not waited for: it does not run."""


@dataclass(slots=True)
class Report:
    """What a rebuild of a site came to."""

    site_id: str
    generation: int
    timezone: str
    differences: list[Difference] = field(default_factory=list)
    compared_days: int = 0
    counts: bool = False
    """Whether the new generation is the one that counts now."""


@click.command("rebuild")
@click.option("--site", "site_ids", multiple=True, help="A site; may be given several times.")
@click.option("--all", "every", is_flag=True, help="All sites.")
@click.option("--time-zone", help="Where days begin from now on, such as Asia/Seoul.")
@click.option("--dry-run", is_flag=True, help="Compare, and let nothing count that did not before.")
@click.option("--roll-back", is_flag=True, help="Let the generation count that did before.")
@click.option("--abandon", is_flag=True, help="Give up a rebuild that has been begun.")
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

    Sites go on counting meanwhile. A rebuild that was stopped goes on where it was. What counted
    before is kept for 7 days: --roll-back lets it count again.

    Exit code 1: numbers differ, and nothing was changed.
    """
    store = sites_of(existing(settings))
    known = [one.site_id for one in store.list()]
    wanted = known if every else list(dict.fromkeys(site_ids))
    if not wanted or (every and site_ids):
        raise UsageError("say which sites: --site SITE, or --all")
    for site_id in wanted:
        if site_id not in known:
            raise UsageError(f"there is no site {site_id!r}: 'liveinsight site list' names them")
    work = rebuild_of(settings, _consumer(settings), _folder(settings))
    run = _Run(settings, work, quiet=as_json, assume_yes=options["yes"])
    if options["abandon"]:
        run.abandon(wanted)
        return
    if options["roll_back"]:
        reports = run.roll_back(wanted)
    else:
        reports = run.rebuild(
            wanted, options["time_zone"], options["processes"], dry_run=options["dry_run"]
        )
    if as_json:
        click.echo(json.dumps({"sites": [_document(report) for report in reports]}))
    if not all(report.counts or options["dry_run"] for report in reports):
        context.exit(FAILURE_EXIT)


class _Run:
    """A run of the command."""

    def __init__(self, settings: Settings, work: Rebuild, *, quiet: bool, assume_yes: bool) -> None:
        self._settings, self._work = settings, work
        self._reading = reading(settings)
        self._quiet, self._assume_yes = quiet, assume_yes

    def rebuild(
        self, site_ids: Sequence[str], timezone: str | None, processes: int, *, dry_run: bool
    ) -> list[Report]:
        """Fold, compare and turn."""
        began = time.monotonic()
        plan = self._work.begin(site_ids, timezone, processes)
        sites = self._work.sites(plan)
        self._fold(plan, sites)
        positions = self._settled(sites, plan.through)
        self._say(f"folded and caught up in {time.monotonic() - began:,.1f} s")
        reports = [self._compared(site_id, site) for site_id, site in sites.items()]
        for report in reports:
            self._show(report)
        if dry_run or not self._wanted(reports):
            return reports
        with self._work.paused():
            live = self._work.live_positions()
            positions = self._work.catch_up(sites, positions, live)
            comparable = live is not None and all(
                number <= live.get(shard, number) for shard, number in positions.items()
            )
            for report in reports:
                site = sites[report.site_id]
                open_days = self._open_differences(site) if comparable else []
                if open_days and not report.differences and not self._assume_yes:
                    report.differences += open_days
                    continue
                report.differences += open_days
                self._work.turn(site.site_id)
                report.counts = True
        self._work.clear()
        for report in reports:
            self._show(report)
        return reports

    def roll_back(self, site_ids: Sequence[str]) -> list[Report]:
        """Bring the kept generations to where the consumer is, and let them count."""
        kept = {site_id: self._work.kept(site_id) for site_id in site_ids}
        with self._work.paused():
            live = self._work.live_positions()
            reports = []
            for site_id, (site, positions) in kept.items():
                self._work.catch_up({site_id: site}, positions, live)
                self._work.turn_back(site_id)
                reports.append(Report(site_id, site.generation, site.timezone, counts=True))
        for report in reports:
            self._say(f"{report.site_id}: generation {report.generation} counts again")
        return reports

    def abandon(self, site_ids: Sequence[str]) -> None:
        """Give up what has been begun."""
        for site_id in site_ids:
            self._work.abandon(site_id)
            self._say(f"{site_id}: the rebuild is given up; what counts is as it was")
        self._work.clear()

    def _fold(self, plan: Plan, sites: Mapping[str, Site]) -> None:
        if self._work.is_installed(plan):
            return
        paths = [self._work.share_path(number) for number in range(plan.shares)]
        # The embedded stream numbers its records from 1; Kinesis' numbers are no counts.
        embedded = isinstance(self._settings, EmbeddedSettings)
        total = sum(plan.through.values()) * plan.shares if embedded else None
        with self._bar("folding, records") as show:
            fold_shares(
                self._settings.environ, paths, sites, plan.through, lambda done: show(done, total)
            )
        with self._bar("writing, days") as show:
            self._work.install(plan, lambda done: show(done, None))

    def _settled(self, sites: Mapping[str, Site], through: Positions) -> Positions:
        """Count what has arrived since; the consumer shall be no less far."""
        live, moved_at = self._work.live_positions(), time.monotonic()
        while live is not None and not _covers(live, through):
            time.sleep(0.2)
            before, live = live, self._work.live_positions()
            moved_at = moved_at if live == before else time.monotonic()
            if time.monotonic() - moved_at > STANDSTILL_SECONDS:
                break
        return self._work.catch_up(sites, through, live)

    def _compared(self, site_id: str, site: Site) -> Report:
        report = Report(site_id, site.generation, site.timezone)
        generations = self._work.present(site_id).generation, site.generation
        days = [
            day for day in days_of(self._reading, site_id, generations) if day < _first_open(site)
        ]
        with self._bar("comparing, days") as show:
            report.differences += differences(
                self._reading, site_id, generations, days, lambda done: show(done, len(days))
            )
        report.compared_days = len(days)
        return report

    def _open_differences(self, site: Site) -> list[Difference]:
        generations = self._work.present(site.site_id).generation, site.generation
        first = _first_open(site)
        days = [day for day in days_of(self._reading, site.site_id, generations) if day >= first]
        return list(differences(self._reading, site.site_id, generations, days))

    def _wanted(self, reports: Sequence[Report]) -> bool:
        """Say whether the new generations shall count."""
        if self._assume_yes or not any(report.differences for report in reports):
            return True
        if self._quiet or not console.is_terminal:
            errors.print("numbers differ, so nothing was changed: look, then run it with --yes")
            return False
        return click.confirm("Let the new numbers count?")

    def _show(self, report: Report) -> None:
        if self._quiet:
            return
        if report.counts:
            console.print(
                f"{report.site_id}: generation {report.generation} counts now"
                f" ({report.timezone}); take it back with 'liveinsight rebuild"
                f" --site {report.site_id} --roll-back'"
            )
        else:
            show_differences(console, report.site_id, report.compared_days, report.differences)

    def _say(self, line: str) -> None:
        if not self._quiet:
            console.print(line)

    def _bar(self, what: str) -> AbstractContextManager[Callable[[int, int | None], None]]:
        return progress_bar(errors, what)


def _consumer(settings: Settings) -> LiveConsumer:
    match settings:
        case EmbeddedSettings():
            return EmbeddedConsumer(settings)
        case AwsSettings():
            return LambdaConsumer(settings)


def _folder(settings: Settings) -> Path | None:
    return settings.data / "rebuild" if isinstance(settings, EmbeddedSettings) else None


def _first_open(site: Site) -> date:
    return site.local_day(datetime.now(UTC)) - OPEN_DAYS


def _covers(live: Positions, through: Positions) -> bool:
    return all(live.get(shard, number) >= number for shard, number in through.items())


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
