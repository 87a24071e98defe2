"""What every adapter of an AWS service shares: the numbers of its client, and its errors.

The numbers keep a call, repeats included, under ENOUGH_TIME: 2 attempts of at most 4 s with at most
1 s between them. Lambda and the collector's clients repeat from outside; more attempts here would
only add to a storm.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from runtime.errors import PermanentError, RetryableError

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
ATTEMPTS = 2
THREADS = 8
"""Calls at the same time, and connections in the pool."""

ENOUGH_TIME_SECONDS = 10.0
"""No write is begun with less time left: Lambda might freeze it, and thaw it much later."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn botocore's errors into ours.

    Missing rights and missing tables are faults too: once they are mended, the same input succeeds.

    Raises:
        RetryableError: the service did not do it, or did not say that it did.
        PermanentError: the service will never take this.
    """
    try:
        yield
    except ParamValidationError:
        raise
    except ClientError as error:
        if error_code(error) == "ValidationException":
            raise PermanentError(f"{what}: {error}") from error
        raise RetryableError(f"{what}: {error}") from error
    except BotoCoreError as error:
        raise RetryableError(f"{what}: {error}") from error


def error_code(error: ClientError) -> str:
    """Return the service's name of an error."""
    return error.response.get("Error", {}).get("Code", "")
