"""Work of hours, which does not end because a store does not answer for a moment."""

from collections.abc import Callable
from typing import TypeVar

from runtime.backoff import Backoff
from runtime.errors import RetryableError

T = TypeVar("T")

LONG_WORK = Backoff(first=0.5, longest=20.0)
LONG_WORK_FAILURES = 12
"""In a row, for minutes: work of hours does not end because a machine is busy for one of them."""


def patiently(work: Callable[[], T], backoff: Backoff = LONG_WORK) -> T:
    """Do work that may safely be done again, again where a store did not answer.

    Raises:
        RetryableError: it has not answered for minutes.
    """
    for failures in range(1, LONG_WORK_FAILURES):
        try:
            return work()
        except RetryableError:
            backoff.wait(failures)
    return work()
