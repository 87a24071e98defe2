"""Opens the keys for tokens of the engine that the settings are of."""

from ingest.tokens.token import TokenKeys
from runtime.settings import AwsSettings, EmbeddedSettings, Settings


def token_keys(settings: Settings) -> TokenKeys:
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

            return ssm.load(client("ssm"), settings.token_keys_parameter)
