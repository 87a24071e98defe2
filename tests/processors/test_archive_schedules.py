"""Compaction beside writers, frozen writers, readers and other compactors; crashes anywhere."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from processors.archive.chain import Chain, StandingObject
from processors.archive.container import ArchivedRecord, encode_object, last_sequence
from processors.archive.keys import record_key
from processors.archive.manifest import CompactedObject, Manifest
from processors.archive.store import ObjectArchiveStore
from processors.compaction.plan import Run
from processors.compaction.processor import Compactor
from processors.erasure.archive import ArchiveEraser, ErasedRecords
from runtime.errors import ConflictError, RetryableError
from runtime.objects.port import Objects
from tests.effort import SCHEDULES
from tests.processors.archive_schedule import Happened, Schedule, Variant

SEEDS = max(20, SCHEDULES // 40)
SEEDS_OF_A_CONTROL = 60


def test_no_record_is_lost_or_read_twice_whatever_happens() -> None:
    fired, problems = Counter[Happened](), dict[int, str]()
    for seed in range(SEEDS):
        schedule = Schedule(seed)
        if problem := schedule.run():
            problems[seed] = problem
        fired += schedule.fired
    assert problems == {}
    assert [one for one in Happened if fired[one] < SEEDS // 10] == []


class TrustingStore(ObjectArchiveStore):
    """Takes what it created for a part of the chain, however long ago it read the tail."""

    def append(
        self,
        shard: str,
        after: int,
        records: Sequence[ArchivedRecord],
        events: int = 0,  # noqa: ARG002 - nobody takes objects away here
    ) -> int:
        key, content = record_key(shard, after), encode_object(shard, after, records)
        standing = content if self._objects.create(key, content) else self._objects.read(key)
        if standing is None:
            raise RetryableError("gone")
        self._tails[shard] = last_sequence(standing)
        return self._tails[shard]


class BlindChain(Chain):
    """Does not look at the manifest again after reading."""

    def _check(self, manifest: Manifest) -> None:
        pass


class BlindStore(ObjectArchiveStore):
    def __init__(self, objects: Objects) -> None:
        super().__init__(objects)
        self._chain = BlindChain(objects)


class SilentCompactor(Compactor):
    """Deletes without saying so in a manifest."""

    _through = 0

    def _prunable(self, manifest: Manifest, now_ms: int) -> int:
        self._through = super()._prunable(manifest, now_ms)
        return manifest.pruned_through

    def _prune(self, manifest: Manifest) -> int:
        return super()._prune(replace(manifest, pruned_through=self._through))


class EagerCompactor(Compactor):
    """Deletes what it has copied before a manifest names the copy."""

    def _merge(self, manifest: Manifest, run: Run, now_ms: int) -> CompactedObject:
        merged = super()._merge(manifest, run, now_ms)
        self._prune(replace(manifest, pruned_through=merged.last))
        return merged


class TrustingEraser(ArchiveEraser):
    """Begins no edition: a compactor that has read before publishes what was erased."""

    def _run(self, shard: str) -> ErasedRecords:
        manifest, found = self._chain.manifests.newest(shard), ErasedRecords()
        with suppress(ConflictError):
            for small in self._chain.standing(manifest, manifest.last):
                self._replace(shard, small, found)
        objects = tuple(self._copied(manifest, one, found) for one in manifest.objects)
        if objects != manifest.objects:
            self._chain.manifests.publish(manifest.next_edition(objects))
        return found


class OverwritingEraser(ArchiveEraser):
    """Deletes a small object and makes it anew: readers and writers may come between."""

    def _replace(self, shard: str, small: StandingObject, total: ErasedRecords) -> None:
        content = self._rewritten(shard, small.after, small.content, total)
        if content is not None:
            self._chain.objects.delete([small.key])
            self._chain.objects.create(small.key, content)


@pytest.mark.parametrize(
    "broken",
    [
        Variant(store=TrustingStore),
        Variant(store=BlindStore),
        Variant(compactor=SilentCompactor),
        Variant(compactor=EagerCompactor),
        Variant(eraser=TrustingEraser),
        Variant(eraser=OverwritingEraser),
    ],
    ids=[
        *("trusting writer", "blind reader", "silent compactor", "eager compactor"),
        *("trusting eraser", "overwriting eraser"),
    ],
)
def test_what_is_broken_on_purpose_is_caught(broken: Variant) -> None:
    assert any(Schedule(seed, broken).run() for seed in range(SEEDS_OF_A_CONTROL))
