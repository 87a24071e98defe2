"""Counts a site anew from what an erasure has left of its archive, and lets that count at once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

from liveinsight.replay.plan import Plan
from liveinsight.replay.rebuild import Rebuild
from runtime.sites.site import Site

Fold = Callable[[Sequence[Path], Mapping[str, Site], Plan], None]
"""Folds shares: their files, the sites as they will be, and what is to be done."""


def recount(work: Rebuild, fold: Fold, site_id: str, days: set[date], shares: int) -> None:
    """Build a generation, and make it count. Running it again, after a crash, goes on.

    Args:
        work: the rebuild.
        fold: of shares.
        site_id: whose.
        days: those that change. All are built: a rebuild knows no range.
        shares: how many there are.

    Raises:
        RetryableError: a store did not answer; what counted before counts.
    """
    del days
    plan = work.begin([site_id], None, shares)
    sites = work.sites(plan)
    if not work.is_installed(plan):
        fold([work.share_path(number) for number in range(plan.shares)], sites, plan)
        work.install(plan, lambda _: None)
    positions = work.catch_up(sites, plan.through, work.live_positions())
    with work.paused():
        work.catch_up(sites, positions, work.live_positions())
        work.turn(site_id, sites[site_id].generation)
    work.clear()
