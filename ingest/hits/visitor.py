"""Who a visitor is for one day of one site, without keeping who that is."""

import hashlib
import hmac
from datetime import date

from ingest.hits.client import Client
from runtime.sites.site import Site
from schemas.event import VISITOR_ID_LENGTH


def visitor_id(salt: bytes, site_id: str, client: Client) -> bytes:
    """Return the id of a client on a site under the salt of the day (8 bytes).

    When the salt is deleted, nobody can find out any more whose id it was.
    """
    parts = (site_id, client.address, client.user_agent)
    message = b"".join(_with_length(part) for part in parts)
    return hmac.digest(salt, message, "sha256")[:VISITOR_ID_LENGTH]


def own_visitor_id(salt: bytes, site_id: str, visitor: str) -> bytes:
    """Return the id of a visitor whom the owner's program names (8 bytes)."""
    message = b"".join(_with_length(part) for part in ("own", site_id, visitor))
    return hmac.digest(salt, message, "sha256")[:VISITOR_ID_LENGTH]


def partition_of(site: Site, day: date, visitor_id: bytes) -> int:
    """Return the one partition in which a visitor lives, whatever the site's number is later.

    Args:
        site: its settings, read on that day or later.
        day: the site-local day whose salt has made the visitor id.
        visitor_id: of the visitor.
    """
    # The key makes the partitions of one visitor id on two sites independent of each other.
    key = hashlib.blake2b(site.site_id.encode(), digest_size=32).digest()
    hashed = hashlib.blake2b(visitor_id, digest_size=8, key=key).digest()
    return int.from_bytes(hashed, "big") % site.partitions.number_on(day)


def _with_length(text: str) -> bytes:
    # A separator could be part of a user agent; a length cannot be mistaken.
    encoded = text.encode(errors="surrogatepass")
    return len(encoded).to_bytes(4, "big") + encoded
