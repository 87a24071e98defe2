"""One schedule of an archive: writers, compactors, erasers and readers, decided by one seed.

Every call to a store may be the last one of its process, may be done without an answer, and may be
followed by a pause in which all the others go on.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from random import Random
from typing import Any

from processors.archive.chain import Chain
from processors.archive.container import ArchivedRecord, BrokenArchiveError, decode_object
from processors.archive.keys import RECORDS, predecessor
from processors.archive.manifest import Manifests
from processors.archive.store import ObjectArchiveStore
from processors.archive.verify import verify
from processors.compaction.plan import Rules
from processors.compaction.processor import Compactor
from processors.erasure.archive import ArchiveEraser
from processors.erasure.selection import Erased
from runtime.errors import RetryableError
from runtime.objects.port import Objects
from tests.simulation.coroutine import Coroutine
from tests.simulation.faults import Crash

SHARD = "s"
FIRST = 10**55
CREATED = "after creating "
RECORDS_SENT = 60
STEPS = 700
DAY = timedelta(days=1)
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
RULES = Rules(most_bytes=1800, fewest_objects=3)
VISITORS = 5
"""Record n is of visitor n modulo this."""
REST = b"-"
"""What is left of a record of a visitor with an odd number."""
STREAM = [
    ArchivedRecord(SHARD, FIRST + n, "k", 8 * 3_600_000 * n, f"record {n}".encode())
    for n in range(RECORDS_SENT)
]


class Happened(StrEnum):
    """What a schedule must come to, to say anything."""

    COMPACTED = "small object compacted"
    PRUNED = "small object deleted"
    READ = "archive read to the end, beside the others"
    FROZEN = "invocation given up that went on later"
    FAULT = "crash, or fault, before or after a call"
    STRAY = "object created under a name that was pruned"
    ERASED = "record erased"


class MemoryObjects:
    """Objects in memory; `gate` is passed before and after each call.

    Args:
        objects: what all share.
        gate: may pause, or raise.
        page: how many keys a listing gives.
    """

    def __init__(
        self, objects: dict[str, bytes], gate: Callable[[str], None] = lambda _: None, page: int = 4
    ) -> None:
        self.objects = objects
        self.page = page
        self._gate = gate

    def create(self, key: str, content: bytes) -> bool:
        self._gate("before")
        created = self.objects.setdefault(key, content) is content
        self._gate(f"{CREATED}{key}" if created else "after")
        return created

    def read(self, key: str) -> bytes | None:
        self._gate("before")
        content = self.objects.get(key)
        self._gate("after")
        return content

    def size(self, key: str) -> int | None:
        content = self.read(key)
        return None if content is None else len(content)

    def read_many(self, keys: Sequence[str]) -> Iterator[bytes | None]:
        return map(self.read, keys)

    def keys(self, prefix: str, *, after: str = "") -> list[str]:
        self._gate("before")
        found = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        self._gate("after")
        return found[: self.page]

    def folders(self, prefix: str) -> list[str]:
        names = (key.removeprefix(prefix) for key in self.objects if key.startswith(prefix))
        return sorted({name.partition("/")[0] for name in names})

    def replace(self, key: str, content: bytes, *, expected: bytes) -> bool:
        self._gate("before")
        replaced = self.objects.get(key) == expected
        if replaced:
            self.objects[key] = content
        self._gate("after")
        return replaced

    def purge(self, prefix: str) -> int:  # noqa: ARG002 - nothing is kept beside
        return 0

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:  # as S3 does it: one after the other
            self._gate("before")
            self.objects.pop(key, None)
        self._gate("after")


@dataclass(frozen=True)
class Variant:
    """What runs in a schedule. The default is the real thing; others are broken on purpose."""

    store: Callable[[Objects], ObjectArchiveStore] = ObjectArchiveStore
    chain: Callable[[Objects], Chain] = Chain
    compactor: type[Compactor] = Compactor
    eraser: type[ArchiveEraser] = ArchiveEraser


def visitor_of(data: bytes) -> int:
    return int(data.removeprefix(b"record ")) % VISITORS


class Task:
    """A process that does one thing: `body`, on objects whose every call may pause it."""

    def __init__(
        self, schedule: "Schedule", body: Callable[[], None], done: Callable[[bool], None]
    ) -> None:
        self.coroutine = Coroutine(self._run)
        self._schedule, self._body, self._done = schedule, body, done
        self._well = False

    def step(self) -> bool:
        """Go on up to the next pause; say whether it has ended."""
        self._schedule.running = self
        ended = self.coroutine.step()
        self._schedule.running = None
        if ended:
            assert not self.coroutine.failure, self.coroutine.failure
            self._done(self._well)
        return ended

    def _run(self) -> None:
        try:
            self._body()
            self._well = True
        except (RetryableError, Crash):
            pass


class Schedule:
    """Runs a schedule, and says what went wrong.

    Args:
        seed: decides everything.
        variant: what runs.
    """

    def __init__(self, seed: int, variant: Variant | None = None) -> None:
        self.rng = Random(seed)
        self.variant = variant or Variant()
        self.objects: dict[str, bytes] = {}
        self.running: Task | None = None
        self.tasks: list[Task] = []
        self.idle: list[ObjectArchiveStore] = []
        self.acked = 0
        self.now = BEGAN
        self.problem = ""
        self.fired = Counter[Happened]()
        self.erasing: set[int] = set()
        """Visitors whose erasure has begun."""
        self.erased: dict[int, int] = {}
        """By visitor: of his records so many of the stream's first ones are gone, at least."""
        self._invocation: Task | None = None
        self._pause = self.rng.choice((0.1, 0.3, 0.6))
        self._fault = self.rng.choice((0, 0.005, 0.02))
        self._grace = self.rng.choice((timedelta(0), timedelta(0), DAY))

    def run(self) -> str:
        """Return what is wrong: nothing, if the archive keeps its promise."""
        actions: list[tuple[Callable[[], None], float]] = [
            (self._write, 3),
            (self._step, 12),
            (self._freeze, self.rng.choice((0.1, 0.5, 1.5))),
            (self._redeliver, 0.2),
            (self._compact, self.rng.choice((0.2, 0.6, 1.5))),
            (self._read, 0.3),
            (self._begin_erasing, self.rng.choice((0, 0.05, 0.2))),
        ]
        choices, weights = zip(*actions, strict=True)
        for _ in range(STEPS):
            self.rng.choices(choices, weights)[0]()
        self._come_to_rest()
        return self.problem

    def _come_to_rest(self) -> None:
        self._fault = 0
        while self.tasks or self.acked < RECORDS_SENT:
            self._write()
            self._step()
        self._pause = 0
        for visitor in sorted(self.erasing):
            self._guarded(partial(self._erase, visitor))
        for _ in range(2):
            self.now += 2 * DAY
            self._guarded(lambda: self._new_compactor().compact(SHARD, now=self.now))
        self._guarded(self._check)

    def _check(self) -> None:
        chain = Chain(MemoryObjects(self.objects))
        report = verify(chain, SHARD)
        left = [kept for one in STREAM if (kept := self._rest(one)) is not None]
        if report.problem or report.records != len(left):
            self.problem = f"verify: {report}"
        if list(ObjectArchiveStore(MemoryObjects(self.objects)).records(SHARD)) != left:
            self.problem = "other records than were archived and not erased"
        for key, content in self.objects.items():
            if key.endswith(".avro") and any(map(self._is_erased, decode_object(content))):
                self.problem = f"{key} has what was erased"
        through = chain.manifests.newest(SHARD).pruned_through
        small = [key for key in self.objects if key.startswith(RECORDS)]
        if any(predecessor(key) < through for key in small):
            self.problem = "objects below the pruned ones"

    def _write(self) -> None:
        """Lambda invokes a container with the next records: one at a time."""
        if self._invocation is None and self.acked < RECORDS_SENT:
            size = self.rng.randint(1, 4)
            self._invocation = self._invoke(self.acked, min(self.acked + size, RECORDS_SENT))

    def _redeliver(self) -> None:
        """Old records come again, to a container beside."""
        if self.acked:
            first = self.rng.randrange(self.acked)
            self._invoke(first, min(first + self.rng.randint(1, 9), self.acked))

    def _invoke(self, first: int, last: int) -> Task:
        if self.idle and self.rng.random() < 0.8:
            container = self.idle.pop(self.rng.randrange(len(self.idle)))
        else:
            container = self.variant.store(self._gated())

        def done(well: bool) -> None:
            if well or self.rng.random() < 0.5:  # else the container is gone, its tails with it
                self.idle.append(container)
            if task is self._invocation:
                self._invocation = None
                self.acked = last if well else self.acked

        task = self._start(lambda: _archive(container, STREAM[first:last]), done)
        return task

    def _freeze(self) -> None:
        """Lambda gives an invocation up, and invokes again; the first one may go on later."""
        if self._invocation is not None:
            self.fired[Happened.FROZEN] += 1
            self._invocation = None

    def _compact(self) -> None:
        self.now += self._grace / 2

        def body() -> None:
            outcome = self._new_compactor().compact(SHARD, now=self.now)
            self.fired[Happened.COMPACTED] += outcome.objects_compacted
            self.fired[Happened.PRUNED] += outcome.objects_pruned

        self._start(lambda: self._guarded(body), lambda _: None)

    def _new_compactor(self) -> Compactor:
        chain = self.variant.chain(self._gated())
        return self.variant.compactor(chain, RULES, self._grace)

    def _begin_erasing(self) -> None:
        visitor, known = self.rng.randrange(VISITORS), self.acked
        self.erasing.add(visitor)

        def body() -> None:
            self.fired[Happened.ERASED] += self._erase(visitor)
            self.erased[visitor] = max(known, self.erased.get(visitor, 0))

        self._start(lambda: self._guarded(body), lambda _: None)

    def _erase(self, visitor: int) -> int:
        def of_visitor(_key: str, data: bytes, _arrived_at: int) -> Erased | None:
            if data == REST or visitor_of(data) != visitor:
                return None
            return Erased(REST if visitor % 2 else None)

        chain = self.variant.chain(self._gated())
        return self.variant.eraser(chain, of_visitor).run().records

    def _rest(self, record: ArchivedRecord) -> ArchivedRecord | None:
        """Return what is left of a record once every erasure that has begun has ended."""
        if not self._is_erased(record):
            return record
        return record._replace(data=REST) if visitor_of(record.data) % 2 else None

    def _is_erased(self, record: ArchivedRecord) -> bool:
        return record.data != REST and visitor_of(record.data) in self.erasing

    def _read(self) -> None:
        least, gone = self.acked, dict(self.erased)

        def body() -> None:
            store = self.variant.store(self._gated())
            found = list(store.records(SHARD))
            self.fired[Happened.READ] += 1
            self._compare(found, least, gone)

        self._start(lambda: self._guarded(body), lambda _: None)

    def _compare(
        self, found: Sequence[ArchivedRecord], least: int, gone: Mapping[int, int]
    ) -> None:
        """Look at what a reader found that began when so much was there, and so much was gone."""
        left = iter(found)
        following = next(left, None)
        for number, record in enumerate(STREAM):
            visitor = visitor_of(record.data)
            if following is None and number >= least:
                break
            if following is not None and following.sequence_number == record.sequence_number:
                is_whole = following == record
                if not is_whole and following != self._rest(record):
                    self.problem = f"a reader found another record {number}"
                if is_whole and number < gone.get(visitor, 0):
                    self.problem = f"a reader found record {number}, which was erased"
                following = next(left, None)
            elif visitor not in self.erasing or visitor % 2:
                self.problem = f"a reader did not find record {number}"
        if following is not None:
            self.problem = "a reader found records out of order"

    def _guarded(self, body: Callable[[], Any]) -> None:
        try:
            body()
        except BrokenArchiveError as error:
            self.problem = f"broken: {error}"

    def _start(self, body: Callable[[], None], done: Callable[[bool], None]) -> Task:
        task = Task(self, body, done)
        self.tasks.append(task)
        return task

    def _step(self) -> None:
        if self.tasks:
            task = self.rng.choice(self.tasks)
            if task.step():
                self.tasks.remove(task)

    def _gated(self) -> MemoryObjects:
        return MemoryObjects(self.objects, self._gate)

    def _is_stray(self, key: str) -> bool:
        if not key.startswith(RECORDS):
            return False
        manifest = Manifests(MemoryObjects(self.objects)).newest(SHARD)
        return predecessor(key) < manifest.pruned_through

    def _gate(self, when: str) -> None:
        if self._is_stray(when.removeprefix(CREATED)):
            self.fired[Happened.STRAY] += 1
        task = self.running
        if task is None:
            return
        if self.rng.random() < self._fault:
            self.fired[Happened.FAULT] += 1
            raise self.rng.choice((Crash(), RetryableError(f"{when} a call")))
        if self.rng.random() < self._pause:
            task.coroutine.pause()
            self.running = task


def _archive(store: ObjectArchiveStore, records: Sequence[ArchivedRecord]) -> None:
    """Append what the archive does not hold, as the archive consumer does."""
    tail = store.tail(SHARD)
    while rest := [one for one in records if one.sequence_number > tail]:
        tail = store.append(SHARD, tail, rest)
