"""What the three consumers share in one container."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from processors.dead_letter import DeadLetters, dead_letters
from runtime.container import container
from runtime.deadline import Deadline
from runtime.settings import Settings
from schemas import registry


@cache
def deadline() -> Deadline:
    """Return the end of the present invocation, which the handler sets and the stores heed."""
    return Deadline()


@cache
def letters() -> DeadLetters:
    """Return where the handlers keep records that can never be processed.

    Raises:
        UsageError: a setting is missing.
    """
    with consumer() as settings:
        return dead_letters(settings)


@contextmanager
def consumer() -> Iterator[Settings]:
    """Give the settings to the block that builds a consumer."""
    with container(deadline().remaining) as settings:
        registry.write(dict(settings.write_versions))
        yield settings
