"""One schedule: a stream, three consumers, and everything that goes wrong, decided by one seed."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random

from aggregates.seal import Period
from aggregates.stores.ports import RollupKey, SealKey, StoredRollup, StoredSeal
from processors.archive.processor import ArchiveProcessor, ArchiveStores
from processors.realtime.processor import RealtimeProcessor
from processors.seal.processor import GRACE, SealProcessor
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.errors import RetryableError
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site
from tests.simulation.coroutine import Coroutine
from tests.simulation.expectation import DayAsRead, Expectation, read_day
from tests.simulation.faults import STORMS, Crash, Fault, Gate, Weather
from tests.simulation.faulty_stores import (
    FaultyArchiveStore,
    FaultyDeadLetterStore,
    FaultyEventStore,
    FaultyRollupStore,
    FaultySealStore,
    FaultySiteStore,
    FaultyVersionedStore,
)
from tests.simulation.kinesis import Stream
from tests.simulation.lambda_mapping import EventSourceMapping, Invocation, Lane
from tests.simulation.memory_stores import (
    ArchiveObjects,
    MemoryArchiveStore,
    MemoryDeadLetterStore,
    MemoryEventStore,
    MemoryMinuteStore,
    MemoryRollupStore,
    MemorySealStore,
    MemorySiteStore,
    MemoryVisitorStore,
)
from tests.simulation.traffic import SITE, Sent, Traffic

MOST_SEALERS = 2
MOST_CHUNKS = 16
"""Of imports, each of a few lines."""

ENCODED = 4
"""Values are kept encoded in one schedule of so many."""

MOST_SEAL_RUNS = 4
"""After which all must be sealed, and dropped."""

MOST_STEPS = 20_000
"""A schedule that takes more does not come to rest."""


@dataclass
class Stores:
    """What outlives every process."""

    rollups: MemoryRollupStore = field(default_factory=MemoryRollupStore)
    seals: MemorySealStore = field(default_factory=MemorySealStore)
    visitors: MemoryVisitorStore = field(default_factory=MemoryVisitorStore)
    minutes: MemoryMinuteStore = field(default_factory=MemoryMinuteStore)
    dead_letters: MemoryDeadLetterStore = field(default_factory=MemoryDeadLetterStore)
    malformed: MemoryDeadLetterStore = field(default_factory=MemoryDeadLetterStore)
    events: MemoryEventStore = field(default_factory=MemoryEventStore)
    archive_objects: ArchiveObjects = field(default_factory=dict)

    def leave_values(self) -> None:
        """Keep values themselves, and not what encodes them."""
        for store in (self.rollups, self.seals, self.visitors, self.minutes):
            store.encodes = False

    def archive(self) -> MemoryArchiveStore:
        """Return the archive as a new container sees it."""
        return MemoryArchiveStore(self.archive_objects)


@dataclass(frozen=True)
class Variant:
    """What runs in a schedule. The default is the real thing; others are broken on purpose."""

    stores: Callable[[], Stores] = Stores
    number: Callable[[int], int] = int
    seals: bool = False
    """Whether days are sealed in a storm."""
    seal_runs: int = 30
    """How often, at most."""
    traffic: type[Traffic] = Traffic
    recent_bytes: tuple[int, ...] = (1, 500, 2000)
    """Of which one is drawn: with how many bytes of rows these are handed to the base."""
    visitors_lie_apart: bool = True
    """Whether a visitor is in one partition, so that an item can be checked by itself."""


REAL = Variant()


@dataclass(frozen=True)
class Outcome:
    """How a schedule ended."""

    seed: int
    wrong: str
    """What is wrong, empty for nothing."""
    fired: Counter[Fault]
    trace: list[str]

    def report(self) -> str:
        """Return what a developer needs to see it again."""
        lines = "\n  ".join(self.trace)
        return f"SIM_SEED={self.seed}: {self.wrong}\n  {lines}\nSIM_SEED={self.seed}: {self.wrong}"


@dataclass(frozen=True)
class Size:
    """How much there is in a schedule."""

    visitors: int
    partitions: int
    records: int
    faults: int
    storm: bool = False

    @classmethod
    def draw(cls, rng: Random, *, storm: bool) -> "Size":
        """Draw the size of one schedule: most are small."""
        if storm:
            return cls(rng.randint(2, 4), rng.randint(1, 2), rng.randint(30, 40), 80, storm=True)
        if rng.random() < 0.04:
            return cls(rng.randint(6, 20), rng.randint(1, 4), rng.randint(60, 150), 120)
        faults = rng.choice([10, 40])
        return cls(rng.randint(3, 6), rng.randint(1, 4), rng.randint(10, 30), faults)


class SealRun:
    """One call of the sealer; a Turn."""

    zombie = False

    def __init__(self, name: str, sealer: SealProcessor, now: datetime) -> None:
        self.name = name
        self.coroutine = Coroutine(lambda: self._run(sealer, now))

    def pause(self) -> None:
        self.coroutine.pause()

    def _run(self, sealer: SealProcessor, now: datetime) -> None:
        with suppress(Crash, RetryableError):
            sealer.run(now=now)


class Schedule:
    """Draws one step after another until every record is done with and no process is left."""

    def __init__(self, seed: int, variant: Variant, *, storm: bool = False) -> None:
        self.seed, self.wrong = seed, ""
        self._variant = variant
        self._rng = rng = Random(seed)
        size = Size.draw(rng, storm=storm or rng.random() < STORMS)
        seal = 1 if variant.seals else 0
        self._weather = Weather.storm(seal=seal) if size.storm else Weather.draw(rng)
        self._gate = Gate(rng, self._weather, size.faults)
        self._stores = variant.stores()
        if seed % ENCODED:
            self._stores.leave_values()
        self._traffic = variant.traffic(
            rng,
            self._gate.fired,
            visitors=size.visitors,
            partitions=size.partitions,
            records=size.records,
            storm=size.storm,
        )
        site = Site(site_id=SITE, timezone=self._traffic.timezone, import_secret="x" * 32)
        self._recent_bytes = rng.choice(variant.recent_bytes)
        self._expectation = Expectation(self._traffic.timezone)
        self._stream = Stream(rng, rng.randint(1, 3), variant.number)
        self._mappings = list(self._consumers())
        self._to_send = list(self._traffic.records(size.records))[::-1]
        self._last_words = list(self._traffic.last_words())[::-1]
        self._now = self._to_send[-1].received_at
        self._sites = MemorySiteStore()
        self._sites.add(site)
        self._site_settings = FaultySiteStore(site, self._gate)
        self._seal_runs = variant.seal_runs if size.storm else rng.randrange(12)
        last = max(sent.received_at for sent in [*self._to_send, *self._last_words])
        closed = rng.choice([timedelta(days=4), timedelta(days=40)])
        self._sealed_at = datetime.fromtimestamp(last / 1000, UTC) + closed
        self._chunks = MOST_CHUNKS if size.storm else rng.randrange(MOST_CHUNKS // 2)
        self._sealing: list[SealRun] = []
        self._running: list[tuple[EventSourceMapping, Invocation]] = []
        self._zombies: list[Invocation] = []

    def run(self) -> Outcome:
        """Run until all is at rest, then compare."""
        steps = 0
        while not self.wrong and (actions := list(self._actions())):
            steps += 1
            if steps > MOST_STEPS:
                self.wrong = "does not come to rest"
            weights = [weight for weight, _ in actions]
            _, action = self._rng.choices(actions, weights)[0]
            action()
        self._stop_all()
        self.wrong = self.wrong or self._compare()
        return Outcome(self.seed, self.wrong, self._gate.fired, self._gate.trace)

    def _stop_all(self) -> None:
        """End whatever runs, where it stands."""
        invocations = [*self._zombies, *(invocation for _, invocation in self._running)]
        for invocation in invocations:
            invocation.coroutine.kill()
        for run in self._sealing:
            run.coroutine.kill()
        self._running, self._zombies, self._sealing = [], [], []

    def _consumers(self) -> Iterator[EventSourceMapping]:
        """Make the mappings. The archive is ordered by shard, so it has one lane."""
        containers = {
            "stats": (self._stats, self._rng.choice([1, 2, 3, 10])),
            "realtime": (self._realtime, self._rng.choice([1, 2, 3, 10])),
            "archive": (self._archive, 1),
        }
        for consumer, (container, lanes) in containers.items():
            yield EventSourceMapping(
                consumer,
                container,  # type: ignore[arg-type]
                self._stream,
                lanes=lanes,
                rng=self._rng,
                gate=self._gate,
            )

    def _stats(self) -> StatsProcessor:
        stores, gate = self._stores, self._gate
        return StatsProcessor(
            SiteCache(self._site_settings),
            StatsStores(
                rollups=FaultyRollupStore("rollups", stores.rollups, gate, self._check_rollup),
                seals=FaultySealStore(stores.seals, gate, self._check_seal),
                visitors=FaultyVersionedStore("visitors", stores.visitors, gate),
                dead_letters=FaultyDeadLetterStore(stores.dead_letters, gate),
            ),
            recent_bytes=self._recent_bytes,
        )

    def _realtime(self) -> RealtimeProcessor:
        stores, gate = self._stores, self._gate
        return RealtimeProcessor(
            FaultyVersionedStore("minutes", stores.minutes, gate),  # type: ignore[arg-type]
            FaultyDeadLetterStore(stores.dead_letters, gate),
        )

    def _archive(self) -> ArchiveProcessor:
        stores, gate = self._stores, self._gate
        return ArchiveProcessor(
            SiteCache(self._site_settings),
            ArchiveStores(
                archive=FaultyArchiveStore(stores.archive(), gate),
                events=FaultyEventStore(stores.events, gate),
                ledger=FaultyRollupStore("ledger", stores.rollups, gate, self._check_rollup),
                seals=FaultySealStore(stores.seals, gate, self._check_seal),
                dead_letters=FaultyDeadLetterStore(stores.dead_letters, gate),
                malformed=FaultyDeadLetterStore(stores.malformed, gate),
            ),
        )

    def _sealer(self) -> SealProcessor:
        gate = self._gate
        return SealProcessor(
            self._site_settings,
            FaultyRollupStore("rollups", self._stores.rollups, gate, self._check_rollup),
            FaultySealStore(self._stores.seals, gate, self._check_seal),
        )

    def _actions(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """Return what can happen next, with weights."""
        if self._to_send:
            yield 3, self._produce
            yield 0.15, self._split
            yield 0.15, self._merge
        ready = [(mapping, lane) for mapping in self._mappings for lane in mapping.ready()]
        if ready:
            yield 3, lambda: self._start(*self._rng.choice(ready))
        if self._running:
            yield 4, self._go_on
            if self._weather.time_out:
                yield self._weather.time_out, self._time_out
        if self._zombies:
            yield self._weather.wake, self._wake
        elif self._last_words and not (ready or self._running or self._to_send):
            yield 1, self._say_last_words
        yield from self._seal_actions()
        if self._weather.redeliver and (self._to_send or ready):
            yield self._weather.redeliver, self._redeliver

    def _seal_actions(self) -> Iterator[tuple[float, Callable[[], None]]]:
        if self._sealing:
            yield 2, self._go_on_sealing
        if self._weather.seal and self._seal_runs > 0:
            if len(self._sealing) < MOST_SEALERS:
                yield self._weather.seal, self._start_sealing
            if any(self._stores.seals.values()):
                yield self._weather.seal / 3, self._let_grace_pass
                if self._chunks > 0:
                    bare = self._bare_days()
                    yield self._weather.seal * (2 if bare else 0.5), lambda: self._import(bare)

    def _produce(self) -> None:
        for _ in range(min(len(self._to_send), self._rng.choice([1, 1, 2, 5]))):
            self._put(self._to_send.pop())

    def _put(self, sent: Sent) -> None:
        if not sent.is_old:
            self._now = max(self._now, sent.received_at)
        record = self._stream.put(sent.partition_key, sent.data, self._now)
        self._expectation.add(record, sent)
        self._gate.note(f"put {sent.partition_key} at {record.position} {sent.poison}")

    def _bare_days(self) -> list[date]:
        """Return the days that are sealed, and of which all open items have been dropped."""
        beside = {(key.generation, key.day) for key, _ in self._stores.rollups.values()}
        return [
            key.first for key in self._sealed_days() if (key.generation, key.first) not in beside
        ]

    def _sealed_days(self) -> list[SealKey]:
        return [key for key, _ in self._stores.seals.values() if key.period is Period.DAY]

    def _import(self, bare: Sequence[date]) -> None:
        """Import some lines of a log to a day that is sealed, best to one that is bare."""
        self._chunks -= 1
        day = self._rng.choice(bare or [key.first for key in self._sealed_days()])
        for sent in self._traffic.chunk(day):
            self._put(sent)

    def _say_last_words(self) -> None:
        last = [*self._traffic.last_chunk(), *self._last_words[::-1]]
        self._to_send, self._last_words = last[::-1], []

    def _split(self) -> None:
        shard = self._rng.choice(self._stream.open_shards())
        at = self._rng.randrange(shard.low + 1, shard.high)
        self._stream.split(shard, at)
        self._gate.count(Fault.SPLIT)
        self._gate.note(f"split {shard.name}")

    def _merge(self) -> None:
        shards = self._stream.open_shards()
        if len(shards) > 1:
            left = self._rng.randrange(len(shards) - 1)
            self._stream.merge(shards[left], shards[left + 1])
            self._gate.count(Fault.MERGE)
            self._gate.note(f"merge {shards[left].name} and {shards[left + 1].name}")

    def _start(self, mapping: EventSourceMapping, lane: Lane) -> None:
        self._running.append((mapping, mapping.deliver(lane, self._tick())))
        self._step(*self._running[-1])

    def _redeliver(self) -> None:
        lanes = [(mapping, lane) for mapping in self._mappings for lane in mapping.delivered()]
        if lanes:
            mapping, lane = self._rng.choice(lanes)
            self._running.append((mapping, mapping.redeliver(lane, self._tick())))
            self._step(*self._running[-1])

    def _go_on(self) -> None:
        self._step(*self._rng.choice(self._running))

    def _start_sealing(self) -> None:
        """Seal, as if the days were over long ago: what still comes is late."""
        self._seal_runs -= 1
        run = SealRun(f"seal#{self._seal_runs}", self._sealer(), self._sealed_at)
        self._sealing.append(run)
        self._go_on_sealing()

    def _go_on_sealing(self) -> None:
        run = self._rng.choice(self._sealing)
        if self._advance(run):
            self._sealing.remove(run)

    def _let_grace_pass(self) -> None:
        """Let a day pass, which no invocation outlives: what is sealed may be dropped after it."""
        self._seal_runs -= 1
        for mapping, invocation in self._running:
            mapping.give_up(invocation)
        self._stop_all()
        self._sealed_at += 2 * GRACE
        self._start_sealing()

    def _seal_the_rest(self) -> None:
        """Seal and drop all, undisturbed."""
        sealer = SealProcessor(self._sites, self._stores.rollups, self._stores.seals)
        for _ in range(MOST_SEAL_RUNS):
            sealer.run(now=self._sealed_at)
            self._sealed_at += 2 * GRACE
            if not any(self._stores.rollups.values()):
                break

    def _time_out(self) -> None:
        mapping, invocation = self._running.pop(self._rng.randrange(len(self._running)))
        self._gate.note(f"{invocation.name} timed out")
        mapping.give_up(invocation)
        self._zombies.append(invocation)

    def _wake(self) -> None:
        zombie = self._rng.choice(self._zombies)
        if self._advance(zombie):
            self._zombies.remove(zombie)

    def _step(self, mapping: EventSourceMapping, invocation: Invocation) -> None:
        if self._advance(invocation):
            self._running.remove((mapping, invocation))
            mapping.finish(invocation)
            self._gate.note(f"{invocation.name} ends: {invocation.answer or 'crashed'}")

    def _advance(self, invocation: Invocation | SealRun) -> bool:
        """Let an invocation run to its next pause; say whether it has ended."""
        self._gate.turn = invocation
        ended = invocation.coroutine.step()
        self._gate.turn = None
        if invocation.coroutine.failure:
            self.wrong = f"{invocation.name} raised {invocation.coroutine.failure}"
        return ended

    def _tick(self) -> int:
        self._now += self._rng.randrange(15_000)
        return self._now

    def _check_rollup(self, key: RollupKey, stored: StoredRollup) -> None:
        if stored.handed.rows:
            self._gate.count(Fault.HANDED_OVER)
        if self._check_day(key.generation, key.day).seal.parts:
            self._gate.count(Fault.LATE_FOR_SEAL)

    def _check_seal(self, key: SealKey, _: StoredSeal) -> None:
        if key.period is Period.DAY:
            self._gate.count(Fault.SEALED)
            self._check_day(key.generation, key.first)
        else:
            self._gate.count(Fault.SEALED_PERIOD)

    def _check_day(self, generation: int, day: date) -> DayAsRead:
        """Read a day as readers do, and compare it with what it must be."""
        read = read_day(self._stores.rollups, self._stores.seals, generation, day)
        if self._variant.visitors_lie_apart:
            self.wrong = self.wrong or self._expectation.wrong_day(read)
        return read

    def _compare(self) -> str:
        expectation, stores = self._expectation, self._stores
        expected = expectation.at_rest()
        as_left = expectation.wrong_rollups(expected, stores.rollups, stores.seals)
        self._seal_the_rest()
        left = [key for key, _ in stores.rollups.values()]
        found = (
            as_left,
            expectation.wrong_rollups(expected, stores.rollups, stores.seals),
            f"{left} are not dropped" if left else "",
            expectation.wrong_periods(stores.seals),
            expectation.wrong_dead_letters(stores.dead_letters),
            expectation.wrong_malformed(stores.malformed),
            expectation.wrong_archive(stores.archive()),
            expectation.wrong_raw_events(stores.events),
            expectation.wrong_minutes(stores.minutes),
        )
        return "\n".join(filter(None, found))
