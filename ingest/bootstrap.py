"""Builds the collector, once per container."""

from functools import cache

from ingest.accepted.opener import accepted_counts
from ingest.collector import Collector
from ingest.salts.opener import salts
from ingest.stream.opener import spilling_sink
from ingest.stream.sink import RequestSink
from ingest.stream.spill import Tally
from ingest.tokens.opener import token_keys
from runtime.container import container
from runtime.sites.opener import sites
from schemas import registry


@cache
def collector() -> Collector:
    """Return the collector.

    The stream is opened before, so that all that a container needs is there, or missed, at once.

    Raises:
        UsageError: a setting is missing, or the keys for tokens cannot be used.
        RetryableError: the keys for tokens could not be read.
    """
    sink()
    with container() as settings:
        return Collector(
            sites(settings),
            salts(settings),
            token_keys(settings),
            counts=accepted_counts(settings),
        )


@cache
def sink() -> RequestSink:
    """Return the stream, with the spill behind it.

    Raises:
        UsageError: a setting is missing.
    """
    with container() as settings:
        registry.write(dict(settings.write_versions))
        return spilling_sink(settings, spilled())


@cache
def spilled() -> Tally:
    """Return how many requests of this container went to the spill."""
    return Tally()
