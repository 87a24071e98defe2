"""Say what a month on AWS costs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from liveinsight.commands.options import json_option
from liveinsight.commands.parameters import Finite
from liveinsight.cost import bill as model
from liveinsight.cost.bill import Line, Load, bill
from liveinsight.cost.prices import AS_OF
from liveinsight.cost.profiles import PROFILES, ProfileName

MOST_VIEWS = 1e12
MOST_PAGES = 1e9
MOST_SITES = 1_000_000


@click.command("cost")
@click.option(
    "--views",
    type=Finite(min=0, max=MOST_VIEWS),
    required=True,
    help="Page views in a month, of all sites together.",
)
@click.option(
    "--pages",
    type=Finite(min=1, max=MOST_PAGES),
    default=2000,
    show_default=True,
    help="Pages of each site.",
)
@click.option(
    "--sites",
    type=click.IntRange(1, MOST_SITES),
    default=1,
    show_default=True,
    help="Sites, among which the views are spread evenly.",
)
@click.option(
    "--profile",
    type=click.Choice([str(name) for name in ProfileName]),
    default=str(ProfileName.STANDARD),
    show_default=True,
    help="How it is deployed.",
)
@json_option
def cost(*, views: float, pages: float, sites: int, profile: str, as_json: bool) -> None:
    """Say what a month on AWS costs, line by line, before it is deployed.

    Metered units times list prices of us-east-1, in US dollars, before taxes and free tiers.
    """
    lines = bill(Load(views, pages, sites), PROFILES[ProfileName(profile)])
    total = sum(line.dollars for line in lines)
    if as_json:
        asked = {"views": views, "pages": pages, "sites": sites, "profile": profile}
        click.echo(json.dumps({**asked, **_document(lines, total)}))
        return
    for line in lines:
        click.echo(
            f"{line.service:12} {line.what:26} {line.quantity:18,.0f}"
            f"{_price(line.price.dollars):>16} {line.dollars:13,.2f}{_mark(line)}"
        )
    fixed = sum(line.dollars for line in lines if line.is_fixed)
    click.echo(f"{'all':74} {total:13,.2f}\n{'of which whatever comes':74} {fixed:13,.2f}")
    click.echo(
        f"List prices of us-east-1, {AS_OF}, in US dollars. *: as known, not looked up."
        " Assumptions: --json."
    )


def _document(lines: Sequence[Line], total: float) -> dict[str, object]:
    return {
        "total": round(total, 2),
        "fixed": round(sum(line.dollars for line in lines if line.is_fixed), 2),
        "currency": "USD",
        "prices_of": AS_OF,
        "region": "us-east-1",
        "lines": [{**asdict(line), "dollars": round(line.dollars, 4)} for line in lines],
        "assumptions": {
            "views_in_a_visit": model.VIEWS_IN_A_VISIT,
            "requests_of_a_visit_besides_its_views": 2,
            "dashboard_hours_of_a_site": model.DASHBOARD_HOURS,
            "seconds_a_call": model.CALL_SECONDS,
            "seconds_an_invocation_besides": model.OWN_SECONDS,
            "bytes_of_an_answer": model.ANSWER_BYTES,
            "bytes_logged_by_the_edge": model.EDGE_LOG_BYTES,
            "bytes_logged_by_the_api": model.API_LOG_BYTES,
            "bytes_logged_by_an_invocation": model.INVOCATION_LOG_BYTES,
            "peak_over_mean": model.PEAK,
        },
    }


def _price(dollars: float) -> str:
    return f"{dollars:.10f}".rstrip("0").rstrip(".")


def _mark(line: Line) -> str:
    return "" if line.price.seen else " *"
