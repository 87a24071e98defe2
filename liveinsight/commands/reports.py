"""Show what was counted, and prove it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

from aggregates.stores.opener import minutes, reading
from api.days import parse_days
from api.question import DEFAULT_LIMIT, parse_question
from api.realtime.query import RealtimeQuery
from api.reconciliation.query import ReconciliationQuery
from api.stats.query import StatsQuery
from liveinsight.commands.options import (
    console,
    engine_options,
    json_option,
    print_answer,
)
from liveinsight.commands.parameters import SiteName
from liveinsight.commands.proof import witnesses
from liveinsight.commands.sites import known_site
from liveinsight.commands.terminal import show_realtime, show_reconciliation, show_stats
from runtime.errors import FAILURE_EXIT
from runtime.settings import Settings


@click.command()
@click.argument("site_id", metavar="SITE", type=SiteName())
@engine_options
@click.option("--from", "first", help="First day, such as 2026-11-01.  [default: the last day]")
@click.option("--to", "last", help="Last day, included.  [default: today]")
@click.option("--period", help="Instead of --from and --to, such as 28d, month or all.")
@click.option("--date", help="The day that the period ends with, or lies in.  [default: today]")
@click.option("--interval", help="Step of the series: hour, day, week or month.")
@click.option("--limit", default=DEFAULT_LIMIT, show_default=True, help="Values in a breakdown.")
@click.option("--dimension", help="Show the breakdown of this dimension alone, such as page.")
@click.option("--offset", help="Of its values, how many are passed over.  [default: 0]")
@click.option("--search", help="Of its values, only those that this is in, in capitals or not.")
@click.option("--sort", help="By what they are ranked; -pageviews: the fewest first.")
@json_option
def stats(
    *, site_id: str, settings: Settings, limit: int, as_json: bool, **given: str | None
) -> None:
    """Show totals, series and breakdowns of a range of days."""
    found = known_site(settings, site_id)
    named = {"from": given.pop("first"), "to": given.pop("last"), "limit": str(limit), **given}
    parameters = {name: text for name, text in named.items() if text is not None}
    wanted = parse_question(parameters, datetime.now(ZoneInfo(found.timezone)).date())
    query = StatsQuery(reading(settings))
    print_answer(
        query.document(found, wanted),
        lambda answer: show_stats(console, answer, 10),
        as_json=as_json,
    )


@click.command()
@click.argument("site_id", metavar="SITE", type=SiteName())
@engine_options
@json_option
def realtime(*, site_id: str, settings: Settings, as_json: bool) -> None:
    """Show current visitors and the last 30 minutes."""
    found = known_site(settings, site_id)
    query = RealtimeQuery(minutes(settings))
    answer = query.document(found, datetime.now(UTC))
    print_answer(answer, lambda shown: show_realtime(console, shown), as_json=as_json)


@click.command("reconcile")
@click.option("--site", "site_id", required=True, help="The site.")
@engine_options
@click.option("--from", "first", help="First day, such as 2026-11-01.  [default: the last day]")
@click.option("--to", "last", help="Last day, included.  [default: today]")
@json_option
def reconcile_days(
    *, site_id: str, settings: Settings, first: str | None, last: str | None, as_json: bool
) -> int:
    """Prove that what arrived on some days was accepted, archived and counted: all of it, once.

    It says one of three things. Balanced, exit code 0. In flight, exit code 0: so much waits, and
    nothing speaks against that it will be counted. Broken, exit code 1: something is lost, or has
    not moved for five minutes; what, and where. What concerns the stream, the spill and the archive
    is said whatever the site and the day.
    """
    found = known_site(settings, site_id)
    given = {"from": first, "to": last}
    parameters = {name: text for name, text in given.items() if text is not None}
    now = datetime.now(UTC)
    days = parse_days(parameters, now.astimezone(ZoneInfo(found.timezone)).date())
    query = ReconciliationQuery(reading(settings), witnesses(settings))
    answer = query.document(found, *days, now)
    print_answer(answer, lambda shown: show_reconciliation(console, shown), as_json=as_json)
    return FAILURE_EXIT if answer["state"] == "broken" else 0
