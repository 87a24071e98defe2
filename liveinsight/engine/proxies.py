"""Who the client of a request is, where proxies stand between: X-Forwarded-For, from the right."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from runtime.errors import UsageError
from runtime.settings import EmbeddedSettings, Variable

LOGGER = logging.getLogger(__name__)
Network = IPv4Network | IPv6Network
MANY = 200
"""Requests in a row from one address."""
OWN_NETWORKS = (
    *(ip_network("10.0.0.0/8"), ip_network("172.16.0.0/12"), ip_network("192.168.0.0/16")),
    *(ip_network("127.0.0.0/8"), ip_network("::1/128"), ip_network("fc00::/7")),
)
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
MOST_HOPS = 10
FORWARDED = "x-forwarded-for"
MAX_ADDRESS = 100


@dataclass(frozen=True, slots=True)
class Proxies:
    """Which peers are believed when they name another one.

    Attributes:
        networks: of the proxies; those of this machine are always among them.
        hops: how many proxies stand between clients and this server; 0: the networks decide.
        header: names the client, where a proxy that is believed has sent it; empty: none does.
    """

    networks: tuple[Network, ...] = LOOPBACK
    hops: int = 0
    header: str = ""

    def client(self, peer: str, headers: Mapping[str, str]) -> str:
        """Return the client's address; empty: nobody who is believed names one.

        Args:
            peer: the address that the request came from.
            headers: by lower-case name.
        """
        if not (self.hops or self.trusts(peer)):
            return ""
        if self.header:
            named = address_of(headers.get(self.header, ""))
            if named:
                return named
        chain = headers.get(FORWARDED, "").rsplit(",", MOST_HOPS)[-MOST_HOPS:]
        if self.hops:
            return address_of(chain[-self.hops]) if len(chain) >= self.hops else ""
        client = ""
        for hop in reversed(chain):
            named = address_of(hop)
            if not named:
                break
            client = named
            if not self.trusts(named):
                break
        return client

    def trusts(self, address: str) -> bool:
        """Say whether an address is a proxy's."""
        return _is_within(address, self.networks)


def proxies_from(settings: EmbeddedSettings) -> Proxies:
    """Read which proxies are believed.

    Raises:
        UsageError: a setting cannot be used.
    """
    text = settings.trusted_proxies.strip()
    header = settings.client_header.strip().lower()
    if header and not header.replace("-", "").isalnum():
        raise UsageError(
            f"{Variable.CLIENT_HEADER} is {header!a}: name a header, as CF-Connecting-IP"
        )
    if text.isdecimal():
        if not 1 <= int(text) <= MOST_HOPS:
            raise UsageError(
                f"{Variable.TRUSTED_PROXIES} is {text}: there are from 1 to {MOST_HOPS} proxies"
            )
        return Proxies(hops=int(text), header=header)
    try:
        networks = [ip_network(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise UsageError(
            f"{Variable.TRUSTED_PROXIES} is {text!a}: write networks, as 172.16.0.0/12, or how many"
            " proxies there are"
        ) from error
    return Proxies((*LOOPBACK, *networks), header=header)


class OneAddress:
    """Says in the log, once, that all visitors seem to share one address."""

    def __init__(self) -> None:
        self._address = ""
        self._seen = 0

    def saw(self, peer: str, address: str, *, is_forwarded: bool) -> None:
        """Take note of a request.

        Args:
            peer: where it came from.
            address: its client's.
            is_forwarded: whether it names other addresses, believed or not.
        """
        if self._seen >= MANY:
            return
        if address != self._address:
            self._address, self._seen = address, 0
        self._seen += 1
        if self._seen == MANY and (is_forwarded or _is_within(address, OWN_NETWORKS)):
            LOGGER.warning(
                "the last %d requests all came from %s (by way of %s): if that is a proxy, say so"
                " with %s, or all visitors with one browser are one",
                MANY, address, peer, Variable.TRUSTED_PROXIES,
            )  # fmt: skip


def address_of(hop: str) -> str:
    """Return the IP address of 192.0.2.1:80, "[2001:db8::1]:80" and the like, or nothing."""
    text = hop.strip(' \t"')
    if len(text) > MAX_ADDRESS:
        return ""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped) if mapped is not None else text


@lru_cache(maxsize=4096)
def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
