"""A replay: records of the stream or the archive counted into the rollups that count.

What is counted is recognised, because records keep their first position: a replay of what was
counted changes nothing. It fills in what is missing behind everything that was counted: a consumer
that was switched off and lost its place. A record that is missing before others that are counted is
taken for one of them: that is for a rebuild.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from ingest.stream.reader import StreamReader, StreamRecord
from liveinsight.replay.share import in_order, record_of
from processors.archive.container import ArchivedRecord
from processors.archive.store import ArchiveStore
from processors.stats.processor import StatsOutcome, StatsProcessor
from runtime.patience import patiently

BATCH = 2000
"""Records that are counted at once."""

Found = ArchivedRecord | StreamRecord


@dataclass(slots=True)
class ReplayReport:
    """What a replay came to."""

    records: int = 0
    """That it read."""
    missing: int = 0
    """Of these, that were in no rollup; now they are."""
    missing_events: int = 0
    poison: int = 0
    """That cannot be counted. They are dead letters."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From a moment until before another."""

    start: datetime
    end: datetime

    def has(self, record: Found) -> bool:
        """Say whether a record arrived within."""
        return self.start.timestamp() * 1000 <= record.arrived_at < self.end.timestamp() * 1000


def from_archive(archive: ArchiveStore, interval: Interval) -> Iterator[Found]:
    """Yield what the archive has of an interval, in the order of arrival."""
    tails = {shard: archive.tail(shard) for shard in archive.shards()}
    return filter(interval.has, in_order(archive, {}, tails))


def from_stream(stream: StreamReader, interval: Interval) -> Iterator[Found]:
    """Yield what the stream has of an interval, each shard in its order."""
    for shard in stream.shards():
        found = stream.since(shard, interval.start)
        while found:
            yield from filter(interval.has, found)
            last = found[-1]
            ended = last.arrived_at >= interval.end.timestamp() * 1000
            found = [] if ended else stream.read(shard, last.sequence_number)


def replay(
    records: Iterable[Found],
    sites: Iterable[str],
    processor: Callable[[], StatsProcessor],
    gate: Callable[[], AbstractContextManager[None]],
    clock: Callable[[], datetime],
    report: Callable[[int], object] = lambda _: None,
) -> ReplayReport:
    """Count records into what counts.

    Args:
        records: in order of each partition.
        sites: whose records are counted.
        processor: makes one, which remembers nothing of what others may have written.
        gate: held while a batch is counted.
        clock: what the time is.
        report: takes how many records have been read.

    Raises:
        RetryableError: a store does not answer; replaying again is safe.
    """
    wanted, done = frozenset(sites), ReplayReport()
    ours = (one for one in records if one.partition_key.rpartition("/")[0] in wanted)
    while some := list(islice(ours, BATCH)):
        with gate():
            outcomes: list[StatsOutcome] = []
            counting = processor()
            patiently(partial(_count, counting, some, clock, outcomes))
        done.records += len(some)
        done.missing += counting.added.records
        done.missing_events += counting.added.events
        done.poison += sum(outcome.records_poisoned for outcome in outcomes)
        report(done.records)
    return done


def _count(
    processor: StatsProcessor,
    found: Iterable[Found],
    clock: Callable[[], datetime],
    outcomes: list[StatsOutcome],
) -> None:
    records = list(map(record_of, found))
    outcomes.append(processor.run(records, now=clock()))
