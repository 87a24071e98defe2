"""What waits in the embedded stream: the log's own ends against the consumers' positions."""

from collections.abc import Iterator
from datetime import UTC, datetime

from aggregates.stores.sqlite import tables
from api.reconciliation.evidence import Break, Waiting
from ingest.stream.sqlite import Behind, SqliteEventLog
from liveinsight.engine.positions import ARCHIVE, CONSUMERS, Positions
from liveinsight.evidence.port import UnarchivedRecord
from runtime.errors import RetryableError
from runtime.settings import EmbeddedSettings
from runtime.sqlite import has_content

MOST_COUNTED = 20_000
"""Records behind a position that are looked at for what is missing among them."""
PAGE = 1000


class EmbeddedBacklog:
    """A Backlog of a data folder, whose engine may run or not."""

    def __init__(self, settings: EmbeddedSettings) -> None:
        self._settings = settings
        self._log = SqliteEventLog(settings.stream_path, lambda: datetime.now(UTC))
        self._known: Positions | None = None

    def waiting(self) -> list[Waiting]:
        """Return what waits for each consumer."""
        try:
            return self._waiting()
        except RetryableError:
            self._known = None  # the tables may be others now
            raise

    def _waiting(self) -> list[Waiting]:
        positions, shards = self._positions(), self._shards()
        found = []
        for consumer in CONSUMERS:
            parts = [self._behind(positions, consumer, shard) for shard in shards]
            found.append(
                Waiting(
                    where=consumer,
                    count=sum(part.records for part in parts),
                    oldest_at=min((part.oldest_at for part in parts if part.oldest_at), default=0),
                    moved_at=positions.moved_at(consumer) * 1000,
                )
            )
        return found

    def missing(self) -> list[Break]:
        """Return what is gone from the log before a consumer had read it."""
        positions, shards = self._positions(), self._shards()
        gone = {
            (consumer, shard): self._behind(positions, consumer, shard).missing
            for consumer in CONSUMERS
            for shard in shards
        }
        return [
            Break(
                f"{count:,} records are gone that the {consumer} consumer has not read",
                f"stream, {shard}",
            )
            for (consumer, shard), count in gone.items()
            if count
        ]

    def unarchived(self) -> Iterator[UnarchivedRecord]:
        """Return the records that wait for the archive consumer."""
        positions = self._positions()
        for shard in self._shards():
            after = positions.get(ARCHIVE, shard)
            while page := self._log.read(shard, after=after, limit=PAGE):
                for one in page:
                    yield UnarchivedRecord(one.partition_key, one.data)
                after = page[-1].sequence_number

    def _behind(self, positions: Positions, consumer: str, shard: str) -> Behind:
        return self._log.behind(shard, positions.get(consumer, shard), MOST_COUNTED)

    def _shards(self) -> list[str]:
        """Return the shards; none where there is no log."""
        return self._log.shards() if has_content(self._settings.stream_path) else []

    def _positions(self) -> Positions:
        if self._known is None:
            self._known = Positions(tables(self._settings.tables_path))
        return self._known
