"""Builds the collector from the environment, once per container."""

import os
import secrets
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from uuid import uuid4

from ingest.collector import Collector
from ingest.stream.sink import EventSink
from ingest.stream.spill import FileSpillStore, SpillingEventSink, SpillStore, Tally, spill_name
from ingest.tokens.keys import load_or_create
from runtime.metering import container_meter
from runtime.settings import AwsSettings, Settings, build

PATIENCE = timedelta(seconds=5)
"""How long the embedded stream may be locked before a request goes to the spill."""


@cache
def collector() -> Collector:
    """Return the collector on the adapters of the engine.

    Raises:
        UsageError: a setting is missing, or the keys for tokens cannot be used.
        RetryableError: the keys for tokens could not be read.
    """
    return build(os.environ, embedded=_embedded, aws=_aws)


@cache
def spilled() -> Tally:
    """Return how many requests of this container went to the spill."""
    return Tally()


def _embedded(settings: Settings) -> Collector:
    from ingest.stream.sqlite import SqliteEventLog
    from runtime.sites.sqlite import SqliteSiteStore

    clock = partial(datetime.now, UTC)
    stream = SqliteEventLog(settings.stream_path, clock, patience=PATIENCE)
    return Collector(
        sites=SqliteSiteStore(settings.sites_path),
        sink=_with_spill(stream, FileSpillStore(settings.spill_path)),
        token_keys=load_or_create(settings.token_keys_path, secrets.token_bytes(32)),
    )


def _aws(settings: AwsSettings) -> Collector:
    from botocore.config import Config

    from ingest.stream.kinesis import KinesisEventSink
    from ingest.stream.s3 import S3SpillStore
    from ingest.tokens import ssm
    from runtime.clients import CLIENT, bucket_in_reserve, client, dynamo
    from runtime.sites.dynamodb import DynamoSiteStore

    # The sink repeats by itself, and behind it stands the spill: with both down, the browser has
    # its answer within the collector's 15 seconds (2 + 3 here, 9 there).
    impatient = Config(read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
    kinesis = client("kinesis", CLIENT.merge(impatient))
    stream = KinesisEventSink(kinesis, settings.stream_name, container_meter())
    return Collector(
        sites=DynamoSiteStore(dynamo(), settings.sites_table),
        sink=_with_spill(stream, S3SpillStore(bucket_in_reserve(settings.archive_bucket))),
        token_keys=ssm.load(client("ssm"), settings.token_keys_parameter),
    )


def _with_spill(stream: EventSink, spill: SpillStore) -> SpillingEventSink:
    return SpillingEventSink(
        stream, spill, lambda: spill_name(datetime.now(UTC), uuid4()), spilled()
    )
