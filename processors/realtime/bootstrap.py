"""Builds the realtime consumer, once per container."""

import os
from functools import cache

from processors.bootstrap import dead_letters, deadline
from processors.realtime.processor import RealtimeProcessor
from runtime.settings import AwsSettings, Settings, build


@cache
def processor() -> RealtimeProcessor:
    """Return the processor on the stores of the engine.

    Raises:
        UsageError: a setting is missing.
    """
    return build(os.environ, embedded=_embedded, aws=_aws)


def _embedded(settings: Settings) -> RealtimeProcessor:
    from aggregates.stores.sqlite import SqliteMinuteStore, tables

    return RealtimeProcessor(
        minutes=SqliteMinuteStore(tables(settings.tables_path)),
        dead_letters=dead_letters(settings),
    )


def _aws(settings: AwsSettings) -> RealtimeProcessor:
    from aggregates.stores.dynamodb import DynamoMinuteStore
    from runtime.clients import dynamo

    return RealtimeProcessor(
        minutes=DynamoMinuteStore(dynamo(deadline().remaining), settings.realtime_table),
        dead_letters=dead_letters(settings),
    )
