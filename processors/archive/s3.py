"""The raw archive in S3: the same objects, byte for byte, as in the folder of the file adapter."""

from collections.abc import Iterator, Sequence

from liveinsight.runtime.errors import RetryableError
from liveinsight.runtime.s3 import Bucket
from processors.archive.store import (
    BEGINNING,
    ArchivedRecord,
    decode_object,
    encode_object,
    last_sequence,
    object_name,
    predecessor,
)

ROOT = "records/"


class S3ArchiveStore:
    """An ArchiveStore in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._tails: dict[str, int] = {}

    def tail(self, shard: str) -> int:
        """Return the last archived sequence number of a shard, or BEGINNING."""
        if shard not in self._tails:
            newest = self._newest(shard)
            self._tails[shard] = BEGINNING if newest is None else self._last_of(newest)
        return self._tails[shard]

    def append(self, shard: str, after: int, records: Sequence[ArchivedRecord]) -> int:
        """Write the object that follows `after`, unless one stands there already."""
        key = ROOT + object_name(shard, after)
        content = encode_object(shard, after, records)
        created = self._bucket.create(key, content)
        self._tails[shard] = last_sequence(content) if created else self._last_of(key)
        return self._tails[shard]

    def shards(self) -> list[str]:
        """Return the shards that have objects."""
        return self._bucket.folders(ROOT)

    def records(self, shard: str) -> Iterator[ArchivedRecord]:
        """Return a shard's records in order."""
        after = BEGINNING
        while (standing := self._bucket.read(ROOT + object_name(shard, after))) is not None:
            yield from decode_object(standing)
            after = last_sequence(standing)

    def _last_of(self, key: str) -> int:
        standing = self._bucket.read(key)
        if standing is None:
            raise RetryableError(f"{key} stood in the archive a moment ago")
        return last_sequence(standing)

    def _newest(self, shard: str) -> str | None:
        """Return the last key of a shard, with few requests however many objects there are.

        S3 lists from the front only. So each round reads the page behind the newest key known, and
        jumps ahead: twice as far after a jump that found something, half as far after one that did
        not.
        """
        page = self._page(shard, BEGINNING - 1)
        if len(page) < self._bucket.page:
            return page[-1] if page else None
        newest = page[-1]
        # The first object follows 0, far below every sequence number: its step says nothing.
        step = predecessor(newest) - predecessor(page[1])
        while page := self._page(shard, predecessor(newest)):
            newest = page[-1]
            if len(page) < self._bucket.page:
                break
            ahead = self._page(shard, predecessor(newest) + step)
            newest = ahead[-1] if ahead else newest
            step = step * 2 if ahead else step // 2
        return newest

    def _page(self, shard: str, after: int) -> list[str]:
        start = ROOT + object_name(shard, after) if after >= BEGINNING else ""
        return self._bucket.keys(f"{ROOT}{shard}/", after=start)
