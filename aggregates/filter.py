"""A Bloom filter: remembers many values in few bytes, and forgets none.

It never says that it does not know a value that it does; the other way round it errs, seldom at
first and more often the fuller it is. https://doi.org/10.1145/362686.362692
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

BYTES = 64 * 1024
"""So many take 20,000 values with one error in 2,000 questions, 80,000 with one in 23."""

HASHES = 4
WIDTH = 4
"""Bytes of one hash."""

KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Filter:
    """A set of texts.

    Args:
        bits: none, or BYTES of them.
        key: what the places hang on. Who knew it could choose texts that make others look alike.
    """

    bits: bytes = b""
    key: bytes = b""

    def __contains__(self, text: str) -> bool:
        """Say whether the text was added, or, by chance, another one that looks alike."""
        if not self.bits:
            return False
        return all(self.bits[place >> 3] & 1 << (place & 7) for place in _places(text, self.key))

    def with_all(self, texts: Iterable[str], key: bytes) -> "Filter":
        """Return a filter that remembers these as well; `key` is that of one that is empty now."""
        bits, kept = (bytearray(self.bits), self.key) if self.bits else (bytearray(BYTES), key)
        for text in texts:
            for place in _places(text, kept):
                bits[place >> 3] |= 1 << (place & 7)
        return Filter(bytes(bits), kept)


NO_VALUES = Filter()


def _places(text: str, key: bytes) -> Iterator[int]:
    digest = blake2b(text.encode(), digest_size=HASHES * WIDTH, key=key).digest()
    for start in range(0, len(digest), WIDTH):
        yield int.from_bytes(digest[start : start + WIDTH], "big") % (8 * BYTES)
