"""Where the visitor of a page came from."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from ingest.hits.channel import Channel, Signal, channel
from ingest.hits.page import Page, parse_page
from ingest.hits.rejection import Rejected
from ingest.hits.sources import Kind, known_host, known_name
from runtime.sites.site import Site
from schemas.text import clean

ANDROID_APP = "android-app://"
"""Chrome on Android names the app that opened a page: android-app://com.linkedin.android/."""


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

    Parameters in the page's address win over the referrer: whoever wrote the link said so.

    Args:
        referrer: `document.referrer`, untrusted.
        page: the page the visitor came to.
        site: decides which referrers are its own pages.
    """
    return _attribution(_external(referrer, page, site), page.query, page.paid_click)


@lru_cache(maxsize=2048)
def _attribution(origin: Page, query: str, paid_click: bool) -> Attribution:  # noqa: FBT001 - by place is faster
    """Say what an origin and the address of a page mean: most have been seen before."""
    utm = {name.lower(): clean(value).strip() for name, value in parse_qsl(query)}
    tagged = utm.get("utm_source") or utm.get("ref") or utm.get("source") or ""
    known = known_name(tagged) if tagged else known_host(origin.hostname)
    source = known.name if known else tagged or origin.hostname.removeprefix("www.")
    signal = Signal(
        source=(tagged or source).lower(),
        kind=known.kind if known else Kind.OTHER,
        medium=utm.get("utm_medium", "").lower() or ("cpc" if paid_click else ""),
        campaign=utm.get("utm_campaign", "").lower(),
    )
    return Attribution(
        referrer=f"{origin.hostname}{origin.path.rstrip('/')}",
        source=source,
        channel=channel(signal),
        utm_source=utm.get("utm_source", ""),
        utm_medium=utm.get("utm_medium", ""),
        utm_campaign=utm.get("utm_campaign", ""),
        utm_term=utm.get("utm_term", ""),
        utm_content=utm.get("utm_content", ""),
    )


NOWHERE = Page(hostname="", path="", query="")


def _external(referrer: str, page: Page, site: Site) -> Page:
    url = referrer.strip()
    if url.startswith(ANDROID_APP):
        url = "https://" + url.removeprefix(ANDROID_APP)
    origin = parse_page(url, keep_query=False)
    if isinstance(origin, Rejected):
        return NOWHERE
    host = origin.hostname.removeprefix("www.")
    is_internal = host == page.hostname.removeprefix("www.") or site.accepts_host(origin.hostname)
    if is_internal:
        return NOWHERE
    return origin.impersonal() if site.scrub_paths else origin
