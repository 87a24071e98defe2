"""What waits in the embedded stream: the log's own ends against the consumers' positions."""

from collections.abc import Iterable, Iterator, Mapping
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

    def look(self) -> tuple[list[Waiting], list[Break]]:
        """Return what waits for each consumer, and what is gone before it was read."""
        try:
            positions, shards = self._positions(), self._shards()
            parts = {
                consumer: {shard: self._behind(positions, consumer, shard) for shard in shards}
                for consumer in CONSUMERS
            }
            moved_at = {consumer: positions.moved_at(consumer) for consumer in CONSUMERS}
        except RetryableError:
            self._known = None  # the tables may be others now
            raise
        waiting = [
            _waiting(consumer, found.values(), moved_at[consumer])
            for consumer, found in parts.items()
        ]
        return waiting, [
            gone for consumer, found in parts.items() for gone in _gone(consumer, found)
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


def _waiting(consumer: str, parts: Iterable[Behind], moved_at: int) -> Waiting:
    found = list(parts)
    return Waiting(
        where=consumer,
        count=sum(part.records for part in found),
        oldest_at=min((part.oldest_at for part in found if part.oldest_at), default=0),
        moved_at=moved_at * 1000,
    )


def _gone(consumer: str, parts: Mapping[str, Behind]) -> Iterator[Break]:
    for shard, part in parts.items():
        if part.missing:
            yield Break(
                f"{part.missing:,} records are gone that the {consumer} consumer has not read",
                f"stream, {shard}",
            )
