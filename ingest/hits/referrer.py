"""Where the visitor of a page came from."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from ingest.hits.channel import Channel, Signal, channel
from ingest.hits.clicks import CLICKS
from ingest.hits.host import readable_host
from ingest.hits.page import Page, parse_page
from ingest.hits.rejection import Rejected
from ingest.hits.sources import Kind, Source, is_no_source, known_host, known_name
from runtime.sites.site import Site
from schemas.text import clean

APP = re.compile(r"(?:android|ios)-app://", re.IGNORECASE)
"""Chrome on Android names the app that opened a page: android-app://com.linkedin.android/; what
stands for it on iOS has the number or the bundle of the app."""
STAYS = frozenset({Kind.SEARCH, Kind.SOCIAL, Kind.VIDEO, Kind.SHOPPING, Kind.AI})
"""Kinds of places that show advertisements of a network, and remain where somebody came from."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """What an event says of its origin, alone and without the visit around it.

    An empty `source` means a direct visit, or a page that was reached from within the site.
    """

    referrer: str
    source: str
    channel: Channel
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_term: str
    utm_content: str


def attribute(referrer: str, page: Page, site: Site) -> Attribution:
    """Find out where an event's visitor came from.

    Parameters in the page's address win over the referrer: whoever wrote the link said so. So does
    a click id, where the referrer is none that is known.

    Args:
        referrer: `document.referrer`, untrusted.
        page: the page the visitor came to.
        site: decides which referrers are its own pages.
    """
    origin = _external(referrer, page, site) if referrer else NOWHERE
    return _attribution(origin, page.query, page.click)


@lru_cache(maxsize=4096)
def _attribution(origin: Page, query: str, click: str) -> Attribution:
    """Say what an origin and the address of a page mean: most have been seen before."""
    utm = {name.lower(): clean(value).strip() for name, value in parse_qsl(query)}
    tagged = (utm.get("utm_source") or utm.get("ref") or utm.get("source") or "").lower()
    known, medium = _known(tagged, origin, click)
    host = readable_host(origin.hostname.removeprefix("www."))
    source = known.name if known else tagged or host
    signal = Signal(
        source=(tagged or source).lower(),
        kind=known.kind if known else Kind.OTHER,
        medium=utm.get("utm_medium", "").lower() or medium,
        campaign=utm.get("utm_campaign", "").lower(),
    )
    return Attribution(
        referrer=f"{readable_host(origin.hostname)}{origin.path.rstrip('/')}",
        source=source,
        channel=channel(signal),
        utm_source=utm.get("utm_source", "").lower(),
        utm_medium=utm.get("utm_medium", ""),
        utm_campaign=utm.get("utm_campaign", ""),
        utm_term=utm.get("utm_term", ""),
        utm_content=utm.get("utm_content", ""),
    )


NOWHERE = Page(hostname="", path="", query="")


def _known(tagged: str, origin: Page, click: str) -> tuple[Source | None, str]:
    """Return the known place that somebody came from, and the medium that this implies."""
    paid = CLICKS.get(click)
    if tagged:
        return known_name(tagged), paid.medium if paid else ""
    by_host = known_host(origin.hostname) if origin.hostname else None
    if paid is None:
        return by_host, by_host.medium if by_host else ""
    if by_host is not None and by_host.kind in STAYS:
        return by_host, paid.medium
    return known_name(paid.network), paid.medium


def _external(referrer: str, page: Page, site: Site) -> Page:
    url = referrer.strip()
    app = APP.match(url)
    if app:
        url = "https://" + url[app.end() :]
    origin = parse_page(url, keep_query=False)
    if isinstance(origin, Rejected):
        return NOWHERE
    host = origin.hostname.removeprefix("www.")
    is_internal = host == page.hostname.removeprefix("www.") or site.accepts_host(origin.hostname)
    if is_internal or is_no_source(host) or _is_ignored(host, site):
        return NOWHERE
    return origin.impersonal() if site.scrub_paths else origin


def _is_ignored(host: str, site: Site) -> bool:
    return any(
        host == ignored or host.endswith(f".{ignored}") for ignored in site.ignored_referrers
    )
