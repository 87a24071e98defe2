"""Builds the realtime API, once per container."""

from dataclasses import replace
from functools import cache

from aggregates.stores.opener import events, minutes
from api.endpoint import Endpoint
from api.realtime.feed import FeedQuery
from api.realtime.query import RealtimeQuery
from api.realtime.visit import VisitQuery
from api.routes import Routed
from runtime.container import container
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites
from runtime.sites.site import Site

REALTIME_PATH = "/api/realtime"
FEED_PATH, VISIT_PATH = "/api/live/events", "/api/live/visit"


def seen(site: Site, key: str | None) -> Site:
    """Return a site as a reader with this key sees it: with single visits, or without."""
    return replace(site, public_visits=site.may_see_visits(key))


@cache
def endpoint() -> Routed:
    """Return what answers, by path.

    Raises:
        UsageError: a setting is missing.
    """
    with container() as settings:
        known, live = SiteCache(sites(settings)), minutes(settings)
        return Routed(
            {
                REALTIME_PATH: Endpoint(known, RealtimeQuery(live)),
                FEED_PATH: Endpoint(known, FeedQuery(live), seen),
                VISIT_PATH: Endpoint(known, VisitQuery(events(settings)), seen),
            }
        )
