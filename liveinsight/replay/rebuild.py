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

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

from aggregates.progress import Position, Progress, moved
from aggregates.rollup import Rollup, merge
from aggregates.seal import LONGER, UNSEALED, Period, Place, Seal, joined, whole_of
from aggregates.stores.ports import SealKey, StoredSeal, Versioned
from aggregates.stores.reading import Reading
from ingest.stream.reader import StreamReader, StreamRecord
from liveinsight.replay.share import Positions, ShareFile, in_order, record_of
from processors.archive.container import BEGINNING, ArchivedRecord
from processors.archive.store import ArchiveStore
from processors.record import Record
from processors.seal.processor import closed_day, delete_generation
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.errors import UsageError
from runtime.patience import patiently
from runtime.sites.cache import KnownSites
from runtime.sites.site import Site, SiteStore

BATCH = 2000
"""Records that are counted at once while a generation catches up."""

STATES_AT_ONCE = 500

RECENT_DAYS = timedelta(days=10)
"""A partition that had no record for so long has none on the stream."""

NEXT_EPOCH = 1
"""Of a day: the seal that a rebuild writes has the first one, 0, and nothing else."""


class LiveConsumer(Protocol):
    """The stats consumer, as far as a rebuild has to do with it."""

    def positions(self) -> Mapping[str, int] | None:
        """Return how far it has come on each shard; None where nobody can say."""

    def paused(self) -> AbstractContextManager[None]:
        """Keep it from counting while the block runs. What it was counting is done before."""


@dataclass(frozen=True, slots=True)
class RebuildStores:
    """What a rebuild reads and writes."""

    sites: SiteStore
    stats: StatsStores
    archive: ArchiveStore
    stream: StreamReader


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run folds. It is written down, so that the next run after a crash folds the same."""

    generations: Mapping[str, int]
    """By site id."""
    timezones: Mapping[str, str]
    through: Positions
    """Up to where, on each shard."""
    shares: int


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
        self.folder = folder

    def begin(self, site_ids: Sequence[str], timezone: str | None, shares: int) -> Plan:
        """Give each site a generation to be built, and say what is folded.

        Args:
            site_ids: the sites.
            timezone: where their days shall begin; None: where they do now.
            shares: into how many shares a rebuild that begins now is divided.

        Raises:
            UsageError: there is no such site, or a rebuild for another time zone has been begun.
        """
        now = self._clock()
        for site_id in site_ids:
            _refuse_lacking(self._site(site_id))
        begun = [
            self._changed(site_id, lambda one: one.with_building(timezone or one.timezone, now=now))
            for site_id in site_ids
        ]
        generations = {site.site_id: site.building.generation for site in begun if site.building}
        timezones = {site.site_id: site.building.timezone for site in begun if site.building}
        known = self._read_plan()
        if known and (known.generations, known.timezones) == (generations, timezones):
            return known
        self.clear()
        archive = self._stores.archive
        through = {shard: archive.tail(shard) for shard in archive.shards()}
        plan = Plan(generations, timezones, through, shares)
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / "plan.unfinished"
        unfinished.write_text(_written(plan))
        unfinished.replace(self._plan_path)
        return plan

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
        return self.folder / f"share-{number}.sqlite"

    def install(self, plan: Plan, report: Callable[[int], object]) -> None:
        """Write what the shares came to. A site whose generation is whole is left as it is.

        Args:
            plan: what was folded.
            report: takes the number of days that have been written.
        """
        files = [ShareFile(self.share_path(number)) for number in range(plan.shares)]
        written = 0
        for site_id, site in self.sites(plan).items():
            building = self._site(site_id).building
            if building is None or building.positions:
                continue
            sealed: dict[date, Seal] = {}
            first = site.counted_from(self._clock())
            for day in sorted({day for one in files for day in one.days(site_id) if day >= first}):
                sealed[day] = self._install_day(site, day, files)
                report(written := written + 1)
            self._install_longer(site, sealed)
            for file in files:
                self._install_states(file, site)
            done = replace(building, positions=dict(plan.through))
            self._changed(site_id, partial(replace, building=done))

    def catch_up(
        self, sites: Mapping[str, Site], after: Positions, through: Positions | None
    ) -> dict[str, int]:
        """Count for some sites what lies behind a place on each shard.

        Args:
            sites: as they are counted.
            after: what is in already; a shard that it does not name has nothing in.
            through: up to where; None: up to the ends.

        Returns:
            What is in then.
        """
        processor = StatsProcessor(KnownSites(sites), self._stores.stats)
        reached = dict(after)
        for records in _batches(self._behind(reached, through)):
            ours = [one for one in records if one.partition_key.rpartition("/")[0] in sites]
            self._count(processor, list(map(record_of, ours)))
            reached = moved(reached, (Position(one.shard, one.sequence_number) for one in records))
        return reached

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

    def turn(self, site_id: str) -> Site:
        """Make the generation that was built the one that counts. The consumer must be paused."""
        counted = self._counted(self._site(site_id))
        return self._changed(site_id, lambda one: one.turned(counted, now=self._clock()))

    def turn_back(self, site_id: str) -> Site:
        """Make the kept generation the one that counts. The consumer must be paused."""
        counted = self._counted(self._site(site_id))
        return self._changed(site_id, lambda one: one.turned_back(counted, now=self._clock()))

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
        if self.folder.is_dir():
            self._plan_path.unlink(missing_ok=True)  # first: without it the rest is nothing
            for path in self.folder.glob("share-*.sqlite*"):
                path.unlink()

    @property
    def _plan_path(self) -> Path:
        return self.folder / "plan.json"

    def _read_plan(self) -> Plan | None:
        try:
            document = json.loads(self._plan_path.read_text())
        except FileNotFoundError:
            return None
        through = {shard: int(number) for shard, number in document["through"].items()}
        return Plan(**{**document, "through": through})

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

    def _install_day(self, site: Site, day: date, files: Iterable[ShareFile]) -> Seal:
        """Write a day's seal, unless it is there."""
        found: dict[int, list[tuple[Rollup, Progress]]] = {}
        for file in files:
            for partition, rollup, progress in file.pieces(site.site_id, day):
                found.setdefault(partition, []).append((rollup, progress))
        parts: dict[Place, tuple[Rollup, int, Progress]] = {
            (day, partition): (
                merge(rollup for rollup, _ in pieces),
                NEXT_EPOCH,
                _of_all([progress for _, progress in pieces]),
            )
            for partition, pieces in sorted(found.items())
        }
        seal = joined(UNSEALED, parts)
        self._save(SealKey(site.generation, site.site_id, Period.DAY, day), seal)
        return seal

    def _install_longer(self, site: Site, days: Mapping[date, Seal]) -> None:
        """Write the seals of weeks and months that are closed."""
        closed = closed_day(site, self._clock())
        for period in LONGER:
            within: dict[date, list[Seal]] = {}
            for day, seal in days.items():
                within.setdefault(period.first_day(day), []).append(seal)
            for first, seals in within.items():
                if period.last_day(first) <= closed:
                    key = SealKey(site.generation, site.site_id, period, first)
                    self._save(key, whole_of(seals))

    def _save(self, key: SealKey, seal: Seal) -> None:
        """Write a seal; one that an earlier run wrote is the same."""
        at = int(self._clock().timestamp())
        patiently(lambda: self._stores.stats.seals.save({key: Versioned(StoredSeal(seal, at), 0)}))

    def _install_states(self, file: ShareFile, site: Site) -> None:
        states = iter(file.states(site))
        while some := dict(islice(states, STATES_AT_ONCE)):
            changes = {key: Versioned(state, 0) for key, state in some.items()}
            patiently(partial(self._stores.stats.visitors.save, changes))

    def _behind(
        self, after: Positions, through: Positions | None
    ) -> Iterator[ArchivedRecord | StreamRecord]:
        """Yield what lies behind a place: what the archive has, then the rest from the stream."""
        archive, stream = self._stores.archive, self._stores.stream
        live = stream.shards()
        tails = {shard: archive.tail(shard) for shard in archive.shards()}
        if through is not None:
            # A shard that the stream has no more is wanted whole.
            ends = {shard: through.get(shard, BEGINNING) for shard in live}
            tails = {shard: min(end, ends.get(shard, end)) for shard, end in tails.items()}
        yield from in_order(archive, after, tails)
        for shard in live:
            end = None if through is None else through.get(shard, BEGINNING)
            at = max(after.get(shard, BEGINNING), tails.get(shard, BEGINNING))
            while (end is None or at < end) and (found := stream.read(shard, at)):
                yield from (one for one in found if end is None or one.sequence_number <= end)
                at = found[-1].sequence_number

    def _count(self, processor: StatsProcessor, records: Sequence[Record]) -> None:
        if records:
            patiently(lambda: processor.run(records, now=self._clock()))


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


def _batches(
    records: Iterator[ArchivedRecord | StreamRecord],
) -> Iterator[list[ArchivedRecord | StreamRecord]]:
    while some := list(islice(records, BATCH)):
        yield some


def _of_all(progresses: Sequence[Progress]) -> Progress:
    newest = max(progresses, key=lambda one: one.arrived_at)
    positions = [position for one in progresses for position in one.positions()]
    return Progress(moved({}, positions), newest.arrived_at, newest.processed_at)


def _written(plan: Plan) -> str:
    through = {shard: str(number) for shard, number in plan.through.items()}
    return json.dumps(
        {
            "generations": dict(plan.generations),
            "timezones": dict(plan.timezones),
            "through": through,
            "shares": plan.shares,
        }
    )
