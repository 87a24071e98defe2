"""Erases records from the archive, while it is written, compacted and read.

Every step may be the last one: erasing again goes on.

1. Small objects are written anew in their places, one by one.
2. Compacted objects are written anew under other keys, and a manifest of the next edition names
   these. A compactor that has read what was to be erased has begun at an older manifest, and
   publishes nothing more; a compactor that has published meanwhile makes this begin again.
3. What the manifest does not name is deleted, small objects beside their copies among it.

An object keeps its name and the sequence numbers that it covers, so the chain is what it was.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from processors.archive.chain import Chain, StandingObject
from processors.archive.container import (
    BEGINNING,
    ERASED_KEY,
    Raw,
    decode_raw,
    encode_raw,
    erased_in,
    keeps_what_was_broken,
    last_sequence,
    losses,
    named,
)
from processors.archive.keys import erased_in as erased_edition
from processors.archive.keys import predecessor
from processors.archive.manifest import CompactedObject, Manifest
from processors.erasure.selection import Erased, Eraser
from runtime.errors import ConflictError, RetryableError

DELETED_AT_ONCE = 1000
ENOUGH_TIME_SECONDS = 60.0
"""No object is begun with less time left."""
QUARTER_MS = 900_000
"""Of an hour. No time zone's midnight lies within one."""

MOST_TURNS = 20
"""How often it begins again because a compactor was first. They come once an hour."""


@dataclass(slots=True)
class ErasedRecords:
    """What was found and erased."""

    records: int = 0
    events: int = 0
    objects: int = 0
    """That are written anew."""
    moments: set[int] = field(default_factory=set)
    """Quarters of hours in which records were received, and events occurred: epoch milliseconds."""

    def add(self, erased: Erased) -> None:
        """Count a record."""
        self.records += 1
        self.events += erased.events
        self.moments.update(moment - moment % QUARTER_MS for moment in erased.moments)

    def plus(self, other: "ErasedRecords") -> None:
        """Count what another has found."""
        self.records += other.records
        self.events += other.events
        self.objects += other.objects
        self.moments |= other.moments


class ArchiveEraser:
    """Erases records of an archive.

    Args:
        chain: of its shards.
        erase: says what is left of a record.
        remaining: how many seconds are left.
    """

    def __init__(
        self, chain: Chain, erase: Eraser, remaining: Callable[[], float] = lambda: math.inf
    ) -> None:
        self._chain, self._erase, self._remaining = chain, erase, remaining

    def find(self) -> ErasedRecords:
        """Return what would be erased, and change nothing.

        Raises:
            BrokenArchiveError: objects are missing or changed.
            RetryableError: the archive did not answer, or is compacted all the time.
        """
        total = ErasedRecords()
        for shard in self._chain.shards():
            total.plus(self._find(shard))
        return total

    def run(self) -> ErasedRecords:
        """Erase, in every shard; return what was erased.

        Raises:
            BrokenArchiveError: objects are missing or changed.
            RetryableError: the archive did not answer; running it again goes on.
        """
        total = ErasedRecords()
        for shard in self._chain.shards():
            total.plus(self._run(shard))
        return total

    def _find(self, shard: str) -> ErasedRecords:
        for _ in range(MOST_TURNS):
            found, manifest = ErasedRecords(), self._chain.manifests.newest(shard)
            try:
                for one in manifest.objects:
                    self._rewritten(shard, one.after, self._chain.compacted(manifest, one), found)
                for small in self._chain.standing(manifest, manifest.last):
                    with named(small.key):
                        self._rewritten(shard, small.after, small.content, found)
            except ConflictError:
                continue
            return found
        raise RetryableError(f"{shard} is compacted all the time: run it again")

    def _run(self, shard: str) -> ErasedRecords:
        total = ErasedRecords()
        for _ in range(MOST_TURNS):
            manifest, found = self._chain.manifests.newest(shard), ErasedRecords()
            try:
                for small in self._chain.standing(manifest, manifest.last):
                    self._replace(shard, small, total)
                objects = tuple(self._copied(manifest, one, found) for one in manifest.objects)
            except ConflictError:
                continue
            following = manifest.next_edition(objects)
            if self._chain.manifests.publish(following):
                self._delete(following)
                total.plus(found)
                return total
        raise RetryableError(f"{shard} is compacted all the time: run it again")

    def _replace(self, shard: str, small: StandingObject, total: ErasedRecords) -> None:
        """Write a small object anew in its place."""
        found = ErasedRecords()
        with named(small.key):
            content = self._rewritten(shard, small.after, small.content, found)
        if content is None:
            return
        if not self._chain.objects.replace(small.key, content, expected=small.content):
            raise ConflictError(f"{small.key} was changed by another")
        total.plus(found)

    def _copied(
        self, manifest: Manifest, one: CompactedObject, found: ErasedRecords
    ) -> CompactedObject:
        """Write a compacted object anew under another key; return what the manifest names."""
        before = self._chain.compacted(manifest, one)
        content = self._rewritten(manifest.shard, one.after, before, found)
        if content is None:
            return one
        digest = hashlib.sha256(content).hexdigest()
        kept = one.records - (erased_in(content) - erased_in(before))
        copied = CompactedObject(
            after=one.after,
            last=one.last,
            records=kept,
            bytes=len(content),
            sha256=digest,
            written_at=one.written_at,
            edition=erased_edition(manifest.edition + 1, digest),
        )
        # One that stands there is this one: its name says so.
        self._chain.objects.create(manifest.key_of(copied), content)
        return copied

    def _rewritten(
        self, shard: str, after: int, content: bytes, found: ErasedRecords
    ) -> bytes | None:
        """Return an object without what is erased; None: it stays as it is.

        Raises:
            RetryableError: there is no time left for it.
        """
        if self._remaining() < ENOUGH_TIME_SECONDS:
            raise RetryableError(f"{shard} is too much for the time: erasing again goes on")
        erased, kept, changed = erased_in(content), list[Raw](), keeps_what_was_broken(content)
        for raw in decode_raw(content):
            outcome = self._erase(raw["partition_key"], raw["data"], raw["arrived_at"])
            if outcome is None:
                kept.append(raw)
                continue
            changed = True
            found.add(outcome)
            if outcome.data is None:
                erased += 1
            else:
                kept.append({**raw, "data": outcome.data})
        if not changed:
            return None
        found.objects += 1
        more = {ERASED_KEY: str(erased)} if erased else {}
        last = last_sequence(content)
        return encode_raw(shard, after, last, kept, lost=losses(content), more=more)

    def _delete(self, manifest: Manifest) -> None:
        """Delete what counts for nothing any more."""
        for keys in _some(self._leftovers(manifest)):
            self._chain.objects.delete(keys)

    def _leftovers(self, manifest: Manifest) -> Iterable[str]:
        yield from list(self._chain.superseded(manifest))
        after = BEGINNING
        while page := self._chain.page(manifest.shard, after):
            gone = [key for key in page if predecessor(key) < manifest.pruned_through]
            yield from gone
            if len(gone) < len(page):
                return
            after = predecessor(page[-1]) + 1


def _some(keys: Iterable[str]) -> Iterator[list[str]]:
    left = iter(keys)
    while some := list(islice(left, DELETED_AT_ONCE)):
        yield some
