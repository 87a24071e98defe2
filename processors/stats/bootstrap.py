"""Builds the stats consumer, once per container."""

import os
from functools import cache

from aggregates.stores.sqlite import SqliteRollupStore, SqliteVisitorStore, tables
from liveinsight.runtime.settings import Settings
from liveinsight.runtime.sites.cache import SiteCache
from liveinsight.runtime.sites.sqlite import SqliteSiteStore
from processors.dead_letter import FileDeadLetterStore
from processors.stats.processor import StatsProcessor


@cache
def processor() -> StatsProcessor:
    """Return the processor on the embedded stores."""
    settings = Settings.from_env(os.environ)
    database = tables(settings.tables_path)
    return StatsProcessor(
        sites=SiteCache(SqliteSiteStore(settings.sites_path)),
        rollups=SqliteRollupStore(database),
        visitors=SqliteVisitorStore(database),
        dead_letters=FileDeadLetterStore(settings.dead_letters_path),
    )
