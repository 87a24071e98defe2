"""Dead letters in S3."""

from collections.abc import Iterable, Iterator

from liveinsight.runtime.s3 import Bucket
from processors.dead_letter import REDRIVEN, DeadLetter, content, file_name, letter
from processors.record import Poison

ROOT = "records/"
SUFFIX = ".json"


class S3DeadLetterStore:
    """A DeadLetterStore in a bucket: one JSON object for each record, named by its position."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def put(self, poison: Iterable[Poison]) -> None:
        """Keep each record with its reason; a record that is there already stays as it is."""
        for one in poison:
            self._bucket.create(ROOT + file_name(one), content(one))

    def names(self) -> Iterator[str]:
        """Return the names of what is kept, by shard and place."""
        after = ""
        while page := self._bucket.keys(ROOT, after=after):
            for key in page:
                if key.endswith(SUFFIX):
                    yield key.removeprefix(ROOT).removesuffix(SUFFIX)
            after = page[-1]

    def get(self, name: str) -> DeadLetter | None:
        """Return one letter, or None."""
        kept = self._bucket.read(f"{ROOT}{name}{SUFFIX}")
        if kept is None:
            return None
        redriven = self._bucket.read(f"{ROOT}{name}{REDRIVEN}") is not None
        return letter(name, kept, redriven=redriven)

    def mark_redriven(self, name: str) -> None:
        """Remember that a letter's record is on the stream again."""
        self._bucket.create(f"{ROOT}{name}{REDRIVEN}", b"")
