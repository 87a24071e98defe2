"""The raw archive: every record verbatim, in objects that tile each shard's sequence space.

A small object is named by its predecessor, `<shard>/after=<sequence number>.avro`, and is created
only if nothing stands there. So two writers of one shard never write the same record into two
objects, and no record between two objects is missing. The compactor merges runs of them, and
deletes them when their copy has been standing for a while.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

from aggregates.stores.heads import Head, HeadKey, HeadStore, LostObjects, WrittenObject
from aggregates.stores.ports import Versioned
from processors.archive.chain import Chain, whole
from processors.archive.container import (
    BEGINNING,
    ArchivedRecord,
    BrokenObjectError,
    decode_object,
    encode_lost,
    encode_object,
    last_sequence,
    named,
)
from processors.archive.keys import predecessor, record_key
from processors.archive.manifest import Manifest
from processors.commit import commit
from runtime.errors import ConflictError, RetryableError
from runtime.objects.port import Objects
from schemas.event import UndecodableError, decode_batch

LOGGER = logging.getLogger(__name__)

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

    def append(
        self, shard: str, after: int, records: Sequence[ArchivedRecord], events: int = 0
    ) -> int:
        """Write the object that follows `after`, unless one stands there already.

        Args:
            shard: of which.
            after: the sequence number before it.
            records: what it holds.
            events: how many events are in them.

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
    """An ArchiveStore of objects, wherever they stand.

    Args:
        objects: which.
        heads: remembers where shards end. Who only reads needs none.
    """

    def __init__(self, objects: Objects, heads: HeadStore | None = None) -> None:
        self._objects = objects
        self._heads = heads
        self._chain = Chain(objects)
        self._tails: dict[str, int] = {}
        self._manifests: dict[str, Manifest] = {}

    def tail(self, shard: str) -> int:
        """Return up to where a shard is archived at least: a sequence number, or BEGINNING.

        Others may have appended since it was read: `append` finds out. Where the newest object is
        gone, or broken, one that says so takes its place: the archive goes on behind it.
        """
        while shard not in self._tails:
            try:
                self._tails[shard] = self._mended(shard)
            except ConflictError:
                continue
        return self._tails[shard]

    def append(
        self, shard: str, after: int, records: Sequence[ArchivedRecord], events: int = 0
    ) -> int:
        """Write the object that follows `after`, unless one stands there already.

        A writer that was frozen for long may create, or find, a stray: an object of a name whose
        first object has been deleted. Nobody reads it. So the records behind the manifest's last
        one are not archived yet, and the caller appends them there.
        """
        key = record_key(shard, after)
        created, last = self._put(key, shard, after, records)
        manifest = self._manifest(shard)
        if after < manifest.pruned_through:
            self._tails[shard] = manifest.last
        elif last is None:
            raise RetryableError(f"{key} stood in the archive a moment ago")
        else:
            if self._heads is not None:
                counted = (len(records), events) if created else self._counts(key)
                written = WrittenObject(after, last, *counted)
                # After the object stands, so that the head is never ahead of it.
                self._move(self._heads, shard, lambda head: head.moved(written))
            self._tails[shard] = last
        return self._tails[shard]

    def _put(
        self, key: str, shard: str, after: int, records: Sequence[ArchivedRecord]
    ) -> tuple[bool, int | None]:
        """Write an object, and return whether it is this one, and where the one that stands ends.

        What stands there and is broken was never done: else the chain would end behind it
        (`_mended`). It is kept within the object that takes its place.
        """
        content = encode_object(shard, after, records)
        if self._objects.create(key, content):
            return True, records[-1].sequence_number
        standing = self._objects.read(key)
        if standing is None:
            return False, None
        try:
            return False, whole(key, standing)
        except BrokenObjectError as error:
            LOGGER.error("archive_broken: %s", error)  # noqa: TRY400 - the message says it all
        unknown = LostObjects(after, after, None, None)
        kept = partial(encode_object, shard, after, records, unknown)
        if not self._replaced(key, broken=key, by=kept):
            raise ConflictError(f"{key} was written by another")
        return True, records[-1].sequence_number

    def _counts(self, key: str) -> tuple[int, int]:
        """Return how many records and events an object has."""
        content = self._objects.read(key)
        found = [] if content is None else list(decode_object(content))
        return len(found), sum(events_in(record.data) for record in found)

    def _move(self, heads: HeadStore, shard: str, change: Callable[[Head], Head]) -> None:
        """Change the head of a shard."""

        def changed(
            key: HeadKey, change: Callable[[Head], Head], seen: Mapping[HeadKey, Versioned[Head]]
        ) -> dict[HeadKey, Versioned[Head]]:
            known = seen[key]
            head = change(known.value)
            return {} if head is known.value else {key: Versioned(head, known.version)}

        commit(heads, {HeadKey(shard): change}, lambda key, _: [key], changed)

    def _mended(self, shard: str) -> int:
        """Return where the chain of a shard ends, once it ends where it is remembered to.

        Raises:
            ConflictError: another writer, or a compactor, was first.
        """
        broken = ""
        try:
            after = self._chain.tail(self._manifest(shard))
        except BrokenObjectError as error:
            if self._heads is None:
                raise
            broken = error.key
            after = predecessor(broken)
        if self._heads is None:
            return after
        lost = self._heads.load([HeadKey(shard)])[HeadKey(shard)].value.beyond(after)
        if lost is None:
            return after  # what is broken was never done, and its batch comes again: `append`
        key = record_key(shard, after)
        LOGGER.error("archive_lost %s: %s", key, lost)
        self._move(self._heads, shard, lambda head: head.without(lost))
        if not self._replaced(key, broken=broken, by=partial(encode_lost, shard, lost)):
            raise ConflictError(f"{key} was written by another")
        return lost.last

    def _replaced(self, key: str, *, broken: str, by: Callable[[bytes | None], bytes]) -> bool:
        """Create an object that keeps what stood in its place, and was none.

        Returns:
            Whether it stands now: another writer may have been first.
        """
        content = self._objects.read(key) if broken else None
        if broken:
            self._objects.delete([key])
        return self._objects.create(key, by(content))

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
                for key, content in self._contents(self._manifest(shard), after, end):
                    with named(key):
                        end = last_sequence(content)
                        for record in decode_object(content) if end > after else ():
                            if record.sequence_number > after:
                                yield record
                        after = max(after, end)
                ended = True
            except ConflictError:
                continue

    def _contents(self, manifest: Manifest, after: int, end: int) -> Iterator[tuple[str, bytes]]:
        for one in manifest.objects:
            if one.last > after:
                yield manifest.key_of(one), self._chain.compacted(manifest, one)
        for small in self._chain.standing(manifest, max(end, manifest.last)):
            yield small.key, small.content

    def _manifest(self, shard: str) -> Manifest:
        known = self._manifests.get(shard)
        manifests = self._chain.manifests
        self._manifests[shard] = manifests.latest(known) if known else manifests.newest(shard)
        return self._manifests[shard]


def events_in(data: bytes) -> int:
    """Return how many events a record holds; none where it cannot be decoded."""
    try:
        return len(decode_batch(data).events)
    except UndecodableError:
        return 0
