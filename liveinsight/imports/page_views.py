"""Lines of logs as events on their way to the stream. Pure.

What the collector does with a hit of a browser, done with what a line has: thousands of times a
second, so what is the same for many lines is worked out once.
"""

from dataclasses import astuple
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from aggregates.window import local_hour
from ingest.accepted.port import Accepted
from ingest.hits.client import MAX_USER_AGENT, Client
from ingest.hits.judge import context, partition_key, place_of
from ingest.hits.page import Page, parse_page
from ingest.hits.visitor import partition_of, visitor_id
from ingest.stream.sink import SinkRecord
from liveinsight.imports.access_log import LogLine
from runtime.sites.site import Site
from schemas.event import ViewEncoder, decode_batch, encode_batch, encoded_texts
from schemas.hit import MAX_URL

REMEMBERED = 16384
"""Visitors, and pages with their referrers, that come again."""
MAX_REMEMBERED = 600
"""Characters of a page and referrer that are remembered."""


class Visitor(NamedTuple):
    """A client on one day of a site."""

    visitor_id: bytes
    session_id: bytes
    """As it is encoded."""
    partition_key: str
    context: bytes
    """As it is encoded."""


class PageView(NamedTuple):
    """A line that became an event."""

    visitor_id: bytes
    day: date
    """Site-local."""
    record: SinkRecord


def line_digest(content: bytes) -> bytes:
    """Return 16 bytes that stand for what a line says."""
    return blake2b(content, digest_size=16).digest()


def event_id(digest: bytes, number: int) -> bytes:
    """Return the id of a line's event, a UUID: equal lines of one log are different events.

    Args:
        digest: `line_digest` of the line.
        number: which of its equals it is, from 0 on.
    """
    hashed = blake2b(digest, digest_size=16, key=number.to_bytes(8, "big")).digest()
    made = bytearray(hashed)
    made[6] = made[6] & 0x0F | 0x50
    made[8] = made[8] & 0x3F | 0x80
    return bytes(made)


class PageViews:
    """Makes the events of one site.

    Args:
        site: as it was on the last day of the lines, or later: until a day begins its number of
            partitions may change.
        keep_query: whether pages keep their whole query string.
    """

    def __init__(self, site: Site, *, keep_query: bool = False) -> None:
        self._site, self._keep_query = site, keep_query
        self._encoder = ViewEncoder(site.site_id)
        self._visitor = lru_cache(maxsize=REMEMBERED)(self._new_visitor)
        self._place = lru_cache(maxsize=REMEMBERED)(self._new_place)
        self._salt = lru_cache(maxsize=64)(site.import_salt)
        self._accepted = lru_cache(maxsize=64)(lambda day: Accepted(site.site_id, day, 1))

    def of(self, line: LogLine, identity: bytes) -> PageView | None:
        """Return the page view that a line stands for; None: the collector would refuse it.

        Args:
            line: a line that counts.
            identity: the id of its event.
        """
        place = self._placed(line)
        if place is None:
            return None
        at = line.at
        day = local_hour(at, self._site.timezone).day
        visitor = self._visitor(day, line.address, (line.user_agent or "")[:MAX_USER_AGENT])
        data = self._encoder.encode(
            visitor.visitor_id, at, visitor.context, identity, visitor.session_id, place
        )
        if not self._encoder.is_plain:
            data = encode_batch(decode_batch(data))
        record = SinkRecord(visitor.partition_key, data, self._accepted(day))
        return PageView(visitor.visitor_id, day, record)

    def _placed(self, line: LogLine) -> bytes | None:
        if len(line.target) + len(line.referrer) > MAX_REMEMBERED:
            return self._new_place(line.host, line.target, line.referrer)
        return self._place(line.host, line.target, line.referrer)

    def _new_place(self, host: str, target: str, referrer: str) -> bytes | None:
        """Encode what an event says of its page, and of where its visitor came from."""
        site = self._site
        host = host if host and site.accepts_host(host) else site.site_id
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}{target}"
        page = parse_page(url, keep_query=self._keep_query, rules=site.pages)
        if not isinstance(page, Page) or len(page.path) > MAX_URL:
            return None
        if len(referrer) > MAX_URL:
            referrer = referrer.partition("?")[0][:MAX_URL]
        return encoded_texts(place_of(page, referrer, site))

    def _new_visitor(self, day: date, address: str, user_agent: str) -> Visitor:
        site = self._site
        client = Client(address, user_agent)
        made = visitor_id(self._salt(day), site.site_id, client)
        key = partition_key(site.site_id, partition_of(site, day, made))
        return Visitor(made, encoded_texts((made.hex(),)), key, _context(user_agent))


@lru_cache(maxsize=4096)
def _context(user_agent: str) -> bytes:
    return encoded_texts(astuple(context(Client("", user_agent), "")))
