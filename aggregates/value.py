"""Values of dimensions: text of one line and at most 300 bytes, or one of three reserved kinds.

A reserved value stands for itself and for no text: an event named `(other)` is another row than
what did not fit. In memory and in the tables it begins with NUL, which `value_of` leaves to no
text, as it leaves no other control character.
"""

import re
from enum import Enum
from hashlib import blake2b

MAX_VALUE_BYTES = 300
"""Of a value, in UTF-8. Long enough for the paths that people write; items hold many values."""

DIGEST_BYTES = 8
_CUT = "\u2026#"
_KEPT_BYTES = MAX_VALUE_BYTES - len(_CUT.encode()) - 2 * DIGEST_BYTES

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters (C0, DEL, C1), what ends a line or paragraph, and halves of pairs."""

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
    """Return the value that a text is counted under. It is of one line.

    What is too long is cut between two characters. Control characters, ends of lines and lone
    surrogates, which are no characters, become U+FFFD. Such a value, and one of a text that could
    be taken for one, ends with `…#` and a digest of the whole text, so that different texts stay
    different values.

    Args:
        text: from outside.
        empty: the value where there is none.
    """
    # Most texts are ASCII, of one byte a character, and this takes a third of all that follows.
    if text.isascii() and text.isprintable() and len(text) <= MAX_VALUE_BYTES:
        return text or empty
    if _stays(text):
        return text
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()
    kept = _UNPRINTABLE.sub("\ufffd", text[:_KEPT_BYTES]).encode()[:_KEPT_BYTES]
    return f"{kept.decode(errors='ignore')}{_CUT}{digest}"


def _stays(text: str) -> bool:
    if len(text) > MAX_VALUE_BYTES or _CUT in text:
        return False
    # Not all that Python calls unprintable is unwanted: spaces of other scripts, joined emoji.
    plain = text.isprintable() or _UNPRINTABLE.search(text) is None
    return plain and len(text.encode()) <= MAX_VALUE_BYTES


def kind_of(value: str) -> Kind | None:
    """Return what a reserved value stands for; None for any other."""
    return _KINDS.get(value)


def label_of(value: str) -> str:
    """Return what people read."""
    kind = kind_of(value)
    return value if kind is None else kind.value
