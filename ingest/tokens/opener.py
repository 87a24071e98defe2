"""Opens the keys for tokens of the engine that the settings are of."""

from datetime import UTC, datetime

from ingest.tokens.token import KeySource
from runtime.settings import AwsSettings, EmbeddedSettings, Settings


def token_keys(settings: Settings) -> KeySource:
    """Return the keys that sign and check tokens.

    Raises:
        UsageError: a setting is missing, or the keys cannot be used.
        RetryableError: they could not be read.
    """
    match settings:
        case EmbeddedSettings():
            from ingest.tokens import folder

            return folder.load_or_create(settings.token_keys_path, folder.fresh_key())
        case AwsSettings():
            from ingest.tokens import ssm
            from runtime.aws import client

            return ssm.SsmTokenKeys(
                client("ssm"), settings.token_keys_parameter, now=datetime.now(UTC)
            )
