"""The last steps of a rebuild: catching up, comparing, and letting another generation count."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from aggregates.stores.difference import Difference, days_of, differences
from aggregates.stores.reading import Reading
from liveinsight.replay.plan import Plan, Positions
from liveinsight.replay.rebuild import Rebuild
from runtime.sites.generations import Stage, Step
from runtime.sites.site import Site

OPEN_DAYS = timedelta(days=2)
"""Compared while the consumer waits: today, and the days that late events still change."""

STANDSTILL_SECONDS = 5.0
"""After so long without a step the consumer is not waited for: it does not run."""

TELL_EVERY_SECONDS = 2.0

Show = Callable[[int, int | None], object]
"""Takes how much is done, and of how much where that is known."""


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


class Turning:
    """Brings what was built to where the consumer is, and lets it count.

    Args:
        work: the rebuild.
        reading: reads all generations.
        clock: what the time is.
    """

    def __init__(self, work: Rebuild, reading: Reading, clock: Callable[[], datetime]) -> None:
        self._work, self._reading, self._clock = work, reading, clock

    def telling(self, plan: Plan, stage: Stage, show: Show) -> Show:
        """Return what shows how far a stage has come, here and to everybody who asks."""
        began = int(self._clock().timestamp())
        told = -TELL_EVERY_SECONDS

        def tell(done: int, total: int | None) -> None:
            nonlocal told
            show(done, total)
            if time.monotonic() - told >= TELL_EVERY_SECONDS:
                now = int(self._clock().timestamp())
                step = Step(stage=stage, done=done, total=total, began_at=began, told_at=now)
                self._work.tell(plan, step)
                told = time.monotonic()

        tell(0, None)
        return tell

    def settle(self, plan: Plan, sites: Mapping[str, Site], show: Show) -> dict[str, int]:
        """Count what has arrived since the fold; the consumer shall be no less far.

        How far it has come is written down meanwhile: a run that is killed again and again comes
        to its end, however much arrives.

        Returns:
            What is in then.
        """
        tell = self.telling(plan, Stage.CATCHING_UP, show)
        through = self._work.reached(plan)
        live, moved_at = self._work.live_positions(), time.monotonic()
        while live is not None and not _covers(live, through):
            time.sleep(0.2)
            tell(0, None)
            before, live = live, self._work.live_positions()
            moved_at = moved_at if live == before else time.monotonic()
            if time.monotonic() - moved_at > STANDSTILL_SECONDS:
                break
        kept_at = time.monotonic()

        def keep(reached: dict[str, int], done: int) -> None:
            nonlocal kept_at
            tell(done, None)
            if time.monotonic() - kept_at >= TELL_EVERY_SECONDS:
                self._work.has_reached(plan, reached)
                kept_at = time.monotonic()

        reached = self._work.catch_up(sites, through, live, keep)
        self._work.has_reached(plan, reached)
        return reached

    def compare(self, plan: Plan, site: Site, show: Show) -> Report:
        """Compare the closed days that were folded with those that count."""
        report = Report(site.site_id, site.generation, site.timezone)
        generations = self._work.present(site.site_id).generation, site.generation
        open_from = self._first_open(site)
        days = [
            day
            for day in days_of(self._reading, site.site_id, generations)
            if day < open_from and plan.has(site.site_id, day)
        ]
        tell = self.telling(plan, Stage.COMPARING, show)
        report.differences += differences(
            self._reading, site.site_id, generations, days, lambda done: tell(done, len(days))
        )
        report.compared_days = len(days)
        self._work.compared(plan, site.site_id, len(days), len(report.differences))
        return report

    def turn(
        self,
        sites: Mapping[str, Site],
        reports: Sequence[Report],
        positions: Positions,
        *,
        despite_open_days: bool,
    ) -> None:
        """Let the generations count, while the consumer waits.

        Args:
            sites: as they will be.
            reports: what was compared; they say afterwards which generations count.
            positions: what the generations hold.
            despite_open_days: whether a site is turned where days differ that could be compared
                only now.
        """
        with self._work.paused():
            live = self._work.live_positions()
            reached = self._work.catch_up(sites, positions, live)
            comparable = live is not None and all(
                number <= live.get(shard, number) for shard, number in reached.items()
            )
            for report in reports:
                site = sites[report.site_id]
                found = self._open_differences(site) if comparable else []
                surprising = found and not report.differences
                report.differences += found
                if not surprising or despite_open_days:
                    self._work.turn(site.site_id, site.generation)
                    report.counts = True

    def turn_back(self, site_id: str) -> Report:
        """Bring the kept generation to where the consumer is, and let it count again."""
        site, positions = self._work.kept(site_id)
        sites = {site_id: site}
        positions = self._work.catch_up(sites, positions, self._work.live_positions())
        with self._work.paused():
            self._work.catch_up(sites, positions, self._work.live_positions())
            self._work.turn_back(site_id, site.generation)
        return Report(site_id, site.generation, site.timezone, counts=True)

    def finish(self, site_id: str) -> Report | None:
        """Let a generation that is ready count; None where none is."""
        present = self._work.present(site_id)
        building = present.building
        if building is None or not building.is_ready:
            return None
        site = replace(present, generation=building.generation, timezone=building.timezone)
        report = Report(site_id, site.generation, site.timezone)
        sites = {site_id: site}
        reached = self._work.catch_up(sites, building.positions, self._work.live_positions())
        self.turn(sites, [report], reached, despite_open_days=True)
        return report

    def _open_differences(self, site: Site) -> list[Difference]:
        generations = self._work.present(site.site_id).generation, site.generation
        first = self._first_open(site)
        days = [day for day in days_of(self._reading, site.site_id, generations) if day >= first]
        return list(differences(self._reading, site.site_id, generations, days))

    def _first_open(self, site: Site) -> date:
        return site.local_day(self._clock()) - OPEN_DAYS


def _covers(live: Positions, through: Positions) -> bool:
    return all(live.get(shard, number) >= number for shard, number in through.items())
