"""Builds the compactor, once per container."""

import os
from functools import cache

from processors.archive.chain import Chain
from processors.archive.objects import FolderObjects
from processors.compaction.processor import Compactor
from runtime.deadline import Deadline
from runtime.settings import AwsSettings, Settings, build


@cache
def deadline() -> Deadline:
    """Return the end of the present invocation.

    It is not that of the consumers: on the embedded engine they run in the same process.
    """
    return Deadline()


@cache
def compactor() -> Compactor:
    """Return the compactor of the engine's archive.

    Raises:
        UsageError: a setting is missing.
    """
    return Compactor(build(os.environ, embedded=chain, aws=_chain), remaining=deadline().remaining)


def chain(settings: Settings) -> Chain:
    """Return the chain of the embedded engine's archive."""
    return Chain(FolderObjects(settings.archive_path))


def _chain(settings: AwsSettings) -> Chain:
    from runtime.aws import THREADS
    from runtime.clients import bucket

    return Chain(bucket(settings.archive_bucket), THREADS)
