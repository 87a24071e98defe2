"""Builds the sealer, once per container."""

from functools import cache

from aggregates.stores.opener import rollups, seals
from processors.seal.processor import SealProcessor
from runtime.container import container
from runtime.deadline import Deadline
from runtime.sites.opener import sites
from schemas import registry


@cache
def deadline() -> Deadline:
    """Return the end of the present invocation.

    It is not that of the consumers: on the embedded engine they run in the same process.
    """
    return Deadline()


@cache
def sealer() -> SealProcessor:
    """Return the sealer.

    Raises:
        UsageError: a setting is missing.
    """
    with container(deadline().remaining) as settings:
        registry.write(dict(settings.write_versions))
        return SealProcessor(
            sites(settings), rollups(settings), seals(settings), deadline().remaining
        )
