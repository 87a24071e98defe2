"""What a request's `Origin` says about the page that sent it. Pure.

https://www.rfc-editor.org/rfc/rfc6454#section-7
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from ingest.hits.page import Page, parse_page

MAX_ORIGIN = 300
"""Characters; a host name has at most 253."""
PAGE_ORIGIN = re.compile(r"https?://[^/?#@\\,\s]++/?+", re.IGNORECASE)
OPAQUE_ORIGIN = "null"


class OriginKind(Enum):
    """What kind of sender it is."""

    ABSENT = auto()
    """Nothing is said: a program, or a browser that asks its page's own server."""
    PAGE = auto()
    """A page, of a host."""
    OPAQUE = auto()
    """`null`: a page whose browser hides where it is, such as one in a sandbox, or a file."""
    OTHER = auto()
    """Anything else: two origins, `file://`, an extension of a browser, no origin at all."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sent a request, by its own account."""

    kind: OriginKind = OriginKind.ABSENT
    host: str = ""
    """Of a page, in lower case; else empty."""


NO_ORIGIN = Origin()
OTHER_ORIGIN = Origin(OriginKind.OTHER)


def read_origin(header: str) -> Origin:
    """Read the header's value; empty: it was not sent."""
    return _read(header) if len(header) <= MAX_ORIGIN else OTHER_ORIGIN


@lru_cache(maxsize=2048)
def _read(header: str) -> Origin:
    if not header:
        return NO_ORIGIN
    if header == OPAQUE_ORIGIN:
        return Origin(OriginKind.OPAQUE)
    page = parse_page(header, keep_query=False) if PAGE_ORIGIN.fullmatch(header) else None
    return Origin(OriginKind.PAGE, page.hostname) if isinstance(page, Page) else OTHER_ORIGIN
