"""The port of the object stores."""

from collections.abc import Iterator, Sequence
from typing import Protocol


class Objects(Protocol):
    """Objects that are created whole, once, and listed in the order of their keys.

    A key is a path of plain names. What one call has done, every later call sees. Each method
    raises RetryableError where it was not done, or may not have been; repeating it is safe.
    """

    @property
    def page(self) -> int:
        """How many keys a listing gives at most."""

    def create(self, key: str, content: bytes) -> bool:
        """Create an object; return False, and change nothing, where one stands already.

        After a lost acknowledgement the object that stands may be this writer's own.
        """

    def read(self, key: str) -> bytes | None:
        """Return an object's content, or None."""

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has, or None."""

    def read_many(self, keys: Sequence[str]) -> Iterator[bytes | None]:
        """Return the contents of some objects, in the order of their keys here."""

    def keys(self, prefix: str, *, after: str = "") -> list[str]:
        """Return the first `page` keys with a prefix behind one, in order.

        Args:
            prefix: empty, or ends with a slash.
            after: a key, or the beginning of one; empty: from the first on.
        """

    def folders(self, prefix: str) -> list[str]:
        """Return the names between a prefix and the next slash, in order."""

    def replace(self, key: str, content: bytes, *, expected: bytes) -> bool:
        """Put a content in the place of another, which readers see whole or not at all.

        Returns:
            Whether `expected` stood there. Else nothing is changed. In a folder who deletes the
            object at this moment may find it made anew.
        """

    def purge(self, prefix: str) -> int:
        """Delete what is kept beside the objects with a prefix; return how much it was.

        In S3 the versions of objects that were replaced or deleted, in a folder what a crash has
        left unfinished.
        """

    def delete(self, keys: Sequence[str]) -> None:
        """Delete at most 1,000 objects; one that is not there does not matter."""
