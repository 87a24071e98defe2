"""Builds the reconciliation API, once per container."""

from functools import cache

from aggregates.stores.opener import reading
from api.endpoint import Endpoint
from api.reconciliation.query import ReconciliationQuery
from runtime.container import container
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites


@cache
def endpoint() -> Endpoint:
    """Return the endpoint.

    Raises:
        UsageError: a setting is missing.
    """
    with container() as settings:
        return Endpoint(SiteCache(sites(settings)), ReconciliationQuery(reading(settings)))
