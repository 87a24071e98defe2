"""What every adapter of an AWS service shares: its client, the numbers of it, and its errors.

The numbers keep a call, repeats included, under the time that a
write must have left (runtime/deadline.py): 2 attempts of at most 4 s with at most
1 s between them. Lambda and the collector's clients repeat from outside; more attempts here would
only add to a storm.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoRegionError,
    ParamValidationError,
)

from runtime.errors import PermanentError, RetryableError, UsageError

TOO_LARGE = "Item size"
"""Begins what DynamoDB says of an item over 400 KB ("Item size has exceeded ...")."""

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
ATTEMPTS = 2
THREADS = 8
"""Calls at the same time, and connections in the pool."""

BAD_BUCKET = "Invalid bucket name"
"""How botocore's complaint about one begins. Its others are of our calls, and so our faults."""

CLIENT = Config(
    connect_timeout=CONNECT_TIMEOUT_SECONDS,
    read_timeout=READ_TIMEOUT_SECONDS,
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    max_pool_connections=THREADS,
    tcp_keepalive=True,
)


def client(service: str, config: Config = CLIENT) -> Any:
    """Return a client of a service.

    It is the one that boto3 would return: boto3 only adds what nothing here uses, and 25 ms to a
    cold start.

    Raises:
        UsageError: there is no region, or another setting of AWS cannot be.
    """
    try:
        return _session().create_client(service, config=config)
    except NoRegionError as error:
        raise UsageError(
            "there is no AWS region: set AWS_DEFAULT_REGION, to eu-central-1, say"
        ) from error
    except (BotoCoreError, ValueError) as error:
        raise UsageError(
            f"the settings of AWS cannot be used ({error}): mend the variables that begin with"
            " AWS_, or the files that they name"
        ) from error


def use_region(region: str) -> None:
    """Let the clients that this process makes from now on be of a region, whatever it inherited."""
    _session().set_config_variable("region", region)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn botocore's errors into ours.

    Missing rights and missing tables are faults too: once they are mended, the same input succeeds.

    Raises:
        RetryableError: the service did not do it, or did not say that it did.
        PermanentError: the item is too large for the service. Whatever else it finds invalid may be
            a table's fault, not the item's.
        UsageError: a setting names a bucket as none can be named.
    """
    try:
        yield
    except ParamValidationError as error:
        if BAD_BUCKET in str(error):
            raise UsageError(f"{what}: {BAD_BUCKET}: mend the setting that names it") from error
        raise
    except ClientError as error:
        if error_code(error) == "ValidationException" and TOO_LARGE in str(error):
            raise PermanentError(f"{what}: {error}") from error
        raise RetryableError(f"{what}: {error}") from error
    except BotoCoreError as error:
        raise RetryableError(f"{what}: {error}") from error


def error_code(error: ClientError) -> str:
    """Return the service's name of an error."""
    return error.response.get("Error", {}).get("Code", "")
