"""Who a visitor is for one day of one site, without keeping who that is."""

import hmac
from datetime import date, datetime
from zoneinfo import ZoneInfo

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


def local_day(site: Site, now: datetime) -> date:
    """Return the date that it is on the site, whose midnight changes the salt."""
    return now.astimezone(ZoneInfo(site.timezone)).date()


def _with_length(text: str) -> bytes:
    # A separator could be part of a user agent; a length cannot be mistaken.
    encoded = text.encode(errors="surrogatepass")
    return len(encoded).to_bytes(4, "big") + encoded
