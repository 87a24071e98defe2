"""What a request's headers say about the browser that sent it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from schemas.text import clean

MAX_USER_AGENT = 1000
MAX_PLACE = 100
MAX_WRITTEN_PLACE = 12 * MAX_PLACE
"""With each character percent-encoded in UTF-8."""
MAX_LANGUAGES = 100
"""Of Accept-Language, its first tag is read."""

LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,4}")
COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Client:
    """The sender of a request. `address` and `user_agent` never leave the collector."""

    address: str
    user_agent: str
    language: str = ""
    country: str = ""
    region: str = ""
    city: str = ""


def client_from_headers(headers: Mapping[str, str], address: str) -> Client:
    """Read the client from a request's headers.

    Args:
        headers: by lower-case name.
        address: the peer's IP address; CloudFront's viewer address, where there is one, wins,
            because the peer is then CloudFront.
    """
    region = headers.get("cloudfront-viewer-country-region") or headers.get(
        "cloudfront-viewer-country-region-name", ""
    )
    traits = _traits(
        headers.get("user-agent", "")[:MAX_USER_AGENT],
        headers.get("accept-language", "")[:MAX_LANGUAGES],
        headers.get("cloudfront-viewer-country", "")[:3],
        region[:MAX_WRITTEN_PLACE],
        headers.get("cloudfront-viewer-city", "")[:MAX_WRITTEN_PLACE],
    )
    return Client(_viewer_address(headers) or address, *traits)


@lru_cache(maxsize=4096)
def _traits(
    user_agent: str, languages: str, country: str, region: str, city: str
) -> tuple[str, str, str, str, str]:
    """Read what many clients share: most have been read before."""
    country = country.upper()
    return (
        clean(user_agent),
        language_tag(languages),
        country if COUNTRY.fullmatch(country) else "",
        _place(region),
        _place(city),
    )


def language_tag(languages: str) -> str:
    """Return the first tag of an Accept-Language value, or an empty string."""
    tag = languages[:MAX_LANGUAGES].partition(",")[0].partition(";")[0].strip()
    return tag if LANGUAGE.fullmatch(tag) else ""


def _viewer_address(headers: Mapping[str, str]) -> str:
    # "198.51.100.7:46532", "2001:db8::7:46532": the port is always there and always last.
    return headers.get("cloudfront-viewer-address", "").rpartition(":")[0]


def _place(encoded: str) -> str:
    return clean(unquote(encoded[:MAX_WRITTEN_PLACE])).strip()[:MAX_PLACE]
