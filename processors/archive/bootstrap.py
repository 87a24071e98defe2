"""Builds the archive consumer, once per container."""

import os
from functools import cache

from aggregates.stores.sqlite import SqliteEventStore, tables
from liveinsight.runtime.settings import AwsSettings, Settings, build
from processors.archive.processor import ArchiveProcessor
from processors.archive.store import FileArchiveStore
from processors.bootstrap import dead_letters, deadline, meter


@cache
def processor() -> ArchiveProcessor:
    """Return the processor on the stores of the engine.

    Raises:
        UsageError: a setting is missing.
    """
    return build(os.environ, embedded=_embedded, aws=_aws)


def _embedded(settings: Settings) -> ArchiveProcessor:
    return ArchiveProcessor(
        archive=FileArchiveStore(settings.archive_path),
        events=SqliteEventStore(tables(settings.tables_path)),
        dead_letters=dead_letters(settings),
    )


def _aws(settings: AwsSettings) -> ArchiveProcessor:
    from aggregates.stores.dynamodb import DynamoEventStore
    from liveinsight.runtime.bootstrap import bucket, dynamo
    from processors.archive.s3 import S3ArchiveStore

    return ArchiveProcessor(
        archive=S3ArchiveStore(bucket(settings.archive_bucket, meter())),
        events=DynamoEventStore(dynamo(meter(), deadline().remaining), settings.events_table),
        dead_letters=dead_letters(settings),
    )
