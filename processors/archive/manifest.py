"""Manifests: which compacted objects a shard has, and which small ones are no longer needed.

Manifest 1, 2, 3, ... of a shard are created once each; the highest number counts. So of two
compactors at the same time one publishes, and what the other did changes nothing.

`pruned_through` rises before an object is deleted. This is what makes deleting safe: whoever has
created or read an object, and finds afterwards that `pruned_through` is not above its predecessor,
knows that no object of that name was ever deleted, and so that it holds a part of the chain.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from processors.archive.container import BEGINNING, BrokenArchiveError
from processors.archive.keys import MANIFESTS, compacted_key, is_manifest_key, manifest_key
from runtime.objects.port import Objects


@dataclass(frozen=True, slots=True)
class CompactedObject:
    """An object with the records of a run of small ones.

    Args:
        after: the predecessor of the first small object.
        last: the last sequence number.
        records: how many there are.
        bytes: its size.
        sha256: of the whole object, in hex.
        written_at: when a manifest named it first, epoch milliseconds.
        edition: what its key says of the edition in which it was written.
    """

    after: int
    last: int
    records: int
    bytes: int
    sha256: str
    written_at: int
    edition: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The compacted objects of a shard, in order, without gap or overlap.

    Number 0 stands for none: nothing is compacted yet.
    """

    shard: str
    number: int = 0
    pruned_through: int = BEGINNING
    """Small objects with a predecessor below it may be gone, and count for nothing."""
    objects: tuple[CompactedObject, ...] = field(default=())
    edition: int = 0
    """Of objects that are compacted now. Who has begun in an older one publishes nothing more."""

    @property
    def last(self) -> int:
        """The sequence number up to which records are compacted."""
        return self.objects[-1].last if self.objects else BEGINNING

    def key_of(self, one: CompactedObject) -> str:
        """Return where a compacted object stands."""
        return compacted_key(self.shard, one.after, one.last, one.edition)

    def next(self, added: tuple[CompactedObject, ...], pruned_through: int) -> "Manifest":
        """Return the manifest that follows this one."""
        return replace(
            self,
            number=self.number + 1,
            pruned_through=max(self.pruned_through, pruned_through),
            objects=(*self.objects, *added),
        )

    def next_edition(self, objects: tuple[CompactedObject, ...]) -> "Manifest":
        """Return the manifest that follows this one with what an erasure left of its objects.

        No small object counts beside its copy any more.
        """
        return replace(
            self,
            number=self.number + 1,
            pruned_through=self.last,
            objects=objects,
            edition=self.edition + 1,
        )


class Manifests:
    """The manifests of all shards."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def newest(self, shard: str) -> Manifest:
        """Return the manifest that counts, whatever was read before."""
        key = ""
        for found in listed(self._objects, f"{MANIFESTS}{shard}/"):
            key = found if is_manifest_key(found) else key
        content = self._objects.read(key) if key else None
        return Manifest(shard) if content is None else decode_manifest(content)

    def latest(self, known: Manifest) -> Manifest:
        """Return the manifest that counts: most often the known one, which takes one request."""
        manifest = known
        while content := self._objects.read(manifest_key(known.shard, manifest.number + 1)):
            manifest = decode_manifest(content)
        return manifest

    def publish(self, manifest: Manifest) -> bool:
        """Make a manifest count; return False, and change nothing, where its number is taken."""
        key = manifest_key(manifest.shard, manifest.number)
        return self._objects.create(key, encode_manifest(manifest))


def listed(objects: Objects, prefix: str, *, after: str = "") -> Iterator[str]:
    """Return all keys with a prefix behind one, in order, each page when it is reached."""
    page = objects.keys(prefix, after=after)
    while page:
        yield from page
        page = objects.keys(prefix, after=page[-1]) if len(page) == objects.page else []


def encode_manifest(manifest: Manifest) -> bytes:
    """Return a manifest as JSON. Sequence numbers are text: they fit no number type."""
    document = {
        **asdict(manifest),
        "pruned_through": str(manifest.pruned_through),
        "objects": [
            {**asdict(one), "after": str(one.after), "last": str(one.last)}
            for one in manifest.objects
        ],
    }
    return json.dumps(document, indent=1).encode()


def decode_manifest(encoded: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        BrokenArchiveError: it is none.
    """
    try:
        document = json.loads(encoded)
        return Manifest(
            shard=document["shard"],
            number=document["number"],
            pruned_through=int(document["pruned_through"]),
            objects=tuple(_compacted(one) for one in document["objects"]),
            edition=document["edition"],
        )
    except (ValueError, LookupError, TypeError) as error:
        raise BrokenArchiveError(f"a manifest cannot be read ({error}): put it back") from error


def _compacted(document: dict[str, Any]) -> CompactedObject:
    numbers = {"after": int(document["after"]), "last": int(document["last"])}
    return CompactedObject(**{**document, **numbers})
