"""The witnesses of the embedded engine, and its reconciliation API, which asks all of them."""

from functools import cache

from aggregates.stores.opener import heads
from api.endpoint import Endpoint
from api.reconciliation.bootstrap import endpoint_with
from ingest.accepted.opener import accepted_counts
from ingest.stream.opener import spill
from liveinsight.engine.backlog import EmbeddedBacklog
from liveinsight.evidence.witnesses import AllWitnesses, Parts
from processors.archive.chain import Chain
from processors.dead_letter import dead_letters
from runtime.container import container
from runtime.errors import UsageError
from runtime.objects.opener import objects
from runtime.settings import EmbeddedSettings


def embedded_parts(settings: EmbeddedSettings, *, is_thorough: bool) -> Parts:
    """Return what can be asked.

    Args:
        settings: of the data folder.
        is_thorough: whether every file of the archive is looked at.
    """
    return Parts(
        heads=heads(settings),
        accepted=accepted_counts(settings),
        spill=spill(settings),
        backlog=EmbeddedBacklog(settings),
        letters=dead_letters(settings),
        archive=Chain(objects(settings, "archive")),
        is_thorough=is_thorough,
    )


@cache
def reconciliation() -> Endpoint:
    """Return the endpoint of the reconciliation API.

    Raises:
        UsageError: a setting is missing.
    """
    with container() as settings:
        if not isinstance(settings, EmbeddedSettings):
            raise UsageError("this server has the data of the embedded engine")
        return endpoint_with(settings, AllWitnesses(embedded_parts(settings, is_thorough=False)))
