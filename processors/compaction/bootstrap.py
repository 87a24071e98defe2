"""Builds the compactor, once per container."""

import os
from functools import cache

from liveinsight.runtime.deadline import Deadline
from liveinsight.runtime.settings import AwsSettings, Settings, build
from processors.archive.chain import Chain
from processors.archive.objects import FolderObjects
from processors.compaction.processor import Compactor


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
    from liveinsight.runtime.aws import THREADS
    from liveinsight.runtime.bootstrap import bucket

    return Chain(bucket(settings.archive_bucket), THREADS)
