"""Builds the realtime consumer, once per container."""

from functools import cache

from aggregates.stores.opener import minutes
from processors.bootstrap import consumer
from processors.dead_letter import dead_letters
from processors.realtime.processor import RealtimeProcessor


@cache
def processor() -> RealtimeProcessor:
    """Return the processor.

    Raises:
        UsageError: a setting is missing.
    """
    with consumer() as settings:
        return RealtimeProcessor(minutes(settings), dead_letters(settings))
