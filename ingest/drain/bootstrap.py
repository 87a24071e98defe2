"""Builds the spill drain, once per container."""

from functools import cache

from ingest.drain.drain import SpillDrain
from ingest.stream.opener import event_sink, spill
from runtime.container import container
from runtime.deadline import Deadline


@cache
def deadline() -> Deadline:
    """Return the end of the present invocation, which the handler sets and the drain heeds."""
    return Deadline()


@cache
def drain() -> SpillDrain:
    """Return the drain.

    Raises:
        UsageError: a setting is missing.
    """
    with container() as settings:
        return SpillDrain(spill(settings), event_sink(settings), deadline().has_time_to_write)
