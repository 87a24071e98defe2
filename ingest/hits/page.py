"""The address of a page, reduced to what may be kept of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, urlsplit

from ingest.hits.clicks import CLICK_IDS
from ingest.hits.host import ascii_host
from ingest.hits.path import impersonal_path, readable_path
from ingest.hits.personal import impersonal_encoded
from ingest.hits.rejection import Rejected, RejectionCode
from runtime.sites.pages import AS_THEY_ARE, PageRules
from schemas.text import LINE_BREAKERS, repaired

HOSTNAME = re.compile(r"[\w-]++(\.[\w-]++)*+|[0-9a-f.]*+:[0-9a-f:.]*+")
"""Names with their labels as given, IPv4 addresses, or an IPv6 address without its brackets."""
MAX_HOSTNAME = 253
MAX_REMEMBERED = 300
"""Characters of an address that is remembered."""

MAX_PARAMETERS = 100
"""How many parameters of a query are looked at. What is behind them is not kept."""
MAX_NAME = 40
MAX_WRITTEN_NAME = 3 * MAX_NAME
"""With each of its bytes percent-encoded."""

KEPT_PARAMETER = re.compile(r"utm_[a-z_]+|ref|source")


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page is. Nothing here names a user: no userinfo, no fragment."""

    hostname: str
    """In lower case; an internationalised name in the form that stands on the wire (`xn--`)."""
    path: str
    """As a person reads it: percent-encoded UTF-8 is decoded, dot segments and double slashes are
    resolved. What is encoded for a reason stays so: slashes, marks of a query, bad bytes."""
    query: str
    """The allow-listed part of the query string (utm_*, ref, source), as it was written; but what
    looks like a person's is replaced."""
    click: str = ""
    """The click id of an ad network that was there, by its name. Its value is a person's, and not
    kept."""

    def impersonal(self) -> "Page":
        """Return the page with what looks like a person's replaced in its path as well."""
        path = impersonal_path(self.path)
        return self if path is self.path else replace(self, path=path)


def parse_page(
    page_url: str, *, keep_query: bool, rules: PageRules = AS_THEY_ARE
) -> Page | Rejected:
    """Take an http(s) address apart.

    Args:
        page_url: the address, from an untrusted place.
        keep_query: whether `path` goes on with the whole query string, as pages that are told
            apart by their query need.
        rules: which paths are one page.
    """
    if len(page_url) > MAX_REMEMBERED:
        return _parsed(page_url, keep_query, rules)
    return _remembered(page_url, keep_query, rules)


@lru_cache(maxsize=8192)
def _remembered(page_url: str, keep_query: bool, rules: PageRules) -> Page | Rejected:  # noqa: FBT001 - by place is faster
    """Take an address apart that is short, as those are that come again: 8 MB at most are kept."""
    return _parsed(page_url, keep_query, rules)


def _parsed(page_url: str, keep_query: bool, rules: PageRules) -> Page | Rejected:  # noqa: FBT001 - see above
    parts = _split(page_url)
    hostname = None if parts is None else _hostname(parts)
    if parts is None or hostname is None:
        return Rejected(RejectionCode.INVALID_URL, "page_url")
    path = readable_path(parts.path)
    pairs = _parameters(parts.query)
    if rules != AS_THEY_ARE:
        path = _with_parameters(rules.joined(path), rules, pairs)
    return Page(
        hostname=hostname,
        path=f"{path}?{parts.query}" if keep_query and parts.query else path,
        query=_kept(pairs),
        click=next((name for name, _ in pairs if name in CLICK_IDS), ""),
    )


def _with_parameters(path: str, rules: PageRules, pairs: Sequence[tuple[str, str]]) -> str:
    """Return a path with the parameters that tell pages apart, in the order of the rules."""
    kept = [
        impersonal_encoded(pair)
        for wanted in rules.parameters
        for name, pair in pairs
        if name == wanted.lower()
    ]
    return f"{path}?{'&'.join(kept)}" if kept else path


def _kept(pairs: Sequence[tuple[str, str]]) -> str:
    return "&".join(
        impersonal_encoded(pair) for name, pair in pairs if KEPT_PARAMETER.fullmatch(name)
    )


def _parameters(query: str) -> list[tuple[str, str]]:
    """Return the first parameters of a query by lower-case name, each as it is written."""
    if not query:
        return []
    pairs = query.split("&", MAX_PARAMETERS)[:MAX_PARAMETERS]
    return [(_name(pair), pair) for pair in pairs]


def _split(url: str) -> SplitResult | None:
    url = url.strip()
    if not url.isprintable():  # as a browser writes them in an address
        url = LINE_BREAKERS.sub(_percent_encoded, repaired(url))
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # unbalanced brackets, a port out of range, characters that NFKC splits
        return None
    return parts if parts.scheme in {"http", "https"} else None


def _hostname(parts: SplitResult) -> str | None:
    hostname = (parts.hostname or "").removesuffix(".")
    # A browser reads a backslash as a slash, urlsplit as part of the host.
    if "\\" in parts.netloc or len(hostname) > MAX_HOSTNAME:
        return None
    if not HOSTNAME.fullmatch(hostname):
        return None
    hostname = ascii_host(hostname)
    return hostname if len(hostname) <= MAX_HOSTNAME else None


def _percent_encoded(found: re.Match[str]) -> str:
    return quote(found[0])


def _name(pair: str) -> str:
    name = pair[: MAX_WRITTEN_NAME + 1].partition("=")[0]
    if len(name) > MAX_WRITTEN_NAME:
        return ""  # longer than any that is kept
    return (unquote(name) if "%" in name else name).lower()
