"""What the three consumers share in one container."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from runtime.container import container
from runtime.deadline import Deadline
from runtime.settings import Settings


@cache
def deadline() -> Deadline:
    """Return the end of the present invocation, which the handler sets and the stores heed."""
    return Deadline()


@contextmanager
def consumer() -> Iterator[Settings]:
    """Give the settings to the block that builds a consumer."""
    with container(deadline().remaining) as settings:
        yield settings
