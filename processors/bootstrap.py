"""Builds what the three consumers share, once per container."""

from functools import cache

from processors.dead_letter import DeadLetterStore, FileDeadLetterStore
from runtime.deadline import Deadline
from runtime.settings import AwsSettings, Settings


@cache
def deadline() -> Deadline:
    """Return the end of the present invocation, which the handler sets and the stores heed."""
    return Deadline()


def dead_letters(settings: Settings | AwsSettings) -> DeadLetterStore:
    """Return the dead letters of the engine."""
    match settings:
        case Settings():
            return FileDeadLetterStore(settings.dead_letters_path)
        case AwsSettings():
            return _in_bucket(settings, "records/")


def malformed(settings: Settings | AwsSettings) -> DeadLetterStore:
    """Return the requests that the collector refused for their form, and kept."""
    match settings:
        case Settings():
            return FileDeadLetterStore(settings.malformed_path)
        case AwsSettings():
            return _in_bucket(settings, "malformed/")


def _in_bucket(settings: AwsSettings, root: str) -> DeadLetterStore:
    from processors.s3 import S3DeadLetterStore
    from runtime.clients import bucket_in_reserve

    return S3DeadLetterStore(bucket_in_reserve(settings.dead_letters_bucket), root)
