"""The chain of a shard: the compacted objects of its manifest, then small ones.

Each small one is named by the last record of the one before.

Nothing here trusts a small object that it has read before it has looked at the manifest again: see
processors/archive/manifest.py.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from processors.archive.container import (
    BrokenArchiveError,
    Raw,
    decode_raw,
    erased_in,
    last_sequence,
    losses,
    named,
)
from processors.archive.keys import (
    COMPACTED,
    MANIFESTS,
    RECORDS,
    below,
    is_ours,
    is_record_key,
    is_superseded,
    predecessor,
    record_key,
)
from processors.archive.manifest import CompactedObject, Manifest, Manifests, listed
from runtime.errors import ConflictError, RetryableError
from runtime.objects.port import Objects

READ_AHEAD = 64
"""Small objects read before the manifest is looked at again: one request more for so many."""


class MissingObjectError(BrokenArchiveError):
    """A small object in the middle is gone.

    Attributes:
        after: the sequence number that it followed.
        key: of the object behind it.
    """

    def __init__(self, after: int, key: str) -> None:
        super().__init__(
            f"{key} stands, but nothing between it and {after}: put what is gone back from a"
            " backup, or go on without it by 'liveinsight archive mend'"
        )
        self.after, self.key = after, key


@dataclass(frozen=True, slots=True)
class StandingObject:
    """A small object of the chain, and the sequence numbers before and at its end."""

    key: str
    after: int
    last: int
    content: bytes


def in_place(content: bytes, after: int, last: int) -> Iterator[Raw]:
    """Return the records of an object that holds those behind `after` up to `last`.

    Raises:
        BrokenArchiveError: they are not in order, or it has others, or not its last one, which is
            not lost either.
    """
    previous = after
    for raw in decode_raw(content):
        number = int(raw["sequence_number"])
        if not previous < number <= last:
            raise BrokenArchiveError(f"{raw['shard']}: record {number} is out of its place")
        previous = number
        yield raw
    if previous != last and not _may_lack(content, last):
        raise BrokenArchiveError(f"the object that follows {after} has no record {last}")


def _may_lack(content: bytes, last: int) -> bool:
    """Say whether the last record of an object is lost, or may have been erased."""
    return last in {one.last for one in losses(content)} or erased_in(content) > 0


def whole(key: str, content: bytes) -> int:
    """Return the last sequence number of a small object, all of which is read.

    Raises:
        BrokenObjectError: it is not as it was written.
    """
    with named(key):
        last = last_sequence(content)
        for _ in in_place(content, predecessor(key), last):
            pass
    return last


class Chain:
    """Reads the objects of all shards."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.manifests = Manifests(objects)

    def shards(self) -> list[str]:
        """Return the shards that have objects. A shard's newest objects are never compacted."""
        return self.objects.folders(RECORDS)

    def compacted(self, manifest: Manifest, one: CompactedObject) -> bytes:
        """Return a compacted object.

        Raises:
            BrokenArchiveError: it is missing, or not what the manifest says.
            ConflictError: so it is because there is a newer manifest.
        """
        key = manifest.key_of(one)
        content = self.objects.read(key)
        if content is None:
            self._check(manifest)
        if content is None:
            raise BrokenArchiveError(f"{key} is missing: put it back from a backup")
        if hashlib.sha256(content).hexdigest() != one.sha256:
            raise BrokenArchiveError(f"{key} has been changed: put it back from a backup")
        return content

    def standing(self, manifest: Manifest, after: int) -> Iterator[StandingObject]:
        """Return the small objects behind `after`, which nothing may have been pruned behind.

        Raises:
            ConflictError: there is a newer manifest. What was returned is right; go on with it.
            BrokenArchiveError: an object is missing.
        """
        keys, again = self._keys(manifest.shard, after), False
        while ahead := list(islice(keys, READ_AHEAD)):
            linked = list(self._linked(ahead, after))
            self._check(manifest)
            yield from linked
            if len(linked) == len(ahead):
                after, again = linked[-1].last, False
                continue
            if again and not linked:
                raise MissingObjectError(after, ahead[0])
            # A listing is not of one moment: it may show an object, but not the one before, which
            # was created while it went on. The next listing does.
            after, again = linked[-1].last if linked else after, not linked
            keys = self._keys(manifest.shard, after)
        self._check(manifest)

    def tail(self, manifest: Manifest) -> int:
        """Return the last sequence number of a shard.

        Raises:
            ConflictError: there is a newer manifest.
            BrokenObjectError: the newest object cannot be read.
        """
        newest = self._newest(manifest)
        content = self.objects.read(newest) if newest else None
        self._check(manifest)
        if newest is None:
            return manifest.last
        if content is None:
            raise RetryableError(f"{newest} stood in the archive a moment ago")
        return whole(newest, content)

    def page(self, shard: str, after: int) -> list[str]:
        """Return the first keys of small objects from the one that follows `after` on.

        They are `objects.page` in number, unless there are no more.
        """
        return list(islice(self._keys(shard, after), self.objects.page))

    def strays(self, shard: str) -> Iterator[str]:
        """Return the keys beside a shard's objects that are none of the archive's."""
        for kind in (RECORDS, COMPACTED, MANIFESTS):
            yield from (key for key in listed(self.objects, f"{kind}{shard}/") if not is_ours(key))

    def superseded(self, manifest: Manifest) -> Iterator[str]:
        """Return the keys of compacted objects that no manifest names, or will name any more.

        Who has begun before an erasure may have made one just now.
        """
        named_now = {manifest.key_of(one) for one in manifest.objects}
        for key in listed(self.objects, f"{COMPACTED}{manifest.shard}/"):
            if key not in named_now and is_superseded(key, manifest.edition):
                yield key

    def _check(self, manifest: Manifest) -> None:
        if self.manifests.latest(manifest) is not manifest:
            raise ConflictError(f"{manifest.shard} has a newer manifest than {manifest.number}")

    def _keys(self, shard: str, after: int) -> Iterator[str]:
        keys = listed(self.objects, f"{RECORDS}{shard}/", after=below(record_key(shard, after)))
        return filter(is_record_key, keys)

    def _linked(self, keys: Sequence[str], after: int) -> Iterator[StandingObject]:
        """Return objects as long as each follows the one before."""
        for key, content in zip(keys, self.objects.read_many(keys), strict=True):
            if content is None or predecessor(key) != after:
                return
            with named(key):
                last = last_sequence(content)
            yield StandingObject(key, after, last, content)
            after = last

    def _newest(self, manifest: Manifest) -> str | None:
        """Return the last key of a shard, with few requests however many objects there are.

        S3 lists from the front only. So each round reads the page behind the newest key known, and
        jumps ahead: twice as far after a jump that found something, half as far after one that did
        not.
        """
        shard = manifest.shard
        page = self.page(shard, manifest.last)
        if len(page) < self.objects.page:
            return page[-1] if page else None
        newest = page[-1]
        # The first object may follow 0, far below every sequence number: its step says nothing.
        step = predecessor(newest) - predecessor(page[1])
        while page := self.page(shard, predecessor(newest) + 1):
            newest = page[-1]
            if len(page) < self.objects.page:
                break
            ahead = self.page(shard, predecessor(newest) + step)
            newest = ahead[-1] if ahead else newest
            step = step * 2 if ahead else step // 2
        return newest
