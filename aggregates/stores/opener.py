"""Opens the stores of the engine that the settings are of."""

from aggregates.stores.ports import EventStore, MinuteStore, RollupStore, VisitorStore
from runtime.settings import AwsSettings, EmbeddedSettings, Settings


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


def visitors(settings: Settings) -> VisitorStore:
    """Return the visitor states."""
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

            return SqliteMinuteStore(tables(settings.tables_path))
        case AwsSettings():
            from aggregates.stores.dynamodb import DynamoMinuteStore
            from runtime.dynamodb import container_dynamo

            return DynamoMinuteStore(container_dynamo(settings.remaining), settings.realtime_table)


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
