"""What a month of page views costs on AWS, in the units that AWS charges for: nine cases.

Sites of 200, 2,000 and 5,000 pages with 1, 10 and 100 million views a month. A day of the month is
simulated with the real consumers, adapters and encodings, in the batches that the mappings make of
its traffic; the adapters' meters count, on tables in memory (`benchmarks.memory_dynamodb`).

A site of a million views is run for a whole day; realtime and archive for every fourth hour of it.
Of the others some stretches of the day are, one for each part of it (PARTS). Before a stretch the
items are given the size that they have by then: the views since midnight are folded, by the same
`fold`, into one rollup, which becomes BASE, and the states of the visitors who come in the stretch
are written. Then batches run until RECENT has been handed over once, and are metered from there to
the second time after it, so that each stretch has whole rounds of RECENT and BASE. Parts are
weighted by their views.

- Of the visits before a stretch at most MOST_FOLDED views a day are folded, one of 3 at 10 million
  views, of 28 at 100 million; each counts for as many. Values that are so rare that none of their
  visits is folded are missing, which makes BASE somewhat smaller than it would be.
- The number of partitions is the one at which the site's growth ends (`processors.growth`), by its
  busiest hour and the size of its items at the end of the day. Partitions are alike; one is run.
- A batch of a consumer is what comes within the window that its first record opens. Polls that come
  later than that, other sites of the shard, and retries are left out.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import click

from aggregates.accumulator import Rows, rollup_of
from aggregates.fold import fold
from aggregates.progress import Position, Progress
from aggregates.rollup import Counters, Rollup, merge
from aggregates.stores.dynamodb import (
    DynamoEventStore,
    DynamoMinuteStore,
    DynamoRollupStore,
    DynamoSealStore,
    DynamoVisitorStore,
    rollup_key,
)
from aggregates.stores.encoding import bounded
from aggregates.stores.ports import (
    Layer,
    RollupKey,
    StoredRollup,
    StoredVisitor,
    Versioned,
    VisitorKey,
)
from aggregates.visitor import NEW, VisitorState
from aggregates.window import MINUTE_MS, SECOND_MS, day_start
from benchmarks.memory_dynamodb import MemoryDynamoDb
from benchmarks.traffic import SHARD, Catalogue, Traffic, records
from ingest.hits.visitor import partition_of
from liveinsight.traffic.simulation import HOURS
from processors.archive.processor import ArchiveProcessor, ArchiveStores
from processors.growth import PartitionLoad, grown
from processors.realtime.processor import RealtimeProcessor
from processors.record import Record
from processors.seal.processor import SealProcessor
from processors.stats.processor import STATE_LIFETIME, StatsProcessor, StatsStores
from runtime.dynamodb import Dynamo
from runtime.metering import Meter, Units
from runtime.sites.cache import SiteCache
from runtime.sites.partitions import PartitionSchedule
from runtime.sites.site import Site
from schemas.event import EventBatch
from tests.simulation.memory_stores import (
    MemoryArchiveStore,
    MemoryDeadLetterStore,
    MemorySiteStore,
)

RESULTS = Path(__file__).parent / "results.json"
PAGES = (200, 2000, 5000)
VIEWS = (10**6, 10**7, 10**8)
DAYS_OF_A_MONTH = 30
DAY = date(2026, 5, 4)
WHOLE_DAY_VIEWS = 50_000
"""A day of so many views is run as a whole."""
MOST_FOLDED = 120_000
"""Of a larger day only a part of the visits is folded before a stretch."""
PARTS = ((0, 3, 7), (7, 9, 11), (11, 13, 17), (17, 20, 24))
"""Hours: where a part of the day begins, where its stretch does, and where it ends."""
STRETCH = 16_000
"""Views of one partition, at most, of a stretch."""
ROUNDS = 2
LEAD = 0.1
"""Hours that the traffic of a stretch begins before it, so that there are visits under way."""
EPOCH = 100
LAMBDA_WINDOWS = {"stats": 10, "archive": 60, "realtime": 1}
LAMBDA_BATCHES = {"stats": 10_000, "archive": 10_000, "realtime": 1000}
"""Seconds and records: infra/modules/processors."""
TABLES = ("stats", "sessions", "realtime", "events", "ledger")
"""The tables. What the archive consumer writes into the stats table is in one of its own here."""

OBJECT_CALLS = 2
"""Calls of S3 for a batch of the archive consumer: the object, and whether a manifest is newer."""
OTHER_VIEWS = 6000
"""Views of a stretch that are enough to meter the archive and the realtime consumer."""
HOUR_MS = 3600 * SECOND_MS
LIFETIME = STATE_LIFETIME.total_seconds()

Run = Callable[[Sequence[Record], datetime], object]
Used = dict[str, Units]
"""By table."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What some views cost."""

    views: int = 0
    used: Mapping[str, Units] = field(default_factory=dict)
    batches: Mapping[str, int] = field(default_factory=dict)
    """By consumer."""

    def plus(self, other: "Measured") -> "Measured":
        """Return the sum."""
        return Measured(
            self.views + other.views,
            {
                table: self.used.get(table, Units()).plus(other.used.get(table, Units()))
                for table in {**self.used, **other.used}
            },
            {
                name: self.batches.get(name, 0) + other.batches.get(name, 0)
                for name in {**self.batches, **other.batches}
            },
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the day.

    Attributes:
        share: of the day's views.
        runs: of each consumer.
        live: read units of one answer of the live view.
        today: read units of one answer about today.
    """

    share: float
    runs: tuple[Measured, ...]
    live: int
    today: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case came to."""

    partitions: int
    parts: Sequence[Part]
    sealed_day: Units
    sealed_month: Units

    def per_1000(self, unit: str) -> dict[str, float]:
        """Return units for 1,000 views, by table."""
        sums = dict.fromkeys(TABLES, 0.0)
        for part in self.parts:
            for run in part.runs:
                for table, used in run.used.items():
                    sums[table] += part.share * getattr(used, unit) * 1000 / run.views
        return sums

    def batches(self, consumer: str) -> float:
        """Return how many batches of a consumer 1,000 views come in."""
        return sum(
            part.share * run.batches[consumer] * 1000 / run.views
            for part in self.parts
            for run in part.runs
            if consumer in run.batches
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A site."""

    pages: int
    views: int
    """In a month."""

    @property
    def title(self) -> str:
        """Its name."""
        return f"{self.views / 1e6:.0f} M views, {self.pages:,} pages"

    @property
    def views_a_day(self) -> float:
        """Views of each day."""
        return self.views / DAYS_OF_A_MONTH


CASES = tuple(Case(pages, views) for views in VIEWS for pages in PAGES)


@dataclass(slots=True)
class History:
    """What views before a stretch came to, of the partition that is run.

    Args:
        site: knows how many partitions there are.
    """

    site: Site
    states: dict[bytes, VisitorState] = field(default_factory=dict)
    number: int = 0
    """Sequence number of the last view."""
    _rows: dict[int, Rows] = field(default_factory=dict)

    def add(self, views: Iterable[EventBatch], count_for: int) -> None:
        """Fold views."""
        rows = self._rows.setdefault(count_for, {})
        for batch in views:
            self.number += 1
            if is_run(self.site, batch):
                state = self.states.get(batch.visitor_id, NEW)
                position = Position(SHARD, self.number)
                folded = fold(state, batch, position, self.site.timezone, lambda _: rows)
                self.states[batch.visitor_id] = folded.state

    def rollup(self) -> Rollup:
        """Return what is counted."""
        return merge(
            Rollup(
                {
                    key: Counters._make(count_for * one for one in row)
                    for key, row in rollup_of(rows).rows.items()
                }
            )
            for count_for, rows in self._rows.items()
        )


def is_run(site: Site, batch: EventBatch) -> bool:
    """Say whether a view is of the partition that is run."""
    return partition_of(site, DAY, batch.visitor_id) == 0


class Stores:
    """Tables with a meter for each, and the processors that write them.

    Args:
        site: whose views come.
        client: of DynamoDB; tables in memory where it is left out.
    """

    def __init__(self, site: Site, client: Any = None) -> None:
        self._site = site
        self._memory = MemoryDynamoDb()
        self.meters = {table: Meter() for table in TABLES}
        chosen: Any = client or self._memory
        sites = MemorySiteStore()
        sites.add(site)
        at = {table: Dynamo(chosen, meter, threads=1) for table, meter in self.meters.items()}
        self.sites = sites
        self.rollups = DynamoRollupStore(at["stats"], "stats")
        self.seals = DynamoSealStore(at["stats"], "stats")
        self.visitors = DynamoVisitorStore(at["sessions"], "sessions")
        self.minutes = DynamoMinuteStore(at["realtime"], "realtime")
        dead_letters = MemoryDeadLetterStore()
        stats = StatsStores(self.rollups, self.seals, self.visitors, dead_letters)
        archive = ArchiveStores(
            archive=MemoryArchiveStore({}),
            events=DynamoEventStore(at["events"], "events"),
            ledger=DynamoRollupStore(at["ledger"], "ledger"),
            seals=DynamoSealStore(at["ledger"], "ledger"),
            dead_letters=dead_letters,
            malformed=dead_letters,
        )
        counting = StatsProcessor(SiteCache(sites), stats)
        realtime = RealtimeProcessor(self.minutes, dead_letters)
        archiving = ArchiveProcessor(SiteCache(sites), archive)
        self.consumers: dict[str, Run] = {
            "stats": lambda batch, now: counting.run(batch, now=now),
            "realtime": lambda batch, now: realtime.run(batch, now=now),
            "archive": lambda batch, now: archiving.run(batch, now=now),
        }

    def put(self, rollup: Rollup, number: int, partitions: Iterable[int] = (0,)) -> None:
        """Give partitions what they have counted so far."""
        for partition in partitions:
            key = RollupKey(self._site.generation, self._site.site_id, DAY, partition)
            recent = StoredRollup(progress=Progress({SHARD: number}), epoch=EPOCH)
            self.rollups.save({key: Versioned(recent, 0)})
            base = bounded(StoredRollup(rollup, epoch=EPOCH))
            self.rollups.save({key._replace(layer=Layer.BASE): Versioned(base, 0)})

    def put_states(self, states: Mapping[bytes, VisitorState]) -> None:
        """Write visitor states."""
        expires_at = int(day_start(DAY, self._site.timezone) / SECOND_MS + 86400 + LIFETIME)
        for visitor_id, state in states.items():
            key = VisitorKey(self._site.generation, self._site.site_id, visitor_id)
            self.visitors.save({key: Versioned(StoredVisitor(state, expires_at), 0)})

    def epoch(self) -> int:
        """Return how often RECENT has been handed over."""
        key = RollupKey(self._site.generation, self._site.site_id, DAY, 0)
        item = self._memory.item("stats", rollup_key(key))
        return int(item["epoch"]["N"]) if item else 0

    def take(self) -> Used:
        """Return what was used since the last time, by table."""
        excess = self._memory.take_excess()
        return {
            table: meter.take().plus(Units(write_units=excess[table]))
            for table, meter in self.meters.items()
        }


def batches(
    views: Iterable[EventBatch], site: Site, consumer: str, first: int
) -> Iterator[tuple[list[Record], datetime]]:
    """Yield what a consumer gets at once of the partition that is run, and when."""
    window, most = LAMBDA_WINDOWS[consumer] * SECOND_MS, LAMBDA_BATCHES[consumer]
    batch: list[EventBatch] = []
    number, opened = first, 0
    for view in views:
        if batch and (view.received_at >= opened + window or len(batch) == most):
            yield _batch(site, batch, number, opened + window)
            number, batch = number + len(batch), []
        if not batch:
            opened = view.received_at
        batch.append(view)
    if batch:
        yield _batch(site, batch, number, opened + window)


def _batch(
    site: Site, views: Iterable[EventBatch], first: int, at: int
) -> tuple[list[Record], datetime]:
    numbered = [(number, one) for number, one in enumerate(views, first) if is_run(site, one)]
    found = [record for number, one in numbered for record in records(site, [one], number)]
    return found, datetime.fromtimestamp(at / SECOND_MS, UTC)


def run_stats(stores: Stores, site: Site, views: Sequence[EventBatch], first: int) -> Measured:
    """Meter the stats consumer between the first and the last time that RECENT is handed over."""
    stores.take()
    total, rounds, last = Measured(), -1, stores.epoch()
    pending = Measured()
    for batch, now in batches(views, site, "stats", first):
        if not batch:
            continue
        stores.consumers["stats"](batch, now)
        pending = pending.plus(Measured(len(batch), stores.take(), {"stats": 1}))
        if stores.epoch() > last:
            last, rounds = stores.epoch(), rounds + 1
            total = total.plus(pending) if rounds else total
            pending = Measured()
        if rounds == ROUNDS:
            break
    if rounds < 1:
        raise RuntimeError(f"RECENT was handed over {rounds + 1} times in {len(views)} views")
    return total


def run_whole(
    stores: Stores, site: Site, views: Sequence[EventBatch], first: int, consumer: str
) -> Measured:
    """Meter a consumer on all views."""
    stores.take()
    run = stores.consumers[consumer]
    total, invocations = 0, 0
    for batch, now in batches(views, site, consumer, first):
        if batch:
            run(batch, now)
            total, invocations = total + len(batch), invocations + 1
    return Measured(total, stores.take(), {consumer: invocations})


def measure(case: Case) -> Outcome:
    """Run a case."""
    site = Site(site_id="shop.example")
    if case.views_a_day <= WHOLE_DAY_VIEWS:
        return _whole_day(case, site)
    rng = Random(case.pages)  # noqa: S311 - must be repeatable
    ended = _full_day(case, site, rng)
    while (more := _grown(case, site, ended)) > site.partitions.number_on(DAY):
        site = replace(site, partitions=PartitionSchedule.always(more))
        ended = _full_day(case, site, rng)
    parts = list(_stretches(case, site, rng))
    return Outcome(site.partitions.number_on(DAY), parts, *_sealed(site, ended.rollup()))


def _whole_day(case: Case, site: Site) -> Outcome:
    rng = Random(case.pages)  # noqa: S311 - must be repeatable
    views = list(_of_day(Traffic(Catalogue(case.pages), site, rng).day(DAY, case.views_a_day)))
    stores = Stores(site)
    runs = [run_whole(stores, site, views, 1, "stats")]
    hour = day_start(DAY, site.timezone)
    some = [one for one in views if (one.received_at - hour) // HOUR_MS % 4 == 1]
    runs += [run_whole(stores, site, some, 1, consumer) for consumer in ("realtime", "archive")]
    history = History(site)
    history.add(views, 1)
    live, today = _reads(stores, site, some[-1].received_at)
    part = Part(1.0, tuple(runs), live, today)
    return Outcome(1, [part], *_sealed(site, history.rollup()))


def _thinned(case: Case) -> int:
    """Return for how many visits one is folded that comes before a stretch."""
    return max(1, round(case.views_a_day / MOST_FOLDED))


def _full_day(case: Case, site: Site, rng: Random) -> History:
    """Fold a day."""
    history, thinned = History(site), _thinned(case)
    traffic = Traffic(Catalogue(case.pages), site, rng)
    history.add(_of_day(traffic.day(DAY, case.views_a_day / thinned)), thinned)
    return history


def _grown(case: Case, site: Site, ended: History) -> int:
    """Return how many partitions the site has after a day such as this."""
    base = bounded(StoredRollup(ended.rollup()))
    busiest = int(case.views_a_day * max(HOURS) / sum(HOURS))
    load = PartitionLoad(DAY, busiest, len(base.body))
    return grown(site.partitions.number_on(DAY), load)


def _stretches(case: Case, site: Site, rng: Random) -> Iterator[Part]:
    history, thinned = History(site), _thinned(case)
    partitions = site.partitions.number_on(DAY)
    traffic = Traffic(Catalogue(case.pages), site, rng)
    earlier = _Peekable(traffic.day(DAY, case.views_a_day / thinned))
    for begin, at, end in PARTS:
        until = day_start(DAY, site.timezone) + int(at * HOUR_MS)
        history.add(earlier.before(until - int(LEAD * HOUR_MS)), thinned)
        stream = _Peekable(traffic.day(DAY, case.views_a_day, begin=at - LEAD))
        history.add(stream.before(until), 1)
        views = list(islice(stream, STRETCH * partitions))
        share = sum(HOURS[begin:end]) / sum(HOURS)
        yield _stretch(site, history, views, share)


def _stretch(site: Site, history: History, views: Sequence[EventBatch], share: float) -> Part:
    first = history.number + 1
    stores = Stores(site)
    stores.put(history.rollup(), history.number)
    visitors = {view.visitor_id for view in views} & history.states.keys()
    stores.put_states({visitor_id: history.states[visitor_id] for visitor_id in visitors})
    partitions = site.partitions.number_on(DAY)
    runs = [run_stats(stores, site, views, first)]
    for consumer in ("realtime", "archive"):
        some = views[: OTHER_VIEWS * partitions]
        runs.append(run_whole(stores, site, some, first, consumer))
    live, today = _reads(stores, site, some[-1].received_at)
    return Part(share, tuple(runs), live * partitions, today * partitions)


def _reads(stores: Stores, site: Site, at: int) -> tuple[int, int]:
    """Return the read units of the live view and of today, of one partition."""
    stores.take()
    minute = at // MINUTE_MS * MINUTE_MS
    stores.minutes.minutes(site.site_id, minute - 29 * MINUTE_MS, minute)
    live = stores.take()["realtime"].read_units
    stores.rollups.items(site.generation, site.site_id, DAY, DAY)
    return live, stores.take()["stats"].read_units


def _sealed(site: Site, rollup: Rollup) -> tuple[Units, Units]:
    """Return what sealing a day costs until its items are dropped, and then a month."""
    partitions = range(site.partitions.number_on(DAY))
    used = []
    for first_run in (DAY + timedelta(days=3), DAY + timedelta(days=40)):
        stores = Stores(site)
        stores.put(rollup, 1, partitions)
        stores.take()
        for day in (first_run, first_run + timedelta(days=2)):
            now = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
            SealProcessor(stores.sites, stores.rollups, stores.seals).run(now=now)
        used.append(stores.take()["stats"])
    of_day, both = used
    of_month = Units(
        read_units=both.read_units - of_day.read_units,
        write_units=both.write_units - of_day.write_units,
    )
    return of_day, of_month


def _of_day(views: Iterable[EventBatch]) -> Iterator[EventBatch]:
    """Leave out what comes after midnight of visits that began before."""
    end = day_start(DAY + timedelta(days=1), "UTC")
    return (view for view in views if view.received_at < end)


class _Peekable(Iterator[EventBatch]):
    """Views that are taken up to a moment, and then on from there."""

    def __init__(self, views: Iterator[EventBatch]) -> None:
        self._views = views
        self._next: list[EventBatch] = []

    def __next__(self) -> EventBatch:
        return self._next.pop() if self._next else next(self._views)

    def before(self, at: int) -> Iterator[EventBatch]:
        """Yield the views before a moment."""
        for view in self:
            if view.received_at >= at:
                self._next.append(view)
                return
            yield view


def figures(case: Case, outcome: Outcome) -> dict[str, float]:
    """Return what results.json keeps of a case."""
    found: dict[str, float] = {"partitions": outcome.partitions}
    for unit in ("write_units", "read_units", "requests"):
        for table, value in outcome.per_1000(unit).items():
            found[f"{table} table: {unit}"] = value
    for consumer in LAMBDA_WINDOWS:
        found[f"{consumer}: batches"] = outcome.batches(consumer)
    found["archive: requests"] = OBJECT_CALLS * outcome.batches("archive")
    found["live view: read_units"] = max(part.live for part in outcome.parts)
    found["today: read_units"] = max(part.today for part in outcome.parts)
    for period, used in (("day", outcome.sealed_day), ("month", outcome.sealed_month)):
        found[f"sealing a {period}: write_units"] = used.write_units
        found[f"sealing a {period}: read_units"] = used.read_units
    return {f"{case.title}, {name}": round(value, 2) for name, value in found.items()}


@click.command(help=__doc__)
@click.option("--views", type=int, multiple=True, default=VIEWS, help="In a month.")
@click.option("--pages", type=int, multiple=True, default=PAGES)
@click.option("--keep", is_flag=True, help="Write the figures to results.json.")
def main(*, views: Sequence[int], pages: Sequence[int], keep: bool) -> None:
    """Run cases and print what they come to."""
    for case in (Case(size, month) for month in views for size in pages):
        found = figures(case, measure(case))
        print(json.dumps(found, indent=2), flush=True)
        if keep:
            known = json.loads(RESULTS.read_text())
            RESULTS.write_text(json.dumps({**known, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
