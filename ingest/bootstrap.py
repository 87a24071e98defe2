"""Builds the collector from the environment, once per container."""

import os
import secrets
from datetime import UTC, datetime
from functools import cache, partial

from ingest.intake import Collector
from ingest.log import SqliteEventLog
from ingest.token_keys import load_or_create
from liveinsight.runtime.settings import AwsSettings, Settings, build
from liveinsight.runtime.sites.sqlite import SqliteSiteStore


@cache
def collector() -> Collector:
    """Return the collector on the adapters of the engine.

    Raises:
        UsageError: a setting is missing, or the keys for tokens cannot be used.
        RetryableError: the keys for tokens could not be read.
    """
    return build(os.environ, embedded=_embedded, aws=_aws)


def _embedded(settings: Settings) -> Collector:
    return Collector(
        sites=SqliteSiteStore(settings.sites_path),
        sink=SqliteEventLog(settings.stream_path, clock=partial(datetime.now, UTC)),
        token_keys=load_or_create(settings.token_keys_path, secrets.token_bytes(32)),
    )


def _aws(settings: AwsSettings) -> Collector:
    import boto3

    from ingest import ssm
    from ingest.kinesis import KinesisEventSink
    from liveinsight.runtime.bootstrap import CLIENT, dynamo
    from liveinsight.runtime.sites.dynamodb import DynamoSiteStore

    return Collector(
        sites=DynamoSiteStore(dynamo(), settings.sites_table),
        sink=KinesisEventSink(boto3.client("kinesis", config=CLIENT), settings.stream_name),
        token_keys=ssm.load(boto3.client("ssm", config=CLIENT), settings.token_keys_parameter),
    )
