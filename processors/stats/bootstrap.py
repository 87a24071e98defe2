"""Builds the stats consumer, once per container."""

import os
from functools import cache

from processors.bootstrap import dead_letters, deadline
from processors.stats.processor import StatsProcessor
from runtime.settings import AwsSettings, Settings, build
from runtime.sites.cache import SiteCache


@cache
def processor() -> StatsProcessor:
    """Return the processor on the stores of the engine.

    Raises:
        UsageError: a setting is missing.
    """
    return build(os.environ, embedded=_embedded, aws=_aws)


def _embedded(settings: Settings) -> StatsProcessor:
    from aggregates.stores.sqlite import SqliteRollupStore, SqliteVisitorStore, tables
    from runtime.sites.sqlite import SqliteSiteStore

    database = tables(settings.tables_path)
    return StatsProcessor(
        sites=SiteCache(SqliteSiteStore(settings.sites_path)),
        rollups=SqliteRollupStore(database),
        visitors=SqliteVisitorStore(database),
        dead_letters=dead_letters(settings),
    )


def _aws(settings: AwsSettings) -> StatsProcessor:
    from aggregates.stores.dynamodb import DynamoRollupStore, DynamoVisitorStore
    from runtime.clients import dynamo
    from runtime.sites.dynamodb import DynamoSiteStore

    database = dynamo(deadline().remaining)
    return StatsProcessor(
        sites=SiteCache(DynamoSiteStore(database, settings.sites_table)),
        rollups=DynamoRollupStore(database, settings.stats_table),
        visitors=DynamoVisitorStore(database, settings.sessions_table),
        dead_letters=dead_letters(settings),
    )
