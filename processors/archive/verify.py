"""Checks an archive: that objects tile each shard, and copies have what they were made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile, zip_longest

from aggregates.stores.heads import Head, LostObjects
from processors.archive.chain import Chain, in_place
from processors.archive.container import (
    BEGINNING,
    BrokenArchiveError,
    BrokenObjectError,
    Raw,
    decode_raw,
    losses,
    named,
)
from processors.archive.keys import predecessor
from processors.archive.manifest import CompactedObject, Manifest
from runtime.errors import ConflictError

NO_HEAD = Head()


@dataclass(frozen=True, slots=True)
class ShardReport:
    """What a shard holds. `problem`: why it is not whole, or nothing."""

    shard: str
    records: int = 0
    compacted_objects: int = 0
    small_objects: int = 0
    """Those behind the compacted ones."""
    bytes: int = 0
    lost: tuple[LostObjects, ...] = ()
    """What was archived and is gone."""
    problem: str = ""


def verify(chain: Chain, shard: str, head: Head = NO_HEAD) -> ShardReport:
    """Read every object of a shard, and check it.

    Each follows the one before; its records are in order, within its bounds; a compacted one is
    what its manifest says, and has the records of its small ones, where these still stand. Nothing
    else is there.

    Args:
        chain: of the archive.
        shard: of which.
        head: where it ends, as is remembered elsewhere.
    """
    while True:
        try:
            return _verified(chain, chain.manifests.newest(shard), head)
        except ConflictError:  # a compactor is at work
            continue
        except BrokenArchiveError as error:
            return ShardReport(shard, problem=str(error))


def shortened(chain: Chain, shard: str, head: Head) -> LostObjects | None:
    """Return what is gone of the end of a shard, with few requests; None: nothing is.

    Raises:
        BrokenArchiveError: a manifest cannot be read.
    """
    return head.beyond(end_of(chain, shard))


def end_of(chain: Chain, shard: str) -> int:
    """Return up to where the archive of a shard can be read, but for what is gone in the middle.

    Raises:
        BrokenArchiveError: a manifest cannot be read.
    """
    while True:
        try:
            return chain.tail(chain.manifests.newest(shard))
        except ConflictError:  # a compactor is at work
            continue
        except BrokenObjectError as error:
            return predecessor(error.key)


def broken_at(chain: Chain, shard: str) -> str:
    """Say what is not whole of a shard; empty: nothing. Of compacted objects it sees the size."""
    while True:
        try:
            manifest = chain.manifests.newest(shard)
            for one in manifest.objects:
                size = chain.objects.size(manifest.key_of(one))
                if size != one.bytes:
                    how = "is missing" if size is None else f"has {size} bytes, not {one.bytes}"
                    return f"{manifest.key_of(one)} {how}: put it back from a backup"
            for found in chain.standing(manifest, manifest.last):
                with named(found.key):
                    for _ in in_place(found.content, found.after, found.last):
                        pass
        except ConflictError:  # a compactor is at work
            continue
        except BrokenArchiveError as error:
            return str(error)
        return ""


def _verified(chain: Chain, manifest: Manifest, head: Head) -> ShardReport:
    records, size, after = 0, 0, BEGINNING
    lost: list[LostObjects] = []
    for one in manifest.objects:
        if one.after != after:
            raise BrokenArchiveError(f"{manifest.key_of(one)} does not follow {after}")
        records += _verify_compacted(chain, manifest, one, lost)
        size, after = size + one.bytes, one.last
    small = 0
    for found in chain.standing(manifest, after):
        with named(found.key):
            records += sum(1 for _ in in_place(found.content, found.after, found.last))
            lost += losses(found.content)
        size, small, after = size + len(found.content), small + 1, found.last
    for stray in chain.strays(manifest.shard):
        raise BrokenArchiveError(f"unknown object {stray}: move it away")
    if (end := head.beyond(after)) is not None:
        lost.append(end)
    return ShardReport(manifest.shard, records, len(manifest.objects), small, size, tuple(lost))


def _verify_compacted(
    chain: Chain, manifest: Manifest, one: CompactedObject, lost: list[LostObjects]
) -> int:
    """Return how many records a compacted object has, and add what it lacks."""
    key, content = manifest.key_of(one), chain.compacted(manifest, one)
    with named(key):
        records = sum(1 for _ in in_place(content, one.after, one.last))
        lost += losses(content)
    if (records, len(content)) != (one.records, one.bytes):
        raise BrokenArchiveError(f"{key} has {records} records in {len(content)} bytes")
    if one.after >= manifest.pruned_through:
        originals = _originals(chain, manifest, one)
        if any(left != right for left, right in zip_longest(decode_raw(content), originals)):
            raise BrokenArchiveError(f"{key} has other records than its small objects")
    return records


def _originals(chain: Chain, manifest: Manifest, one: CompactedObject) -> Iterator[Raw]:
    standing = chain.standing(manifest, one.after)
    for small in takewhile(lambda found: found.last <= one.last, standing):
        with named(small.key):
            yield from decode_raw(small.content)
