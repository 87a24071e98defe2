"""Counts for a generation what lies behind a place: from the archive, and then from the stream."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from aggregates.progress import Position, moved
from ingest.stream.reader import StreamReader, StreamRecord
from liveinsight.replay.plan import Positions
from liveinsight.replay.share import in_order, record_of
from processors.archive.container import BEGINNING, ArchivedRecord
from processors.archive.store import ArchiveStore
from processors.record import Record
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.patience import patiently
from runtime.sites.cache import KnownSites
from runtime.sites.site import Site, SiteStore

BATCH = 2000
"""Records that are counted at once."""


@dataclass(frozen=True, slots=True)
class RebuildStores:
    """What a rebuild reads and writes."""

    sites: SiteStore
    stats: StatsStores
    archive: ArchiveStore
    stream: StreamReader


def catch_up(
    stores: RebuildStores,
    sites: Mapping[str, Site],
    after: Positions,
    through: Positions | None,
    clock: Callable[[], datetime],
    tell: Callable[[dict[str, int], int], object] = lambda *_: None,
) -> dict[str, int]:
    """Count for some sites what lies behind a place on each shard.

    Args:
        stores: what is read and written.
        sites: as they are counted.
        after: what is in already; a shard that it does not name has nothing in.
        through: up to where; None: up to the ends.
        clock: what the time is.
        tell: takes what is in, and how many records more than before, as often as it grows.

    Returns:
        What is in then.
    """
    done = 0
    processor = StatsProcessor(KnownSites(sites), stores.stats)
    reached = dict(after)
    for records in _batches(_behind(stores, reached, through)):
        ours = [one for one in records if one.partition_key.rpartition("/")[0] in sites]
        _count(processor, list(map(record_of, ours)), clock)
        reached = moved(reached, (Position(one.shard, one.sequence_number) for one in records))
        done += len(records)
        tell(reached, done)
    return reached


def oldest_behind(stores: RebuildStores, after: Positions) -> datetime | None:
    """Return when the first record behind a place on each shard arrived; None: there is none."""
    archive, stream = stores.archive, stores.stream
    first: list[ArchivedRecord | StreamRecord | None] = [
        next(archive.records(shard, at), None) for shard, at in after.items()
    ]
    first += [
        next(iter(stream.read(shard, after.get(shard, BEGINNING))), None)
        for shard in stream.shards()
    ]
    arrivals = [record.arrived_at for record in first if record is not None]
    return datetime.fromtimestamp(min(arrivals) / 1000, UTC) if arrivals else None


def _behind(
    stores: RebuildStores, after: Positions, through: Positions | None
) -> Iterator[ArchivedRecord | StreamRecord]:
    """Yield what lies behind a place: what the archive has, then the rest from the stream."""
    archive, stream = stores.archive, stores.stream
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


def _count(
    processor: StatsProcessor, records: Sequence[Record], clock: Callable[[], datetime]
) -> None:
    if records:
        patiently(lambda: processor.run(records, now=clock()))


def _batches(
    records: Iterator[ArchivedRecord | StreamRecord],
) -> Iterator[list[ArchivedRecord | StreamRecord]]:
    while some := list(islice(records, BATCH)):
        yield some
