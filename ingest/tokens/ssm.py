"""The keys for CSRF tokens in a SecureString parameter, as the same JSON as in the key file."""

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ingest.tokens.keys import parse
from ingest.tokens.token import TokenKeys
from runtime.aws import translated
from runtime.errors import RetryableError, UsageError

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

LOGGER = logging.getLogger(__name__)

LIFETIME = timedelta(minutes=5)
"""For so long keys are used before they are read again: a container may live for days, and one that
starts from a snapshot is as old as the snapshot."""
PATIENCE = timedelta(seconds=30)
"""After a read that failed, until the next."""


class SsmTokenKeys:
    """The keys of a parameter, read again when they are LIFETIME old.

    Args:
        client: of SSM.
        parameter: its name.
        now: the time.

    Raises:
        UsageError: the parameter cannot be used.
        RetryableError: it could not be read; perhaps it does not exist.
    """

    def __init__(self, client: "SSMClient", parameter: str, *, now: datetime) -> None:
        self._client, self._parameter = client, parameter
        self._keys = load(client, parameter)
        self._due_at = now + LIFETIME

    def at(self, now: datetime) -> TokenKeys:
        """Return the keys; the former ones where they cannot be read again."""
        if now < self._due_at:
            return self._keys
        self._due_at = now + PATIENCE
        try:
            keys = load(self._client, self._parameter)
        except (RetryableError, UsageError) as error:
            LOGGER.warning("the keys for tokens stay as they were: %s", error)
            return self._keys
        self._due_at = now + LIFETIME
        if keys != self._keys:
            self._keys = keys
        return self._keys


def load(client: "SSMClient", parameter: str) -> TokenKeys:
    """Read the keys.

    Raises:
        UsageError: the parameter cannot be used.
        RetryableError: it could not be read; perhaps it does not exist.
    """
    with translated(f"reading the parameter {parameter}"):
        answer = client.get_parameter(Name=parameter, WithDecryption=True)
    return parse(answer["Parameter"].get("Value", ""), f"the parameter {parameter}")
