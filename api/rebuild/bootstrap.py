"""Builds the rebuild API, once per container."""

from functools import cache

from aggregates.stores.opener import reading
from api.rebuild.endpoint import RebuildEndpoint
from runtime.container import container
from runtime.sites.opener import sites


@cache
def endpoint() -> RebuildEndpoint:
    """Return the endpoint.

    Raises:
        UsageError: a setting is missing.
    """
    with container() as settings:
        return RebuildEndpoint(sites(settings), reading(settings))
