"""Values that look like a person's: mail address, phone, payment card, token. Pure, and linear.

What is found is replaced by what it looked like: `[email]`, `[phone]`, `[card]`, `[token]`. Forms
are known here, not meanings: a name or an order number stays. docs/privacy.md has the list.
"""

import re
from functools import lru_cache
from urllib.parse import quote, unquote

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++(?:@|%40)[\w-]++(?:\.[\w-]++)++")
"""Looks for a local part only where one begins: from each of its letters would be quadratic."""
PHONE = re.compile(
    r"(?<![\w.+-])(?:"
    r"(?:\+|00)[1-9](?:[ ./()-]{0,3}+[0-9]){7,14}+"
    r"|\(?[0-9]{3}\)?[ .-][0-9]{3}[ .-][0-9]{4}"
    r")(?![\w+-])"
)
"""+49 170 1234567, 0049..., (212) 555-0123. A number alone is as likely an id of a campaign."""
CARD = re.compile(r"(?<![\w.-])[2-6](?:[ -]?[0-9]){12,18}+(?![\w-])")
"""13 to 19 digits, in groups or not; the sum of digits and the issuer decide."""
ISSUER = re.compile(r"4|5[1-5]|2[2-7]|3[04-9]|6")
TOKEN = re.compile(r"(?<![\w-])[A-Za-z0-9_-]{20,}+(?![\w-])")
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
HEX = re.compile(r"[0-9a-fA-F]{32,}+")
KNOWN_TOKEN = re.compile(r"(?:sk|pk|rk)_(?:live|test)_|gh[opsu]_|github_pat_|xox[abp]-|AKIA|glpat-")
TURN = re.compile(r"(?<=[a-z])[A-Z]|(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")
LETTERS_PER_TURN = 4
"""Random letters and digits turn from one kind to another at every second place; words do not."""

FEWEST = 10
"""Characters of the shortest that is a phone number; mail addresses tell themselves by their @."""
MAX_REMEMBERED = 300
PIECE = re.compile("[^?&]++")
"""What stands between the marks of a query, which must stay marks."""
SAFE = "/=[]:@!$'()*,;~+"
"""Characters of a piece that are written as they are."""


def impersonal(text: str) -> str:
    """Return a text without what looks like a person's."""
    if "@" in text or "%40" in text:
        text = EMAIL.sub("[email]", text)
    if len(text) < FEWEST:
        return text
    text = CARD.sub(_card, PHONE.sub("[phone]", text))
    return TOKEN.sub(_token, text)


def impersonal_encoded(text: str) -> str:
    """Return a percent-encoded text without what looks like a person's, else as it was written."""
    return _encoded(text) if len(text) > MAX_REMEMBERED else _remembered(text)


@lru_cache(maxsize=4096)
def _remembered(text: str) -> str:
    return _encoded(text)


def _encoded(text: str) -> str:
    return PIECE.sub(_piece, text)


def _piece(found: re.Match[str]) -> str:
    # Twice: what was encoded as part of an address, and again as part of a parameter.
    text = found[0]
    readable = unquote(unquote(text)) if "%" in text else text
    kept = impersonal(readable)
    return text if kept == readable else quote(kept, safe=SAFE)


def _card(found: re.Match[str]) -> str:
    digits = [int(one) for one in found[0] if one.isdigit()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    is_card = ISSUER.match(found[0]) and (sum(digits[::-2]) + doubled) % 10 == 0
    return "[card]" if is_card else found[0]


def _token(found: re.Match[str]) -> str:
    text = found[0]
    is_token = (
        UUID.fullmatch(text)
        or (HEX.fullmatch(text) and not (text.isdigit() or text.isalpha()))
        or KNOWN_TOKEN.match(text)
        or len(TURN.findall(text)) * LETTERS_PER_TURN >= len(text)
    )
    return "[token]" if is_token else text
