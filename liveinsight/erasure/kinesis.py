"""The stream on AWS and its consumers, as an erasure has to do with them."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from aggregates.stores.heads import HeadStore
from ingest.stream.reader import StreamReader
from liveinsight.erasure.stream import ErasableStream
from processors.erasure.selection import Selection
from runtime.errors import RetryableError
from runtime.objects.port import Objects
from runtime.sites.cache import LIFETIME

REQUEST_SECONDS = 1.0
"""A request that was judged by older settings is on the stream within so long."""
POLL_SECONDS = 5.0
PATIENCE_SECONDS = 900.0
"""The archive's batches wait for a minute, and may come again for some."""
SETTLED_AFTER_SECONDS = 90.0
"""After the archive has a record, the other consumers, whose batches wait for 10 s at most, have it
too. The drain comes once a minute."""


class KinesisStream(ErasableStream):
    """An ErasableStream. Kinesis changes no record: there they stay until their retention ends.

    Args:
        reader: of the stream.
        heads: say how far the archive is.
        buckets: whatever may have old versions.
        sleep: waits for some seconds.
    """

    def __init__(
        self,
        reader: StreamReader,
        heads: HeadStore,
        buckets: Mapping[str, Objects],
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._reader, self._heads, self._buckets = reader, heads, buckets
        self._sleep = sleep

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep nobody out: what two erasures do at once is what they do one after the other."""
        yield

    def find(self, selection: Selection) -> int:
        """Return how many records there are that the archive has not yet."""
        return sum(map(len, self._on_their_way(selection).values()))

    def erase(self, selection: Selection) -> int:  # noqa: ARG002 - see there
        """Erase nothing."""
        return 0

    def pass_by(self, selection: Selection) -> None:
        """Return once the archive has the records, and the other consumers as well."""
        waited = 0.0
        if not self._on_their_way(selection):
            return
        while self._on_their_way(selection):
            if waited > PATIENCE_SECONDS:
                raise RetryableError(
                    "the archive consumer does not come to records that are to be erased: see its"
                    " alarms, mend it, and run this again: it goes on"
                )
            self._sleep(POLL_SECONDS)
            waited += POLL_SECONDS
        self._sleep(SETTLED_AFTER_SECONDS)

    def until_known(self) -> None:
        """Wait until everybody knows the settings of a site as they are now."""
        self._sleep(LIFETIME.total_seconds() + REQUEST_SECONDS)

    def until_drained(self) -> None:
        """Wait as long as a drain that has begun may take to put what it has read on the stream."""
        self._sleep(SETTLED_AFTER_SECONDS)

    def forget(self, site_id: str) -> int:  # noqa: ARG002 - see there
        """Delete nothing: how far an import has come lies where it runs."""
        return 0

    def clean(self) -> int:
        """Delete the versions of objects that were replaced or deleted."""
        return sum(objects.purge("") for objects in self._buckets.values())

    def _on_their_way(self, selection: Selection) -> dict[str, list[int]]:
        """Return the records behind the archive that are to be erased, by shard."""
        heads, found = self._heads.heads(), dict[str, list[int]]()
        for shard in self._reader.shards():
            after = heads[shard].last if shard in heads else 0
            while records := self._reader.read(shard, after):
                for one in records:
                    if selection.erase(one.partition_key, one.data, one.arrived_at):
                        found.setdefault(shard, []).append(one.sequence_number)
                after = records[-1].sequence_number
        return found
