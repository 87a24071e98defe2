"""The address of a page, reduced to what may be kept of it."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote_plus, urlsplit

from ingest.hits.rejection import Rejected, RejectionCode

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
HOSTNAME = re.compile(r"[\w-]++(\.[\w-]++)*+|[0-9a-f.]*+:[0-9a-f:.]*+")
"""Names with IDNA labels as given, IPv4 addresses, or an IPv6 address without its brackets."""
MAX_HOSTNAME = 253

KEPT_PARAMETER = re.compile(r"utm_[a-z_]+|ref|source")
CLICK_IDS = frozenset({"gclid", "gbraid", "wbraid", "msclkid"})
"""Parameters that Google Ads and Microsoft Advertising put on a paid click."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page is. Nothing here names a user: no userinfo, no fragment."""

    hostname: str
    path: str
    query: str
    """The allow-listed part of the query string (utm_*, ref, source), verbatim."""
    paid_click: bool = False
    """Whether an ad network's click id was there. Its value is a person's, and not kept."""


def parse_page(page_url: str, *, keep_query: bool) -> Page | Rejected:
    """Take an http(s) address apart.

    Args:
        page_url: the address, from an untrusted place.
        keep_query: whether `path` goes on with the whole query string, as pages that are told
            apart by their query need.
    """
    parts = _split(page_url)
    hostname = None if parts is None else _hostname(parts)
    if parts is None or hostname is None:
        return Rejected(RejectionCode.INVALID_URL, "page_url")
    path = parts.path or "/"
    pairs = parts.query.split("&")
    return Page(
        hostname=hostname,
        path=f"{path}?{parts.query}" if keep_query and parts.query else path,
        query=kept_query(parts.query),
        paid_click=any(_parameter(pair) in CLICK_IDS for pair in pairs),
    )


def kept_query(query: str) -> str:
    """Return the allow-listed part of a query string."""
    pairs = query.split("&")
    return "&".join(pair for pair in pairs if KEPT_PARAMETER.fullmatch(_parameter(pair)))


def _split(url: str) -> SplitResult | None:
    if CONTROL_CHARACTERS.search(url) or not _is_text(url):
        return None
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:  # unbalanced brackets, a port out of range, characters that NFKC splits
        return None
    return parts if parts.scheme in {"http", "https"} else None


def _hostname(parts: SplitResult) -> str | None:
    hostname = (parts.hostname or "").removesuffix(".")
    # A browser reads a backslash as a slash, urlsplit as part of the host.
    if "\\" in parts.netloc or len(hostname) > MAX_HOSTNAME:
        return None
    return hostname if HOSTNAME.fullmatch(hostname) else None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry and the stream cannot
        return False
    return True


def _parameter(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0]).lower()
