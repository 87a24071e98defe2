"""Builds the APIs that ask single events, once per container."""

from functools import cache

from aggregates.stores.opener import reading
from api.endpoint import Endpoint
from api.query.changes import GoalsEndpoint
from api.query.funnel import FunnelQuery
from api.query.query import QueryQuery
from api.query.reached import GoalsQuery
from api.routes import Routed
from query.opener import query_engine
from runtime.container import container
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites

QUERY_PATH, GOALS_PATH, FUNNEL_PATH = "/api/query", "/api/goals", "/api/funnel"


@cache
def endpoint() -> Routed:
    """Return what answers, by path.

    Raises:
        UsageError: a setting is missing.
    """
    with container() as settings:
        read, engine = reading(settings), cache(lambda: query_engine(settings))
        store = sites(settings)
        known = SiteCache(store)
        reader = Endpoint(known, GoalsQuery(read, engine))
        return Routed(
            {
                QUERY_PATH: Endpoint(known, QueryQuery(read, engine)),
                GOALS_PATH: GoalsEndpoint(reader, store, known),
                FUNNEL_PATH: Endpoint(known, FunnelQuery(read, engine)),
            }
        )
