"""Opens the site settings of the engine that the settings are of."""

from runtime.settings import AwsSettings, EmbeddedSettings, Settings
from runtime.sites.site import SiteStore


def sites(settings: Settings) -> SiteStore:
    """Return the store of site settings.

    Raises:
        UsageError: a setting is missing.
    """
    match settings:
        case EmbeddedSettings():
            from runtime.sites.sqlite import SqliteSiteStore

            return SqliteSiteStore(settings.sites_path)
        case AwsSettings():
            from runtime.dynamodb import container_dynamo
            from runtime.sites.dynamodb import DynamoSiteStore

            return DynamoSiteStore(container_dynamo(settings.remaining), settings.sites_table)
