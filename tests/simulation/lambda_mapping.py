"""Lambda's event source mapping over the simulated stream.

It delivers at least once and in order of each partition key, whatever goes wrong.
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from processors.handler import Processor
from processors.record import Record, retry_from, success
from runtime.errors import RetryableError
from tests.simulation.coroutine import Coroutine
from tests.simulation.faults import Crash, Fault, Gate
from tests.simulation.kinesis import Shard, Stream, hash_key

LOOK_AGAIN = -1

Answer = dict[str, Any]
"""What a handler returns: `batchItemFailures`."""


@dataclass(eq=False)
class Lane:
    """The records of a shard whose partition keys share one of its parallel readers."""

    name: str
    records: list[Record] = field(default_factory=list)
    done: int = 0
    """How many records, from the first on, the mapping will not send again by itself."""
    in_flight: "Invocation | None" = None
    last_failure: tuple[int, int] | None = None
    """The range that failed last."""
    next_size: int = 0
    """The size that bisecting asks for; 0 for any."""

    def pending(self) -> int:
        return len(self.records) - self.done


class Invocation:
    """One call of a handler; a Turn. It may rest at any call to a store, and be given up there."""

    def __init__(self, name: str, lane: Lane, first: int, last: int, container: Processor) -> None:
        self.name, self.lane, self.first, self.last = name, lane, first, last
        self.container = container
        self.zombie = False
        self.answer: Answer | None = None
        """None where the process died."""
        self.coroutine: Coroutine

    @property
    def records(self) -> Sequence[Record]:
        return self.lane.records[self.first : self.last]

    def pause(self) -> None:
        self.coroutine.pause()


class EventSourceMapping:
    """One consumer's mapping.

    Args:
        consumer: its name.
        container: makes a processor that knows nothing of the others.
        stream: what it reads.
        lanes: the parallelization factor.
        rng: decides everything.
        gate: counts and draws faults.
    """

    def __init__(
        self,
        consumer: str,
        container: Callable[[], Processor],
        stream: Stream,
        *,
        lanes: int,
        rng: Random,
        gate: Gate,
    ) -> None:
        self._consumer, self._container, self._stream = consumer, container, stream
        self._rng, self._gate = rng, gate
        self._lanes = lanes
        self._batch_size = rng.choice([2, 5, 20, 100])
        self._readers: dict[str, list[Lane]] = {}
        self._lanes_open: list[Lane] = []
        self._read: dict[str, int] = {}
        self._fetched = LOOK_AGAIN
        self._warm: list[Processor] = []
        self._invocations = 0

    def ready(self) -> list[Lane]:
        """Return the lanes that have records to send and nothing in flight."""
        self._fetch()
        return [
            lane
            for lane in self._lanes_open
            if lane.in_flight is None and lane.done < len(lane.records)
        ]

    def delivered(self) -> list[Lane]:
        """Return the lanes of which something could be sent again."""
        return [lane for lane in self._lanes_open if lane.done]

    def deliver(self, lane: Lane, now: int) -> Invocation:
        """Send the next batch of a lane."""
        last = lane.done + self._size(lane)
        if lane.last_failure and lane.last_failure[0] == lane.done:
            bisected = lane.next_size and last < lane.last_failure[1]
            if not bisected and last != lane.last_failure[1]:
                self._gate.count(Fault.REGROUPED)
        invocation = self._invoke(lane, lane.done, last, now)
        lane.in_flight = invocation
        siblings = next(lanes for lanes in self._readers.values() if lane in lanes)
        if sum(one.in_flight is not None for one in siblings) > 1:
            self._gate.count(Fault.PARALLEL)
        return invocation

    def redeliver(self, lane: Lane, now: int) -> Invocation:
        """Send a range again that was done long ago; nobody waits for the answer."""
        first = self._rng.randrange(lane.done)
        last = self._rng.randint(first + 1, lane.done)
        self._gate.count(Fault.REDELIVERED)
        return self._invoke(lane, first, last, now)

    def give_up(self, invocation: Invocation) -> None:
        """Hold an invocation for dead; it may yet go on, as a zombie."""
        invocation.zombie = True
        self._gate.count(Fault.TIMED_OUT)
        if invocation.lane.in_flight is invocation:
            self._failed(invocation)

    def finish(self, invocation: Invocation) -> None:
        """Take an invocation's answer."""
        self._fetched = LOOK_AGAIN  # a shard's children may be read once it is done with
        if invocation.answer is not None and not invocation.zombie:
            self._warm.append(invocation.container)
        if invocation.lane.in_flight is not invocation:
            return
        if invocation.answer is None:
            self._failed(invocation)
        elif failures := invocation.answer["batchItemFailures"]:
            self._failed(invocation, int(failures[0]["itemIdentifier"]))
        else:
            lane, lane.in_flight = invocation.lane, None
            lane.done, lane.next_size, lane.last_failure = invocation.last, 0, None

    def _failed(self, invocation: Invocation, at: int = -1) -> None:
        """Set the lane back to the failed record, or to the start of the batch."""
        lane = invocation.lane
        lane.in_flight = None
        lane.done += sum(int(one.position.sequence_number) < at for one in invocation.records)
        lane.last_failure = (lane.done, invocation.last)
        failed = invocation.last - lane.done
        lane.next_size = 0
        if failed > 1 and self._rng.random() < 0.5:
            self._gate.count(Fault.BISECTED)
            lane.next_size = failed // 2

    def _size(self, lane: Lane) -> int:
        most = min(lane.pending(), self._batch_size)
        if lane.next_size:
            return min(lane.next_size, lane.pending())
        return self._rng.choice([most, self._rng.randint(1, most)])

    def _invoke(self, lane: Lane, first: int, last: int, now: int) -> Invocation:
        container = self._warm.pop() if self._warm else self._container()
        self._invocations += 1
        name = f"{self._consumer}#{self._invocations} {lane.name}[{first}:{last}]"
        invocation = Invocation(name, lane, first, last, container)
        moment = datetime.fromtimestamp(now / 1000, UTC)
        invocation.coroutine = Coroutine(lambda: self._run(invocation, moment))
        return invocation

    def _run(self, invocation: Invocation, now: datetime) -> None:
        try:
            invocation.answer = self._handle(invocation, now)
        except Crash:
            invocation.answer = None

    def _handle(self, invocation: Invocation, now: datetime) -> Answer:
        """Do what `processors.handler` does, or report that only a part is done."""
        records = invocation.records
        done = 0
        try:
            if len(records) > 1 and self._gate.happens(self._gate.weather.partial_response):
                done = self._rng.randrange(1, len(records))
                invocation.container.run(records[:done], now=now)
                self._gate.count(Fault.PARTIAL_RESPONSE)
                if self._rng.random() < 0.5:
                    invocation.container.run(records[done:], now=now)
                return retry_from(records[done:])
            invocation.container.run(records, now=now)
        except RetryableError:
            return retry_from(records)
        return success()

    def _fetch(self) -> None:
        """Read what is new, of a child only once its parents are done with."""
        if self._fetched == self._stream.changes:
            return
        for shard in self._stream.shards:
            if self._read.get(shard.name) == len(shard.records):
                continue
            if all(self._drained(parent) for parent in shard.parents):
                if shard.name not in self._readers:
                    self._readers[shard.name] = self._open(shard)
                    self._lanes_open += self._readers[shard.name]
                    self._read[shard.name] = 0
                self._read_on(shard)
        self._fetched = self._stream.changes

    def _read_on(self, shard: Shard) -> None:
        for record in shard.records[self._read[shard.name] :]:
            lane = hash_key(record.partition_key) % self._lanes
            self._readers[shard.name][lane].records.append(record)
        self._read[shard.name] = len(shard.records)

    def _open(self, shard: Shard) -> list[Lane]:
        return [Lane(f"{shard.name[-2:]}.{number}") for number in range(self._lanes)]

    def _drained(self, shard: Shard) -> bool:
        lanes = self._readers.get(shard.name)
        return (
            shard.closed
            and lanes is not None
            and self._read[shard.name] == len(shard.records)
            and all(lane.in_flight is None and not lane.pending() for lane in lanes)
        )
