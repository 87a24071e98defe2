"""Builds the stats consumer, once per container."""

from functools import cache

from aggregates.stores.opener import rollups, seals, visitors
from processors.bootstrap import consumer
from processors.dead_letter import dead_letters
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites


@cache
def processor() -> StatsProcessor:
    """Return the processor.

    Raises:
        UsageError: a setting is missing.
    """
    with consumer() as settings:
        return StatsProcessor(
            sites=SiteCache(sites(settings)),
            stores=StatsStores(
                rollups=rollups(settings),
                seals=seals(settings),
                visitors=visitors(settings),
                dead_letters=dead_letters(settings),
            ),
        )
