"""Builds what the three consumers share, once per container."""

from functools import cache

from liveinsight.runtime.deadline import Deadline
from liveinsight.runtime.metering import Meter
from liveinsight.runtime.settings import AwsSettings, Settings
from processors.dead_letter import DeadLetterStore, FileDeadLetterStore


@cache
def deadline() -> Deadline:
    """Return the end of the present invocation, which the handler sets and the stores heed."""
    return Deadline()


@cache
def meter() -> Meter:
    """Return what the stores of this container count."""
    return Meter()


def dead_letters(settings: Settings | AwsSettings) -> DeadLetterStore:
    """Return the dead letters of the engine."""
    match settings:
        case Settings():
            return FileDeadLetterStore(settings.dead_letters_path)
        case AwsSettings():
            from liveinsight.runtime.bootstrap import bucket
            from processors.s3 import S3DeadLetterStore

            return S3DeadLetterStore(bucket(settings.dead_letters_bucket, meter()))
