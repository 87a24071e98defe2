"""Builds the spill drain from the environment, once per container."""

import os
from datetime import UTC, datetime, timedelta
from functools import cache, partial

from ingest.drain.drain import SpillDrain
from ingest.stream.spill import FileSpillStore
from runtime.deadline import Deadline
from runtime.metering import container_meter
from runtime.settings import AwsSettings, Settings, build

PATIENCE = timedelta(seconds=5)
"""How long the embedded stream may be locked. The consumer process must be able to stop in 15 s."""


@cache
def deadline() -> Deadline:
    """Return the end of the present invocation, which the handler sets and the drain heeds."""
    return Deadline()


@cache
def drain() -> SpillDrain:
    """Return the drain on the adapters of the engine.

    Raises:
        UsageError: a setting is missing.
    """
    return build(os.environ, embedded=_embedded, aws=_aws)


def _embedded(settings: Settings) -> SpillDrain:
    from ingest.stream.sqlite import SqliteEventLog

    return SpillDrain(
        spill=FileSpillStore(settings.spill_path),
        stream=SqliteEventLog(settings.stream_path, partial(datetime.now, UTC), patience=PATIENCE),
        has_time=lambda: deadline().remaining() > 0,
    )


def _aws(settings: AwsSettings) -> SpillDrain:
    from ingest.stream.kinesis import KinesisEventSink
    from ingest.stream.s3 import S3SpillStore
    from runtime.aws import ENOUGH_TIME_SECONDS
    from runtime.clients import bucket, client

    kinesis = client("kinesis")
    return SpillDrain(
        spill=S3SpillStore(bucket(settings.archive_bucket)),
        stream=KinesisEventSink(kinesis, settings.stream_name, container_meter()),
        has_time=lambda: deadline().remaining() >= ENOUGH_TIME_SECONDS,
    )
