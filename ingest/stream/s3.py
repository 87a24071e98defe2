"""The spill in S3, in the bucket of the archive."""

from collections.abc import Sequence

from ingest.stream.sink import SinkRecord
from ingest.stream.spill import SUFFIX, decode, encode, is_name
from runtime.objects.s3 import Bucket

ROOT = "spill/"


class S3SpillStore:
    """A SpillStore in a bucket: one JSON object for each put."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def put(self, name: str, records: Sequence[SinkRecord]) -> None:
        """Return once S3 has acknowledged the object."""
        # Nobody else makes the name: an object that stands there is this call's first attempt.
        self._bucket.create(_key(name), encode(records))

    def names(self, *, after: str = "") -> list[str]:
        """Return the oldest names behind one; empty: there are no more."""
        start = _key(after) if after else ROOT
        while keys := self._bucket.keys(ROOT, after=start):
            names = [key.removeprefix(ROOT).removesuffix(SUFFIX) for key in keys]
            if found := [name for name in names if is_name(name)]:
                return found
            start = keys[-1]
        return []

    def get(self, name: str) -> list[SinkRecord] | None:
        """Return the records of one put, or None where they are gone."""
        content = self._bucket.read(_key(name))
        return None if content is None else decode(content, _key(name))

    def delete(self, names: Sequence[str]) -> None:
        """Delete what was kept under some names."""
        self._bucket.delete([_key(name) for name in names])


def _key(name: str) -> str:
    return f"{ROOT}{name}{SUFFIX}"
