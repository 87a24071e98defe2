"""Opens the stores of the engine that the settings are of."""

from functools import lru_cache

from aggregates.stores.cache import VersionCache
from aggregates.stores.heads import HeadStore
from aggregates.stores.ports import (
    EventStore,
    MinuteStore,
    RollupStore,
    SealStore,
    StoredVisitor,
    VisitorsOfSites,
    VisitorStore,
)
from aggregates.stores.reading import Reading
from aggregates.stores.remembering import RememberingStore
from runtime.settings import AwsSettings, EmbeddedSettings, Settings

REMEMBERED_STATES_BYTES = 32 * 1024 * 1024

MINUTES_BYTES = 16 * 1024 * 1024
"""Of memory, the realtime items that a process remembers."""

STATE_BYTES = 3000
"""Of memory, a visitor state of a few visits, about."""

DIGEST_BYTES = 100
"""Of memory, one of its digests, about."""


def state_bytes(stored: StoredVisitor) -> int:
    """Return how many bytes of memory a state takes, about."""
    state = stored.state
    return STATE_BYTES + DIGEST_BYTES * (len(state.seen) + len(state.frozen))


def rollups(settings: Settings) -> RollupStore:
    """Return the rollup items."""
    match settings:
        case EmbeddedSettings():
            from aggregates.stores.sqlite import SqliteRollupStore, tables

            return SqliteRollupStore(tables(settings.tables_path))
        case AwsSettings():
            from aggregates.stores.dynamodb import DynamoRollupStore
            from runtime.dynamodb import container_dynamo

            return DynamoRollupStore(container_dynamo(settings.remaining), settings.stats_table)


def seals(settings: Settings) -> SealStore:
    """Return the seals."""
    match settings:
        case EmbeddedSettings():
            from aggregates.stores.sqlite import SqliteSealStore, tables

            return SqliteSealStore(tables(settings.tables_path))
        case AwsSettings():
            from aggregates.stores.dynamodb import DynamoSealStore
            from runtime.dynamodb import container_dynamo

            return DynamoSealStore(container_dynamo(settings.remaining), settings.stats_table)


def reading(settings: Settings) -> Reading:
    """Return what reads rollups, with one memory for all that it has read."""
    match settings:
        case EmbeddedSettings():
            return _embedded_reading(settings)
        case AwsSettings():
            from aggregates.stores.dynamodb import DynamoRollupStore, DynamoSealStore
            from runtime.dynamodb import container_dynamo

            cache = VersionCache(settings.cache_bytes)
            dynamo, table = container_dynamo(settings.remaining), settings.stats_table
            return Reading(
                DynamoRollupStore(dynamo, table, cache), DynamoSealStore(dynamo, table), cache
            )


@lru_cache(maxsize=1)  # a process of the embedded engine answers several APIs from one folder
def _embedded_reading(settings: EmbeddedSettings) -> Reading:
    from aggregates.stores.sqlite import SqliteRollupStore, SqliteSealStore, tables

    cache, database = VersionCache(settings.cache_bytes), tables(settings.tables_path)
    return Reading(SqliteRollupStore(database, cache), SqliteSealStore(database), cache)


def visitors(settings: Settings) -> VisitorStore:
    """Return the visitor states.

    On the embedded engine they are for the process that holds the consumers' lock: it remembers
    them, because nobody else writes them.
    """
    match settings:
        case EmbeddedSettings():
            from aggregates.stores.sqlite import SqliteVisitorStore, tables

            store = SqliteVisitorStore(tables(settings.tables_path))
            return RememberingStore(store, state_bytes, REMEMBERED_STATES_BYTES)
        case AwsSettings():
            from aggregates.stores.dynamodb import DynamoVisitorStore
            from runtime.dynamodb import container_dynamo

            return DynamoVisitorStore(container_dynamo(settings.remaining), settings.sessions_table)


def visitors_of_sites(settings: Settings) -> VisitorsOfSites:
    """Return the visitor states of all generations, of which nothing is remembered."""
    match settings:
        case EmbeddedSettings():
            from aggregates.stores.sqlite import SqliteVisitorStore, tables

            return SqliteVisitorStore(tables(settings.tables_path))
        case AwsSettings():
            from aggregates.stores.dynamodb import DynamoVisitorStore
            from runtime.dynamodb import container_dynamo

            return DynamoVisitorStore(container_dynamo(settings.remaining), settings.sessions_table)


def minutes(settings: Settings) -> MinuteStore:
    """Return the realtime items."""
    match settings:
        case EmbeddedSettings():
            from aggregates.stores.sqlite import SqliteMinuteStore, tables

            return SqliteMinuteStore(tables(settings.tables_path), VersionCache(MINUTES_BYTES))
        case AwsSettings():
            from aggregates.stores.dynamodb import DynamoMinuteStore
            from runtime.dynamodb import container_dynamo

            return DynamoMinuteStore(container_dynamo(settings.remaining), settings.realtime_table)


def heads(settings: Settings) -> HeadStore:
    """Return where the archive of each shard ends."""
    match settings:
        case EmbeddedSettings():
            from aggregates.stores.sqlite import SqliteHeadStore, tables

            return SqliteHeadStore(tables(settings.tables_path))
        case AwsSettings():
            from aggregates.stores.dynamodb import DynamoHeadStore
            from runtime.dynamodb import container_dynamo

            return DynamoHeadStore(container_dynamo(settings.remaining), settings.stats_table)


def events(settings: Settings) -> EventStore:
    """Return the raw events."""
    match settings:
        case EmbeddedSettings():
            from aggregates.stores.sqlite import SqliteEventStore, tables

            return SqliteEventStore(tables(settings.tables_path))
        case AwsSettings():
            from aggregates.stores.dynamodb import DynamoEventStore
            from runtime.dynamodb import container_dynamo

            return DynamoEventStore(container_dynamo(settings.remaining), settings.events_table)
