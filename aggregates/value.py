"""Values of dimensions: text of at most 300 bytes, or one of three reserved kinds.

A reserved value stands for itself and for no text: an event named `(other)` is another row than
what did not fit. In memory and in the tables it begins with NUL, which `value_of` leaves to no
text.
"""

from enum import Enum
from hashlib import blake2b

MAX_VALUE_BYTES = 300
"""Of a value, in UTF-8. Long enough for the paths that people write; items hold many values."""

DIGEST_BYTES = 8
_CUT = "\u2026#"
_KEPT_BYTES = MAX_VALUE_BYTES - len(_CUT.encode()) - 2 * DIGEST_BYTES

NOT_SET = "\0not set"
"""There is no value."""
OTHER = "\0other"
"""The values that an item has no room for."""
DIRECT = "\0direct"
"""A visit that nothing led to."""


class Kind(Enum):
    """What a reserved value stands for. The text is what people read."""

    NOT_SET = "(not set)"
    OTHER = "(other)"
    DIRECT = "Direct"


_KINDS = {NOT_SET: Kind.NOT_SET, OTHER: Kind.OTHER, DIRECT: Kind.DIRECT}


def value_of(text: str, empty: str = "") -> str:
    """Return the value that a text is counted under.

    What is too long is cut between two characters, and ends with `…#` and a digest of the whole,
    so that different texts stay different values. A text that could be taken for a reserved value
    or for a cut one gets a digest, too.

    Args:
        text: from outside.
        empty: the value where there is none.
    """
    if not text:
        return empty
    # One byte a character at least, four at most: most texts need no encoding to be measured.
    if len(text) * 4 <= MAX_VALUE_BYTES and text[0] != "\0" and _CUT not in text:
        return text
    encoded = text.encode(errors="replace")
    if len(encoded) <= MAX_VALUE_BYTES and text[0] != "\0" and _CUT not in text:
        return text
    kept = encoded[:_KEPT_BYTES].decode(errors="ignore").lstrip("\0")
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()
    return f"{kept}{_CUT}{digest}"


def kind_of(value: str) -> Kind | None:
    """Return what a reserved value stands for; None for any other."""
    return _KINDS.get(value)


def label_of(value: str) -> str:
    """Return what people read."""
    kind = kind_of(value)
    return value if kind is None else kind.value
