"""The raw archive: every record verbatim, in objects that tile each shard's sequence space.

A small object is named by its predecessor, `<shard>/after=<sequence number>.avro`, and is created
only if nothing stands there. So two writers of one shard never write the same record into two
objects, and no record between two objects is missing. The compactor merges runs of them, and
deletes them when their copy has been standing for a while.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from processors.archive.chain import Chain
from processors.archive.container import (
    BEGINNING,
    ArchivedRecord,
    decode_object,
    encode_object,
    last_sequence,
)
from processors.archive.keys import record_key
from processors.archive.manifest import Manifest
from runtime.errors import ConflictError, RetryableError
from runtime.objects.port import Objects

__all__ = [
    "BEGINNING",
    "ArchivedRecord",
    "decode_object",
    "encode_object",
    "last_sequence",
    "ArchiveStore",
    "ObjectArchiveStore",
]


class ArchiveStore(Protocol):
    """Keeps records for ever."""

    def tail(self, shard: str) -> int:
        """Return up to where a shard is archived at least: a sequence number, or BEGINNING."""

    def append(self, shard: str, after: int, records: Sequence[ArchivedRecord]) -> int:
        """Write the object that follows `after`, unless one stands there already.

        Returns:
            The sequence number up to which everything is archived now: the last one of the object
            that stands there, or a later one.

        Raises:
            RetryableError: it was not written, or may not have been; appending again is safe.
        """

    def shards(self) -> list[str]:
        """Return the shards that have objects."""

    def records(self, shard: str, after: int = BEGINNING) -> Iterator[ArchivedRecord]:
        """Return a shard's records behind a sequence number, in order."""


class ObjectArchiveStore:
    """An ArchiveStore of objects, wherever they stand."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._chain = Chain(objects)
        self._tails: dict[str, int] = {}
        self._manifests: dict[str, Manifest] = {}

    def tail(self, shard: str) -> int:
        """Return up to where a shard is archived at least: a sequence number, or BEGINNING.

        Others may have appended since it was read: `append` finds out.
        """
        while shard not in self._tails:
            try:
                self._tails[shard] = self._chain.tail(self._manifest(shard))
            except ConflictError:
                continue
        return self._tails[shard]

    def append(self, shard: str, after: int, records: Sequence[ArchivedRecord]) -> int:
        """Write the object that follows `after`, unless one stands there already.

        A writer that was frozen for long may create, or find, a stray: an object of a name whose
        first object has been deleted. Nobody reads it. So the records behind the manifest's last
        one are not archived yet, and the caller appends them there.
        """
        key, content = record_key(shard, after), encode_object(shard, after, records)
        created = self._objects.create(key, content)
        standing = content if created else self._objects.read(key)
        manifest = self._manifest(shard)
        if after < manifest.pruned_through:
            self._tails[shard] = manifest.last
        elif standing is None:
            raise RetryableError(f"{key} stood in the archive a moment ago")
        else:
            self._tails[shard] = last_sequence(standing)
        return self._tails[shard]

    def shards(self) -> list[str]:
        """Return the shards that have objects."""
        return self._chain.shards()

    def records(self, shard: str, after: int = BEGINNING) -> Iterator[ArchivedRecord]:
        """Return a shard's records behind a sequence number, in order.

        Whatever is compacted and pruned meanwhile.

        Raises:
            BrokenArchiveError: objects are missing or changed.
        """
        end, ended = BEGINNING, False  # the end of an object, which `after` need not be
        while not ended:
            try:
                for content in self._contents(self._manifest(shard), after, end):
                    end = last_sequence(content)
                    if end <= after:
                        continue
                    for record in decode_object(content):
                        if record.sequence_number > after:
                            yield record
                    after = end
                ended = True
            except ConflictError:
                continue

    def _contents(self, manifest: Manifest, after: int, end: int) -> Iterator[bytes]:
        for one in manifest.objects:
            if one.last > after:
                yield self._chain.compacted(manifest, one)
        for small in self._chain.standing(manifest, max(end, manifest.last)):
            yield small.content

    def _manifest(self, shard: str) -> Manifest:
        known = self._manifests.get(shard)
        manifests = self._chain.manifests
        self._manifests[shard] = manifests.latest(known) if known else manifests.newest(shard)
        return self._manifests[shard]
