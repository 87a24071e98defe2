"""Builds the archive consumer, once per container."""

import os
from functools import cache

from processors.archive.processor import ArchiveProcessor, ArchiveStores
from processors.archive.store import FileArchiveStore
from processors.bootstrap import dead_letters, deadline, malformed
from runtime.settings import AwsSettings, Settings, build
from runtime.sites.cache import SiteCache


@cache
def processor() -> ArchiveProcessor:
    """Return the processor on the stores of the engine.

    Raises:
        UsageError: a setting is missing.
    """
    return build(os.environ, embedded=_embedded, aws=_aws)


def _embedded(settings: Settings) -> ArchiveProcessor:
    from aggregates.stores.sqlite import SqliteEventStore, SqliteRollupStore, tables
    from runtime.sites.sqlite import SqliteSiteStore

    database = tables(settings.tables_path)
    stores = ArchiveStores(
        archive=FileArchiveStore(settings.archive_path),
        events=SqliteEventStore(database),
        ledger=SqliteRollupStore(database),
        dead_letters=dead_letters(settings),
        malformed=malformed(settings),
    )
    return ArchiveProcessor(SiteCache(SqliteSiteStore(settings.sites_path)), stores)


def _aws(settings: AwsSettings) -> ArchiveProcessor:
    from aggregates.stores.dynamodb import DynamoEventStore, DynamoRollupStore
    from processors.archive.s3 import S3ArchiveStore
    from runtime.clients import bucket, dynamo
    from runtime.sites.dynamodb import DynamoSiteStore

    database = dynamo(deadline().remaining)
    stores = ArchiveStores(
        archive=S3ArchiveStore(bucket(settings.archive_bucket)),
        events=DynamoEventStore(database, settings.events_table),
        ledger=DynamoRollupStore(database, settings.stats_table),
        dead_letters=dead_letters(settings),
        malformed=malformed(settings),
    )
    return ArchiveProcessor(SiteCache(DynamoSiteStore(database, settings.sites_table)), stores)
