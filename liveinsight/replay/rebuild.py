"""A rebuild: the raw archive folded into a new generation of rollups, which then counts.

1. Each site gets a generation that nobody reads (`runtime.sites.generations`), and the archive is
   folded in shares (`liveinsight.replay.share`) up to where it ended at the beginning.
2. What the shares came to is added up and written: a seal for each day, week and month, and the
   states of the visitors of whom more may come. All of it says what of the stream is in.
3. What has arrived since is counted as the consumer counts, from the archive and then the stream.
4. While the consumer waits, the new generation is brought to where the consumer is, compared with
   the old one, and made the one that counts. The consumer goes on with it: what it brings again is
   recognised, and what comes after is new to both.

A crash at any step leaves the old generation counting; beginning again goes on from there. The old
one is kept, with its place on the stream, so that the same steps 3 and 4 lead back.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from aggregates.progress import moved
from aggregates.stores.reading import Reading
from liveinsight.replay.catching_up import RebuildStores, catch_up, oldest_behind
from liveinsight.replay.installing import Installer
from liveinsight.replay.locks import alone
from liveinsight.replay.plan import Days, Plan, PlanFile, Positions, Span
from liveinsight.replay.share import ShareFile
from processors.archive.container import BEGINNING
from processors.seal.processor import closed_day, delete_generation
from runtime.errors import UsageError
from runtime.sites.generations import Building, Stage, Step
from runtime.sites.site import DAY, Site

RECENT_DAYS = timedelta(days=10)
"""A partition that had no record for so long has none on the stream."""

SILENT_AFTER = timedelta(seconds=60)
"""Who builds a generation says every few seconds how far it is; who is silent for so long died."""


class LiveConsumer(Protocol):
    """The stats consumer, as far as a rebuild has to do with it."""

    def positions(self) -> Mapping[str, int] | None:
        """Return how far it has come on each shard; None where nobody can say."""

    def paused(self) -> AbstractContextManager[None]:
        """Keep it from counting while the block runs. What it was counting is done before."""


class Rebuild:
    """Builds new generations of some sites.

    Args:
        stores: what is read and written.
        consumer: of the live stream.
        folder: for what is not finished; of one rebuild at a time.
        clock: what the time is.
    """

    def __init__(
        self,
        stores: RebuildStores,
        consumer: LiveConsumer,
        folder: Path,
        clock: Callable[[], datetime],
    ) -> None:
        self._stores, self._consumer, self._clock = stores, consumer, clock
        self._folder, self._file = folder, PlanFile(folder)

    def alone(self) -> AbstractContextManager[None]:
        """Keep every other rebuild from the folder while the block runs.

        Raises:
            UsageError: another one has it.
        """
        return alone(self._folder)

    def begin(
        self, site_ids: Sequence[str], timezone: str | None, shares: int, days: Days | None = None
    ) -> Plan:
        """Give each site a generation to be built, and say what is folded.

        Args:
            site_ids: the sites.
            timezone: where their days shall begin; None: where they do now.
            shares: into how many shares a rebuild that begins now is divided.
            days: which are made anew; None: all.

        Raises:
            UsageError: there is no such site; a rebuild for another time zone or other days has
                been begun, or is made elsewhere; or a range cannot be.
        """
        if days and self._consumer.positions() is None:
            raise UsageError(
                "--from and --to are for the embedded engine: on AWS nobody can say what of the"
                " days that are taken over has been counted; leave them out, and all days are made"
                " anew"
            )
        if not any(map(self._stores.archive.tail, self._stores.archive.shards())):
            raise UsageError(
                "the archive is empty, so there is nothing to build from: what is counted is"
                " archived within a minute or two"
            )
        for site_id in site_ids:
            _refuse_lacking(self._site(site_id))
        known = self._file.read()
        begun = {one: self._begun(one, timezone, days, known) for one in site_ids}
        generations = {site_id: one.generation for site_id, one in begun.items()}
        if known and known.is_for(generations):
            return known
        through = self._through(counted=bool(days))
        goes_on = oldest_behind(self._stores, through) or self._clock()
        spans = {one: self._span(one, days, goes_on) for one in site_ids} if days else {}
        timezones = {site_id: one.timezone for site_id, one in begun.items()}
        at = int(goes_on.timestamp() * 1000)
        plan = Plan(generations, timezones, through, shares, at, spans)
        self._file.write(plan)
        return plan

    def _begun(
        self, site_id: str, timezone: str | None, days: Days | None, known: Plan | None
    ) -> Building:
        """Return the generation of a site that is being built.

        One that was folded up to another place, and is not whole, is begun anew: what it has
        written already would lack what came between.
        """
        standing = self._site(site_id).building
        now = self._clock()
        if days and timezone not in {None, self._site(site_id).timezone}:
            raise UsageError("another time zone changes every day: leave out --from and --to")

        def begin(site: Site) -> Site:
            return site.with_building(timezone or site.timezone, days, now=now)

        building = self._changed(site_id, begin).building
        if standing and building and not building.positions:
            if known and known.generations.get(site_id) == building.generation:
                return building
            self._refuse_where_at_work(site_id, building)
            self.abandon(site_id)
            building = self._changed(site_id, begin).building
        if building is None:
            raise UsageError(f"the rebuild of {site_id} was given up meanwhile")
        return building

    def _refuse_where_at_work(self, site_id: str, building: Building) -> None:
        """Leave a generation alone that a process on another machine is building."""
        silent = self._clock().timestamp() - building.step.told_at
        if self._consumer.positions() is None and silent < SILENT_AFTER.total_seconds():
            raise UsageError(
                f"{site_id} is being rebuilt by another process, which said so {silent:.0f} s ago:"
                " wait until it has ended; one that died is taken for dead after a minute"
            )

    def _span(self, site_id: str, days: Days, goes_on: datetime) -> Span:
        site = self._site(site_id)
        open_from = min(closed_day(site, self._clock()) + DAY, site.local_day(goes_on))
        return Span(*days, open_from=open_from)

    def _through(self, *, counted: bool) -> dict[str, int]:
        """Return up to where the archive is folded.

        Args:
            counted: not further than the consumer has come: days that are taken over from what it
                has written must hold all that is folded.
        """
        archive = self._stores.archive
        tails = {shard: archive.tail(shard) for shard in archive.shards()}
        live = (self._consumer.positions() or {}) if counted else {}
        # What is archived of a log that was lost, and was not counted, is in none of those days.
        return {shard: min(tail, live.get(shard, tail)) for shard, tail in tails.items()}

    def sites(self, plan: Plan) -> dict[str, Site]:
        """Return the sites as they will be."""
        return {
            site_id: replace(
                self._site(site_id),
                generation=generation,
                timezone=plan.timezones[site_id],
            )
            for site_id, generation in plan.generations.items()
        }

    def share_path(self, number: int) -> Path:
        """Return the file of a share."""
        return self._file.share(number)

    def install(self, plan: Plan, report: Callable[[int], object]) -> None:
        """Write what the shares came to. A site whose generation is whole is left as it is.

        Args:
            plan: what was folded.
            report: takes the number of days that have been written, of the site at work.

        Raises:
            UsageError: the rebuild was given up, or begun anew, by another.
        """
        files = [ShareFile(self.share_path(number)) for number in range(plan.shares)]
        for site_id, site in self.sites(plan).items():
            present = self._site(site_id)
            if present.building is None or present.building.positions:
                continue
            installer = Installer(self._stores.stats, site, self._clock, report)
            installer.folded(files)
            if site_id in plan.spans:
                span = plan.spans[site_id]
                installer.taken_over(present.generation, span)
            installer.longer(present.generation)
            for file in files:
                installer.states(file)
            self._rebuilt(plan, site_id, lambda one: replace(one, positions=dict(plan.through)))

    def tell(self, plan: Plan, step: Step) -> None:
        """Let everybody see how far the rebuild has come.

        Raises:
            UsageError: it was given up, or begun anew, by another.
        """
        for site_id in plan.generations:
            self._rebuilt(plan, site_id, lambda one: replace(one, step=step))

    def compared(self, plan: Plan, site_id: str, days: int, differences: int) -> None:
        """Let everybody see what a comparison came to."""

        def change(one: Building) -> Building:
            return replace(one, compared_days=days, differences=differences)

        self._rebuilt(plan, site_id, change)

    def _rebuilt(self, plan: Plan, site_id: str, change: Callable[[Building], Building]) -> None:
        def changed(site: Site) -> Site:
            return replace(site, building=change(_own(site, plan.generations[site_id])))

        self._changed(site_id, changed)

    def is_ready(self, plan: Plan) -> None:
        """Write down that all is done but the turn."""
        now = int(self._clock().timestamp())
        self.tell(plan, Step(stage=Stage.READY, began_at=now, told_at=now))

    def has_reached(self, plan: Plan, positions: Positions) -> None:
        """Write down what the generations hold, so that who goes on need not count it again."""
        for site_id in plan.generations:
            self._rebuilt(plan, site_id, lambda one: replace(one, positions=dict(positions)))

    def reached(self, plan: Plan) -> dict[str, int]:
        """Return what the generations of a plan hold at least, once they are whole."""
        building = [self._site(site_id).building for site_id in plan.generations]
        held = [one.positions if one else {} for one in building]
        shards = {*plan.through, *(shard for positions in held for shard in positions)}
        return {
            shard: min(positions.get(shard, BEGINNING) for positions in held) for shard in shards
        }

    def catch_up(
        self,
        sites: Mapping[str, Site],
        after: Positions,
        through: Positions | None,
        tell: Callable[[dict[str, int], int], object] = lambda *_: None,
    ) -> dict[str, int]:
        """Count for some sites what lies behind a place (`catching_up`)."""
        return catch_up(self._stores, sites, after, through, self._clock, tell)

    def is_installed(self, plan: Plan) -> bool:
        """Say whether all that was folded has been written."""
        building = [self._site(site_id).building for site_id in plan.generations]
        return all(one is not None and one.positions for one in building)

    def present(self, site_id: str) -> Site:
        """Return a site as it is counted now."""
        return self._site(site_id)

    def kept(self, site_id: str) -> tuple[Site, Positions]:
        """Return a site as it was counted before, and what is in then, at least.

        Raises:
            UsageError: nothing is kept.
        """
        site = self._site(site_id)
        kept = site.turned_back({}, now=self._clock())
        return kept, site.kept.positions if site.kept else {}

    def abandon(self, site_id: str) -> None:
        """Give up the generation that is being built, and delete it."""
        building = self._site(site_id).building
        if building is None:
            raise UsageError(f"no rebuild of {site_id} has been begun")
        self._changed(site_id, partial(replace, building=None))
        stats = self._stores.stats
        delete_generation(stats.rollups, stats.seals, building.generation, site_id)

    def paused(self) -> AbstractContextManager[None]:
        """Keep the consumer from counting while the block runs."""
        return self._consumer.paused()

    def live_positions(self) -> Mapping[str, int] | None:
        """Return how far the consumer has come; None where nobody can say."""
        return self._consumer.positions()

    def turn(self, site_id: str, generation: int) -> Site:
        """Make the generation that was built the one that counts. The consumer must be paused.

        Raises:
            UsageError: that is not the one that is being built any more.
        """
        counted = self._counted(self._site(site_id))

        def turned(site: Site) -> Site:
            _own(site, generation)
            return site.turned(counted, now=self._clock())

        return self._changed(site_id, turned)

    def turn_back(self, site_id: str, generation: int) -> Site:
        """Make the kept generation the one that counts. The consumer must be paused.

        Raises:
            UsageError: that is not the one that is kept any more.
        """
        counted = self._counted(self._site(site_id))

        def turned(site: Site) -> Site:
            back = site.turned_back(counted, now=self._clock())
            if back.generation != generation:
                raise UsageError(f"{site_id} was turned by another process meanwhile")
            return back

        return self._changed(site_id, turned)

    def _counted(self, site: Site) -> dict[str, int]:
        """Return what the present generation of a site holds at least.

        Every record is added to the day on which it arrived, so the newest days of a partition say
        how far that is, and the one that is least far decides.
        """
        known = self._consumer.positions()
        if known is not None:
            return dict(known)
        today = site.local_day(self._clock())
        reading = Reading(self._stores.stats.rollups, self._stores.stats.seals)
        counted = reading.days(site.generation, site.site_id, today - RECENT_DAYS, today)
        partitions: dict[int, dict[str, int]] = {}
        for (_, partition), part in counted.parts.items():
            before = partitions.get(partition, {})
            partitions[partition] = moved(before, part.progress.positions())
        least: dict[str, int] = {}
        for checkpoints in partitions.values():
            for shard, number in checkpoints.items():
                least[shard] = min(number, least.get(shard, number))
        return least

    def clear(self) -> None:
        """Delete what is not finished."""
        self._file.clear()

    def _site(self, site_id: str) -> Site:
        site = self._stores.sites.get(site_id)
        if site is None:
            raise UsageError(f"there is no site {site_id!r}: 'liveinsight site list' names them")
        return site

    def _changed(self, site_id: str, change: Callable[[Site], Site]) -> Site:
        site = self._stores.sites.update(site_id, change)
        if site is None:
            raise UsageError(f"there is no site {site_id!r}: 'liveinsight site list' names them")
        return site


def _own(site: Site, generation: int) -> Building:
    """Return the generation that is being built, if it is this one.

    Raises:
        UsageError: it is another, or none is.
    """
    if site.building is None or site.building.generation != generation:
        raise UsageError(
            f"the rebuild of {site.site_id} was given up, or ended, by another process meanwhile"
        )
    return site.building


def _refuse_lacking(site: Site) -> None:
    """Leave a site alone of whose days the archive has not everything.

    Raises:
        UsageError: it is one.
    """
    if site.archived_from is not None:
        raise UsageError(
            f"the archive of {site.site_id} has everything from {site.archived_from} on: what is"
            " counted of the days before would be lost by a rebuild"
        )
