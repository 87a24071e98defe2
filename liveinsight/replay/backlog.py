"""What waits in a stream for the archive, as the archive's own end tells: no function is asked."""

from collections.abc import Iterator

from aggregates.stores.heads import HeadStore
from api.reconciliation.evidence import Break, Waiting
from ingest.stream.reader import StreamReader, StreamRecord
from liveinsight.evidence.port import UnarchivedRecord

MOST_READ = 10_000
"""Records of a shard. Where more wait, so many are said."""


class ArchiveBacklog:
    """A Backlog of the archive consumer alone, read from the stream behind what is archived.

    How far the other consumers have come, only Lambda knows; what they have not counted, the
    ledgers say.
    """

    def __init__(self, stream: StreamReader, heads: HeadStore) -> None:
        self._stream, self._heads = stream, heads

    def look(self) -> tuple[list[Waiting], list[Break]]:
        """Return what waits for the archive consumer. Kinesis' numbers have gaps by nature."""
        known = self._heads.heads()
        count, oldest_at = 0, 0
        for shard in self._stream.shards():
            head = known.get(shard)
            for one in self._behind(shard, head.last if head else 0):
                count += 1
                oldest_at = min(oldest_at or one.arrived_at, one.arrived_at)
        return [Waiting("archive", count, oldest_at)], []

    def unarchived(self) -> Iterator[UnarchivedRecord]:
        """Return nothing: what is in the records is compared with no count of the collector's."""
        return iter(())

    def _behind(self, shard: str, after: int) -> Iterator[StreamRecord]:
        read = 0
        while read < MOST_READ and (page := self._stream.read(shard, after)):
            yield from page
            read += len(page)
            after = page[-1].sequence_number
