"""Builds the reconciliation API, once per container."""

from functools import cache

from aggregates.stores.opener import heads, reading
from api.endpoint import Endpoint
from api.reconciliation.evidence import Witnesses
from api.reconciliation.query import ReconciliationQuery
from api.reconciliation.witnesses import RememberedLosses
from runtime.container import container
from runtime.settings import Settings
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites


@cache
def endpoint() -> Endpoint:
    """Return the endpoint, which asks no witness but the heads of the archive.

    Raises:
        UsageError: a setting is missing.
    """
    with container() as settings:
        return endpoint_with(settings, RememberedLosses(heads(settings)))


def endpoint_with(settings: Settings, witnesses: Witnesses) -> Endpoint:
    """Return the endpoint that asks these witnesses.

    Raises:
        UsageError: a setting is missing.
    """
    query = ReconciliationQuery(reading(settings), witnesses)
    return Endpoint(SiteCache(sites(settings)), query)
