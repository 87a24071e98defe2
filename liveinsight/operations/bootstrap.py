"""Builds what the operator's commands use, with the engine that LIVEINSIGHT_ENGINE names."""

from collections.abc import Mapping
from pathlib import Path

from ingest.stream.sink import EventSink
from processors import bootstrap
from processors.dead_letter import DeadLetterStore
from runtime.errors import UsageError
from runtime.settings import AwsSettings, Settings, build, engine_settings
from runtime.sites.site import DEFAULT_PARTITIONS, SiteStore

AWS_PARTITIONS = 8
"""Of a new site on AWS: the more, the more visitors can be counted at the same time."""


def is_on_aws(environ: Mapping[str, str]) -> bool:
    """Say whether the engine is AWS's."""
    return environ.get("LIVEINSIGHT_ENGINE", "embedded") == "aws"


def default_partitions(environ: Mapping[str, str]) -> int:
    """Return into how many parts the visitors of a new site fall."""
    return AWS_PARTITIONS if is_on_aws(environ) else DEFAULT_PARTITIONS


def site_store(environ: Mapping[str, str], data: Path | None = None) -> SiteStore:
    """Return the store of site settings.

    Args:
        environ: names the engine, and the table on AWS.
        data: the folder of the embedded engine, where the caller knows it better than `environ`.

    Raises:
        UsageError: a setting is missing, or there is no region.
    """
    return build(_of(environ, data), embedded=_embedded, aws=_aws)


def dead_letters(environ: Mapping[str, str], data: Path, *, malformed: bool) -> DeadLetterStore:
    """Return the store of dead letters, or that of the hits which the collector refused and kept.

    Raises:
        UsageError: a setting is missing.
    """
    settings = engine_settings(_of(environ, data))
    return bootstrap.malformed(settings) if malformed else bootstrap.dead_letters(settings)


def kinesis_sink(environ: Mapping[str, str]) -> EventSink:
    """Return the event stream of the deployed system.

    Raises:
        UsageError: STREAM_NAME is missing.
    """
    from ingest.stream.kinesis import KinesisEventSink
    from runtime.clients import client

    return KinesisEventSink(client("kinesis"), AwsSettings(environ).stream_name)


def _of(environ: Mapping[str, str], data: Path | None) -> Mapping[str, str]:
    return environ if data is None else {**environ, "LIVEINSIGHT_DATA": str(data)}


def _embedded(settings: Settings) -> SiteStore:
    from runtime.sites.sqlite import SqliteSiteStore

    return SqliteSiteStore(settings.sites_path)


def _aws(settings: AwsSettings) -> SiteStore:
    from botocore.exceptions import NoRegionError

    from runtime.clients import dynamo
    from runtime.sites.dynamodb import DynamoSiteStore

    try:
        return DynamoSiteStore(dynamo(), settings.sites_table)
    except NoRegionError as error:
        raise UsageError(
            "there is no AWS region: set AWS_DEFAULT_REGION, to eu-central-1, say"
        ) from error
