"""Dead letters in S3."""

from collections.abc import Iterable, Iterator

from processors.dead_letter import REDRIVEN, DeadLetter, content, file_name, letter
from processors.record import Poison
from runtime.objects.s3 import Bucket

ROOT = "records/"
SUFFIX = ".json"


class S3DeadLetterStore:
    """A DeadLetterStore in a bucket: one JSON object for each record, named by its position.

    Args:
        bucket: holds the objects.
        root: begins their keys.
    """

    def __init__(self, bucket: Bucket, root: str = ROOT) -> None:
        self._bucket = bucket
        self._root = root

    def put(self, poison: Iterable[Poison]) -> None:
        """Keep each record with its reason; a record that is there already stays as it is."""
        for one in poison:
            self._bucket.create(self._root + file_name(one), content(one))

    def names(self) -> Iterator[str]:
        """Return the names of what is kept, by shard and place."""
        after = ""
        while page := self._bucket.keys(self._root, after=after):
            for key in page:
                if key.endswith(SUFFIX):
                    yield key.removeprefix(self._root).removesuffix(SUFFIX)
            after = page[-1]

    def get(self, name: str) -> DeadLetter | None:
        """Return one letter, or None."""
        kept = self._bucket.read(f"{self._root}{name}{SUFFIX}")
        if kept is None:
            return None
        redriven = self._bucket.read(f"{self._root}{name}{REDRIVEN}") is not None
        return letter(name, kept, redriven=redriven)

    def mark_redriven(self, name: str) -> None:
        """Remember that a letter's record is on the stream again."""
        self._bucket.create(f"{self._root}{name}{REDRIVEN}", b"")
