"""Builds the stats API, once per container."""

import os
from functools import cache

from api.endpoint import Endpoint
from api.stats.query import StatsQuery
from runtime.settings import AwsSettings, Settings, build
from runtime.sites.cache import SiteCache


@cache
def endpoint() -> Endpoint:
    """Return the endpoint on the stores of the engine.

    Raises:
        UsageError: a setting is missing.
    """
    return build(os.environ, embedded=_embedded, aws=_aws)


def _embedded(settings: Settings) -> Endpoint:
    from aggregates.stores.sqlite import SqliteRollupStore, tables
    from runtime.sites.sqlite import SqliteSiteStore

    return Endpoint(
        sites=SiteCache(SqliteSiteStore(settings.sites_path)),
        query=StatsQuery(SqliteRollupStore(tables(settings.tables_path))),
    )


def _aws(settings: AwsSettings) -> Endpoint:
    from aggregates.stores.dynamodb import DynamoRollupStore
    from runtime.clients import dynamo
    from runtime.sites.dynamodb import DynamoSiteStore

    database = dynamo()
    return Endpoint(
        sites=SiteCache(DynamoSiteStore(database, settings.sites_table)),
        query=StatsQuery(DynamoRollupStore(database, settings.stats_table)),
    )
