"""Internationalised host names: as they stand on the wire, and as people read them. Pure."""

import unicodedata
from functools import lru_cache

PREFIX = "xn--"


def ascii_host(host: str) -> str:
    """Return a host name in ASCII, as browsers send it: `münchen.example` as xn--mnchen-3ya."""
    return host if host.isascii() else _encoded(host)


def readable_host(host: str) -> str:
    """Return a host name as people read it; one that is not well-formed as it is."""
    return _decoded(host) if PREFIX in host else host


@lru_cache(maxsize=1024)
def _encoded(host: str) -> str:
    return ".".join(map(_ascii_label, unicodedata.normalize("NFC", host).split(".")))


@lru_cache(maxsize=1024)
def _decoded(host: str) -> str:
    labels = [_readable_label(label) for label in host.split(".")]
    readable = ".".join(labels)
    return readable if readable.isprintable() and _encoded(readable) == host else host


def _ascii_label(label: str) -> str:
    return label if label.isascii() else PREFIX + label.encode("punycode").decode()


def _readable_label(label: str) -> str:
    if not label.startswith(PREFIX):
        return label
    try:
        return label.removeprefix(PREFIX).encode().decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label
