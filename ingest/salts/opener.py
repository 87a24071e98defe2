"""Opens the salts of the engine that the settings are of."""

from ingest.salts.salts import SaltStore
from runtime.settings import AwsSettings, EmbeddedSettings, Settings


def salts(settings: Settings) -> SaltStore:
    """Return the store of salts.

    Raises:
        UsageError: a setting is missing.
    """
    match settings:
        case EmbeddedSettings():
            from ingest.salts.sqlite import SqliteSaltStore

            return SqliteSaltStore(settings.salts_path)
        case AwsSettings():
            from ingest.salts.dynamodb import DynamoSaltStore
            from runtime.dynamodb import container_dynamo

            return DynamoSaltStore(container_dynamo(settings.remaining), settings.salts_table)
