"""Builds the archive consumer, once per container."""

from functools import cache

from aggregates.stores.opener import events, heads, rollups, seals
from processors.archive.processor import ArchiveProcessor, ArchiveStores
from processors.archive.store import ObjectArchiveStore
from processors.bootstrap import consumer
from processors.dead_letter import dead_letters, malformed
from runtime.objects.opener import objects
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites


@cache
def processor() -> ArchiveProcessor:
    """Return the processor.

    Raises:
        UsageError: a setting is missing.
    """
    with consumer() as settings:
        stores = ArchiveStores(
            archive=ObjectArchiveStore(objects(settings, "archive"), heads(settings)),
            events=events(settings),
            ledger=rollups(settings),
            seals=seals(settings),
            dead_letters=dead_letters(settings),
            malformed=malformed(settings),
        )
        return ArchiveProcessor(SiteCache(sites(settings)), stores)
