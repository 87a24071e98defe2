"""Texts from untrusted places: repaired, not refused. Pure.

What is stored holds no control characters, which a terminal would obey and a line of a log would
end at, and no lone surrogates, which no store takes.
"""

import re
import unicodedata

LINE_BREAKERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]++")
"""Control characters (the category Cc), and the two others at which a line ends."""
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""What a terminal obeys, what ends a line, what turns the direction of writing, and no text."""

MOST_JOINED = 32
"""How far back a cut looks for the beginning of a character that is made of several."""
JOINER = "\u200d"
JOINING = re.compile("[\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
"""What belongs to the emoji before it: joiners, variants, skin colours, letters of flags."""
REGIONAL = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""Letters of which two make a flag."""


def clean(text: str) -> str:
    """Return a text as it is stored: a space for control characters, lone surrogates replaced."""
    if text.isprintable():  # most are, and this takes no time
        return text
    return LINE_BREAKERS.sub(" ", repaired(text))


def repaired(text: str) -> str:
    """Return a text in which each lone surrogate is a replacement character."""
    return LONE_SURROGATE.sub(REPLACEMENT, text)


def visible(text: str) -> str:
    """Return a text as one line that a terminal shows and does not obey."""
    return text if text.isprintable() else UNSEEN.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def shortened(text: str, most: int) -> str:
    """Return the beginning of a text that is too long: no cut goes through an emoji or accent.

    Args:
        text: of any length.
        most: characters (code points) that are kept at most.
    """
    if len(text) <= most:
        return text
    end = next((at for at in range(most, max(most - MOST_JOINED, 0), -1) if _parts(text, at)), most)
    return text[:end]


def _parts(text: str, at: int) -> bool:
    """Say whether a text may be cut before this place."""
    behind = text[at]
    if unicodedata.combining(behind) or JOINING.match(behind) or text[at - 1] == JOINER:
        return False
    before = text[max(at - 2 * MOST_JOINED, 0) : at]
    return behind not in REGIONAL or (len(before) - len(before.rstrip(REGIONAL))) % 2 == 0
