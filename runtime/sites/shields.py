"""What a site refuses on purpose, and how much of it a day: its shields. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from runtime.errors import UsageError

LISTS = ("addresses", "countries", "pages", "hosts", "agents")
MOST_ENTRIES = 1000
"""Of each list."""
MOST_CHARACTERS = 300
LABEL = r"[\w-]{1,63}"
HOST = re.compile(rf"(?:\*|{LABEL})(?:\.(?:\*|{LABEL}))*+")
COUNTRY = re.compile(r"[A-Z]{2}")
MOST_EVENTS = 10**12

Network = IPv4Network | IPv6Network


class Tokens(StrEnum):
    """Whether events must show a token."""

    ENFORCE = "enforce"
    """They must."""
    OBSERVE = "observe"
    """They need not; those that show none are counted apart."""
    OFF = "off"
    """They need not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shields:
    """What is dropped, whoever sends it.

    Raises:
        UsageError: an entry cannot be; the message says which.
    """

    addresses: tuple[str, ...] = ()
    """Ranges, such as 192.0.2.0/24, and single addresses."""
    countries: tuple[str, ...] = ()
    """ISO 3166-1, two capitals."""
    pages: tuple[str, ...] = ()
    """Paths; * stands for any characters."""
    hosts: tuple[str, ...] = ()
    """Host names of pages; a label may be *."""
    agents: tuple[str, ...] = ()
    """Parts of user agents, in capitals or not."""
    daily_quota: int = 0
    """Events that are accepted on a day of the site, about; 0: any number."""

    def __post_init__(self) -> None:
        """Refuse entries that cannot be."""
        for name in LISTS:
            _check_texts(name, getattr(self, name))
        for address in self.addresses:
            _network(address)
        for host in self.hosts:
            check_host(host)
        for country in self.countries:
            if not COUNTRY.fullmatch(country):
                raise UsageError(f"countries: {country!a} is none: write it as DE")
        if not 0 <= self.daily_quota <= MOST_EVENTS:
            raise UsageError(f"daily_quota: {self.daily_quota} is not from 0 to {MOST_EVENTS}")

    def drops_address(self, address: str) -> bool:
        """Say whether an address is in one of the ranges; a text that is none is in none."""
        if not self.addresses:
            return False
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if found.version == 6 and found.ipv4_mapped is not None:  # noqa: PLR2004 - IPv6
            found = found.ipv4_mapped
        return any(found in network for network in _networks(self.addresses))

    def drops_agent(self, user_agent: str) -> bool:
        """Say whether one of the parts is in a user agent."""
        agent = user_agent.lower() if self.agents else ""
        return any(part.lower() in agent for part in self.agents)

    def drops_page(self, path: str) -> bool:
        """Say whether a path has the form of one of the patterns."""
        return any(is_like(path, pattern) for pattern in self.pages)

    def drops_host(self, host: str) -> bool:
        """Say whether a host is one of those that are dropped."""
        return any(host_matches(host, pattern) for pattern in self.hosts)


def is_like(text: str, pattern: str) -> bool:
    """Say whether a text has the form of a pattern, in which * stands for any characters.

    Each part is looked for once, from left to right: in linear time for each part.
    """
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *middle, last = others
    if not text.startswith(first) or len(text) < len(first) + len(last):
        return False
    end = len(text) - len(last)
    at = len(first)
    for part in middle:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return text.endswith(last)


def host_matches(host: str, pattern: str) -> bool:
    """Say whether a host is the one of a pattern, in which a label may be *: exactly one label."""
    if "*" not in pattern:
        return host == pattern
    labels, wanted = host.split("."), pattern.split(".")
    return len(labels) == len(wanted) and all(
        want in {"*", label} for label, want in zip(labels, wanted, strict=True)
    )


def check_host(pattern: str) -> None:
    """Refuse what is no host, nor one with a * for a label.

    Raises:
        UsageError: it is not.
    """
    if not HOST.fullmatch(pattern) or pattern == "*":
        raise UsageError(f"{pattern!a} is no host: write it as shop.example.com or *.example.com")


def _check_texts(name: str, entries: Sequence[str]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise UsageError(f"{name}: at most {MOST_ENTRIES} can be dropped")
    for entry in entries:
        if not (0 < len(entry) <= MOST_CHARACTERS and entry.isprintable()):
            raise UsageError(f"{name}: {entry[:40]!a} has not 1 to {MOST_CHARACTERS} characters")


@lru_cache(maxsize=256)
def _networks(ranges: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(_network(one) for one in ranges)


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise UsageError(
            f"addresses: {text!a} is no address or range: write it as 192.0.2.0/24"
        ) from error


def added(known: Iterable[str], more: Iterable[str], less: Iterable[str]) -> tuple[str, ...]:
    """Return a list with some entries added at its end, and some taken out."""
    gone = set(less)
    return tuple(one for one in dict.fromkeys((*known, *more)) if one not in gone)


NO_SHIELDS = Shields()
