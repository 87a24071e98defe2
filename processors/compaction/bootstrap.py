"""Builds the compactor, once per container."""

from functools import cache

from processors.archive.chain import Chain
from processors.compaction.processor import Compactor
from processors.compaction.retention import ArchiveRetention
from runtime.container import container
from runtime.deadline import Deadline
from runtime.objects.opener import objects
from runtime.sites.opener import sites
from schemas import registry


@cache
def deadline() -> Deadline:
    """Return the end of the present invocation.

    It is not that of the consumers: on the embedded engine they run in the same process.
    """
    return Deadline()


@cache
def compactor() -> Compactor:
    """Return the compactor of the archive.

    Raises:
        UsageError: a setting is missing.
    """
    with container() as settings:
        registry.write(dict(settings.write_versions))
        return Compactor(Chain(objects(settings, "archive")), remaining=deadline().remaining)


@cache
def retention() -> ArchiveRetention:
    """Return what takes out of the archive what is kept no longer.

    Raises:
        UsageError: a setting is missing.
    """
    with container() as settings:
        chain = Chain(objects(settings, "archive"))
        return ArchiveRetention(sites(settings), chain, deadline().remaining)
