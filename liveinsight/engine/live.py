"""The stats consumer of the embedded engine, as a rebuild sees it from another process."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime

from aggregates.stores.sqlite import tables
from ingest.stream.sqlite import SqliteEventLog
from liveinsight.engine.gate import Gate
from liveinsight.engine.positions import STATS, Positions
from runtime.settings import EmbeddedSettings


class EmbeddedConsumer:
    """A LiveConsumer; it need not be running."""

    def __init__(self, settings: EmbeddedSettings) -> None:
        self._gate = Gate(settings)
        self._log = SqliteEventLog(settings.stream_path, lambda: datetime.now(UTC))
        self._positions = Positions(tables(settings.tables_path))

    def positions(self) -> dict[str, int]:
        """Return how far it has come on each shard."""
        return {shard: self._positions.get(STATS, shard) for shard in self._log.shards()}

    def paused(self) -> AbstractContextManager[None]:
        """Keep it from counting while the block runs."""
        return self._gate.turning()
