"""Well-known places that visitors come from: their names, hosts and kinds.

What decides most visits is written in `sources.tsv`, and here are the rules: which hosts below a
search engine's domain search; the others are mail, a portal's page, or a sign-in. Beyond that there
is a list that others keep (`referrers.tsv`, which says where it is from).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path


class Kind(StrEnum):
    """What a place is, as far as channels are concerned."""

    SEARCH = "search"
    SOCIAL = "social"
    VIDEO = "video"
    SHOPPING = "shopping"
    AI = "ai"
    EMAIL = "email"
    ADS = "ads"
    """Shows advertisements that others paid for."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Source:
    """A place that visitors come from."""

    name: str
    kind: Kind
    medium: str = ""
    """What is implied where nothing else says how somebody came."""


TLD = r"(?:com?\.)?[a-z]{2,3}"
PATTERNS = (
    (re.compile(rf"google\.(?:{TLD}|it\.ao)"), Source("Google", Kind.SEARCH)),
    (re.compile(rf"yandex\.{TLD}"), Source("Yandex", Kind.SEARCH)),
    (re.compile(rf"amazon\.{TLD}"), Source("Amazon", Kind.SHOPPING)),
    (re.compile(rf"ebay\.{TLD}"), Source("eBay", Kind.SHOPPING)),
    (re.compile(rf"yahoo\.{TLD}"), Source("Yahoo", Kind.SEARCH)),
)
"""google.com, google.de, google.co.uk, google.com.au, google.cat."""

SEARCHES = re.compile(
    r"search\d?|www\d?|m|mobile|wap|r|images?|img|videos?|clck"
    r"|html|lite|start|safe|noai|cse|busca|buscador|recherche|suche|szukaj|hledej|poisk|nova|go"
    r"|so\.m|cn|de|fr|es|it|uk|us|ca|au|br|jp|kr|ru|tw|hk|in|mx|nl|pl|global|smile"
)
"""What stands before a search engine's domain, or a shop's, on hosts that search, or sell. Others
(mail., accounts., cafe.) belong to the same company, and are something else."""

SEARCH_LABELS = frozenset({"search", "msearch", "websearch"})
"""A host that has one of these labels searches, whatever stands beside it."""

OWN = Path(__file__).with_name("sources.tsv")
LISTED = Path(__file__).with_name("referrers.tsv")
PAID, NONE = "paid", "none"
"""Kinds of the file that are none of a source."""

MAX_LABELS = 8
"""How many of a host's labels, from its end, are looked up: twice as many as a known one has."""
SEARCHING = frozenset({Kind.SEARCH, Kind.SHOPPING})


@lru_cache(maxsize=4096)
def known_host(host: str) -> Source | None:
    """Return the source that a host, or a domain above it, belongs to.

    Of a search engine's or a shop's domain only hosts are meant that search, or sell.

    Args:
        host: lower case; a host name or the name of an app.
    """
    return own_source(host) or _found(host, _listed())


def known_name(name: str) -> Source | None:
    """Return the source that a utm_source value means, be it a short name or a host."""
    name = name.lower()
    return _own().get(name) or known_host(name.removeprefix("www."))


def own_source(host: str) -> Source | None:
    """Return what is known of a host without the list that others keep."""
    return _found(host, _own())


@lru_cache(maxsize=4096)
def is_no_source(host: str) -> bool:
    """Say whether whoever comes from a host had gone there to sign in, or to pay."""
    labels = host.split(".")[-MAX_LABELS:]
    return any(".".join(labels[start:]) in _no_sources() for start in range(len(labels) - 1))


def _found(host: str, known: Mapping[str, Source]) -> Source | None:
    labels = host.split(".")[-MAX_LABELS:]
    # A domain has two labels at least: the bare names in the table stand for utm_source values.
    for start in range(max(len(labels) - 1, 1)):
        domain = ".".join(labels[start:])
        source = known.get(domain)
        if source is None and known is _own():
            source = next((one for pattern, one in PATTERNS if pattern.fullmatch(domain)), None)
        if source is not None:
            return source if _is_meant(source, ".".join(labels[:start])) else None
    return None


def _is_meant(source: Source, below: str) -> bool:
    """Say whether a host below a source's domain is that source."""
    if not below or source.kind not in SEARCHING or SEARCHES.fullmatch(below):
        return True
    return not SEARCH_LABELS.isdisjoint(below.split("."))


def is_below_own(host: str) -> bool:
    """Say whether a host is below a domain whose hosts are told apart here, and not by a list."""
    labels = host.split(".")[-MAX_LABELS:]
    domains = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    return any(one in _own() or any(p.fullmatch(one) for p, _ in PATTERNS) for one in domains)


@cache
def _own() -> Mapping[str, Source]:
    sources = {}
    for kind, name, keys in _rows(OWN):
        if kind == PAID:
            source = Source(name, Kind.SEARCH, "cpc")
        elif kind == NONE:
            continue
        else:
            source = Source(name, Kind(kind), "display" if kind == Kind.ADS else "")
        sources.update(dict.fromkeys(keys, source))
    return sources


@cache
def _no_sources() -> frozenset[str]:
    return frozenset(key for kind, _, keys in _rows(OWN) if kind == NONE for key in keys)


@cache
def _listed() -> Mapping[str, Source]:
    """Read the list that others keep, once."""
    sources = {}
    for kind, name, hosts in _rows(LISTED):
        sources.update(dict.fromkeys(hosts, Source(name, Kind(kind))))
    return sources


def _rows(path: Path) -> Iterator[tuple[str, str, list[str]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            kind, name, keys = line.split("\t")
            yield kind, name, keys.split()
