"""Builds the realtime API, once per container."""

import os
from functools import cache

from aggregates.stores.sqlite import SqliteMinuteStore, tables
from api.endpoint import Endpoint
from api.realtime.query import RealtimeQuery
from liveinsight.runtime.settings import Settings
from liveinsight.runtime.sites.cache import SiteCache
from liveinsight.runtime.sites.sqlite import SqliteSiteStore


@cache
def endpoint() -> Endpoint:
    """Return the endpoint on the embedded stores."""
    settings = Settings.from_env(os.environ)
    return Endpoint(
        sites=SiteCache(SqliteSiteStore(settings.sites_path)),
        query=RealtimeQuery(SqliteMinuteStore(tables(settings.tables_path))),
    )
