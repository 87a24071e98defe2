"""Builds the stats API, once per container."""

import os
from functools import cache

from aggregates.stores.sqlite import SqliteRollupStore, tables
from api.endpoint import Endpoint
from api.stats.query import StatsQuery
from liveinsight.runtime.settings import Settings
from liveinsight.runtime.sites.cache import SiteCache
from liveinsight.runtime.sites.sqlite import SqliteSiteStore


@cache
def endpoint() -> Endpoint:
    """Return the endpoint on the embedded stores."""
    settings = Settings.from_env(os.environ)
    return Endpoint(
        sites=SiteCache(SqliteSiteStore(settings.sites_path)),
        query=StatsQuery(SqliteRollupStore(tables(settings.tables_path))),
    )
