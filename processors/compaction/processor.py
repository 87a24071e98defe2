"""Merges the small objects of the archive, and deletes them when their copy has stood for a while.

Every step may be the last one, and other compactors may be at work: a copy counts when a manifest
names it, an object is deleted when a manifest has said that it counts for nothing, and each
manifest is created once. docs/decisions/0015-archive-compaction.md argues why no record is lost or
read twice.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, zip_longest

from processors.archive.chain import Chain, StandingObject, in_place
from processors.archive.container import (
    BEGINNING,
    ERASED_KEY,
    BrokenArchiveError,
    Raw,
    decode_raw,
    encode_raw,
    erased_in,
    losses,
    named,
)
from processors.archive.keys import compacted_in, compacted_key, predecessor
from processors.archive.manifest import CompactedObject, Manifest
from processors.compaction.plan import Rules, Run, closed_runs
from runtime.errors import ConflictError, RetryableError

GRACE = timedelta(days=7)
"""How long small objects stay beside their copy. Nothing depends on it but the chance to compare
the two, and to go back; it is as long as the stream keeps its records."""

ENOUGH_TIME_SECONDS = 60.0
"""No object is read or deleted with less time left: a run that is complete must still be merged."""

DELETED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class CompactionOutcome:
    """What a run of the compactor came to."""

    objects_compacted: int = 0
    """Small objects that have been merged."""
    objects_pruned: int = 0
    """Small objects that have been deleted."""

    def plus(self, other: "CompactionOutcome") -> "CompactionOutcome":
        """Return the sum."""
        return CompactionOutcome(
            self.objects_compacted + other.objects_compacted,
            self.objects_pruned + other.objects_pruned,
        )


class Compactor:
    """Compacts and prunes an archive.

    Args:
        chain: of the archive's shards.
        rules: which objects are merged.
        grace: how long small objects stay beside their copy.
        remaining: how many seconds are left.
    """

    def __init__(
        self,
        chain: Chain,
        rules: Rules | None = None,
        grace: timedelta = GRACE,
        remaining: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._chain = chain
        self._rules = rules or Rules()
        self._grace = grace
        self._remaining = remaining

    def run(self, *, now: datetime) -> CompactionOutcome:
        """Compact and prune every shard, as far as the time allows; the next run goes on.

        Raises:
            RetryableError: of some shards; the others are done.
            BrokenArchiveError: the same, but trying again does not help.
        """
        outcome, failures = CompactionOutcome(), list[RetryableError | BrokenArchiveError]()
        for shard in _rotated(self._chain.shards(), now):
            try:
                outcome = outcome.plus(self.compact(shard, now=now))
            except (RetryableError, BrokenArchiveError) as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return outcome

    def compact(self, shard: str, *, now: datetime) -> CompactionOutcome:
        """Compact and prune one shard."""
        manifest = self._chain.manifests.newest(shard)
        now_ms = int(now.timestamp() * 1000)
        merged, added = 0, list[CompactedObject]()
        try:
            standing = self._while_there_is_time(self._chain.standing(manifest, manifest.last))
            for run in closed_runs(standing, self._rules):
                added.append(self._merge(manifest, run, now_ms))
                merged += len(run)
            through = self._prunable(manifest, now_ms)
        except ConflictError:  # another compactor has done it, or an erasure is at work
            return CompactionOutcome()
        if added or through > manifest.pruned_through:
            manifest = manifest.next(tuple(added), through)
            if not self._chain.manifests.publish(manifest):
                return CompactionOutcome()
        return CompactionOutcome(merged, self._prune(manifest))

    def _merge(self, manifest: Manifest, run: Run, now_ms: int) -> CompactedObject:
        """Write the copy of a run, unless it stands there already."""
        after, last = run[0].after, run[-1].last
        records = RunRecords(run)
        lost = [one for small in run for one in losses(small.content)]
        erased = sum(erased_in(small.content) for small in run)
        more = {ERASED_KEY: str(erased)} if erased else {}
        content = encode_raw(manifest.shard, after, last, records, lost=lost, more=more)
        edition, content = self._copied(manifest, run, content)
        digest = hashlib.sha256(content).hexdigest()
        return CompactedObject(after, last, records.count, len(content), digest, now_ms, edition)

    def _copied(self, manifest: Manifest, run: Run, content: bytes) -> tuple[str, bytes]:
        """Write a copy; return what its key says of the edition, and what stands there.

        What stands there already is of a compactor that crashed, or is at work now: the same
        records, in the same bytes unless the two have different libraries. Or some were erased
        meanwhile: then it counts for nothing, and goes with the next edition.
        """
        after, last, edition = run[0].after, run[-1].last, compacted_in(manifest.edition)
        key = compacted_key(manifest.shard, after, last, edition)
        if self._chain.objects.create(key, content):
            return edition, content
        standing = self._chain.objects.read(key)
        if standing is None:
            raise RetryableError(f"{key} stood in the archive a moment ago")
        if _have_the_same(standing, content):
            return edition, standing
        edition = compacted_in(manifest.edition, hashlib.sha256(content).hexdigest())
        # One that stands there is this one: its name says so.
        key = compacted_key(manifest.shard, after, last, edition)
        self._chain.objects.create(key, content)
        return edition, content

    def _prunable(self, manifest: Manifest, now_ms: int) -> int:
        """Return up to where small objects can go: their copies are old enough, and whole."""
        through = manifest.pruned_through
        for one in manifest.objects:
            if one.last <= through:
                continue
            young = now_ms - one.written_at < self._grace / timedelta(milliseconds=1)
            if young or self._remaining() < ENOUGH_TIME_SECONDS:
                break
            self._chain.compacted(manifest, one)
            through = one.last
        return through

    def _prune(self, manifest: Manifest) -> int:
        """Delete what counts for nothing: what an earlier run left, and strays, too."""
        pruned = 0
        while page := self._chain.page(manifest.shard, BEGINNING)[:DELETED_AT_ONCE]:
            gone = [key for key in page if predecessor(key) < manifest.pruned_through]
            if not gone or self._remaining() < ENOUGH_TIME_SECONDS:
                break
            self._chain.objects.delete(gone)
            pruned += len(gone)
        superseded = list(islice(self._chain.superseded(manifest), DELETED_AT_ONCE))
        self._chain.objects.delete(superseded)
        return pruned

    def _while_there_is_time(self, objects: Iterable[StandingObject]) -> Iterator[StandingObject]:
        for one in objects:
            if self._remaining() < ENOUGH_TIME_SECONDS:
                return
            yield one


class RunRecords:
    """The records of a run, to be read once.

    Reading raises BrokenArchiveError where they are not in order, or not where their object says.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.count = 0
        """How many have been read."""

    def __iter__(self) -> Iterator[Raw]:
        for one in self._run:
            with named(one.key):
                for raw in in_place(one.content, one.after, one.last):
                    self.count += 1
                    yield raw


def _have_the_same(standing: bytes, content: bytes) -> bool:
    """Say whether two objects have the same records."""
    if standing == content:
        return True
    try:
        pairs = zip_longest(decode_raw(standing), decode_raw(content))
        return all(left == right for left, right in pairs)
    except BrokenArchiveError:
        return False


def _rotated(shards: list[str], now: datetime) -> list[str]:
    """Return the shards, another one first each day: time may not suffice for all of them."""
    first = now.toordinal() % max(1, len(shards))
    return shards[first:] + shards[:first]
