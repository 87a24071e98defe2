"""How much a client and a site may send in a second, for all workers together. Bounded in bytes.

Of a sender one moment is kept: until when it has used up what it may send. What it sends moves the
moment on, time overtakes it; who is BURST_SECONDS ahead of time has to wait. The moments lie in a
table of a fixed size, each sender in two places that a secret hash of its name gives. What is read
is the lesser of both, so a sender suffers for others only where both places are others' as well.

The workers share the table as a file in memory. Two that write at the same instant may lose what
one of them has written: that lets a sender send a little more.
"""

import hashlib
import mmap
import os
import secrets
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path

CLIENT_PLACES = 1 << 17
SITE_PLACES = 1 << 12
KEY_BYTES = 16
MOMENT_BYTES = 8
FILE_BYTES = KEY_BYTES + (CLIENT_PLACES + SITE_PLACES) * MOMENT_BYTES
"""1.1 MB."""
BURST_SECONDS = 30
"""A sender that was quiet may send as much at once as in so many seconds."""
REMEMBERED = 4096
NETWORK_BITS = 64
"""Of an IPv6 address: whoever has one has all that begin like it."""


class Buckets:
    """What senders of one kind have used up.

    Args:
        moments: the table, as doubles; its length is a power of two.
        key: 16 random bytes, the same for all that share the table.
        per_second: what a sender may send.
    """

    def __init__(self, moments: "memoryview[float]", key: bytes, per_second: float) -> None:
        self._moments, self._second_each = moments, 1 / per_second
        places = len(moments) - 1

        @lru_cache(maxsize=REMEMBERED)
        def places_of(sender: str) -> tuple[int, int]:
            digest = hashlib.blake2b(sender.encode(errors="replace"), key=key, digest_size=8)
            number = int.from_bytes(digest.digest(), "big")
            return number & places, (number >> 32) & places

        self._places_of = places_of

    def wait(self, sender: str, now: float) -> float:
        """Return for how many seconds a sender has to wait; 0: it may send."""
        one, other = self._places_of(sender)
        used_until = min(self._moments[one], self._moments[other])
        return max(0.0, used_until - now - BURST_SECONDS)

    def charge(self, sender: str, cost: float, now: float) -> None:
        """Remember what a sender has sent."""
        self._charge(*self._places_of(sender), cost, now)

    def admit(self, sender: str, cost: float, now: float) -> float:
        """Let a sender send, and remember it; or return for how many seconds it has to wait."""
        one, other = self._places_of(sender)
        moments, free_from = self._moments, now + BURST_SECONDS
        if moments[one] > free_from and moments[other] > free_from:
            return self.wait(sender, now)
        self._charge(one, other, cost, now)
        return 0.0

    def _charge(self, one: int, other: int, cost: float, now: float) -> None:
        # Compared, not by min and max: this is done for every request.
        moments = self._moments
        of_one, of_other = moments[one], moments[other]
        used_until = of_one if of_one < of_other else of_other  # noqa: FURB136
        used_until = (used_until if used_until > now else now) + cost * self._second_each  # noqa: FURB136
        if of_one < used_until:
            moments[one] = used_until
        if of_other < used_until:
            moments[other] = used_until


@dataclass(frozen=True, slots=True)
class Rates:
    """What may be sent in a second. None: as much as comes."""

    clients: Buckets | None = None
    """By client_of its address."""
    sites: Buckets | None = None
    """By site id."""


UNLIMITED = Rates()


def make_file(path: Path) -> None:
    """Make the file that workers share."""
    with path.open("xb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.truncate(FILE_BYTES)


def shared(path: Path, *, client_rate: int, site_rate: int) -> Rates:
    """Return the rates that all have who open this file.

    Args:
        path: of the file.
        client_rate: what a client may send in a second; 0: as much as it wants.
        site_rate: what a site may be sent.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        memory = memoryview(mmap.mmap(descriptor, FILE_BYTES))
    finally:
        os.close(descriptor)
    key = bytes(memory[:KEY_BYTES])
    end = KEY_BYTES + CLIENT_PLACES * MOMENT_BYTES
    clients, sites = memory[KEY_BYTES:end].cast("d"), memory[end:].cast("d")
    return Rates(
        Buckets(clients, key, client_rate) if client_rate else None,
        Buckets(sites, key, site_rate) if site_rate else None,
    )


@lru_cache(maxsize=REMEMBERED)
def client_of(address: str) -> str:
    """Return what an address has in common with others of the same client."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4 or found.ipv4_mapped is not None:  # noqa: PLR2004 - IPv4
        return str(found if found.version == 4 else found.ipv4_mapped)  # noqa: PLR2004
    return f"{int(found) >> NETWORK_BITS:x}::"
