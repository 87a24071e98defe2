"""The stats consumer on AWS, as a rebuild sees it: an event source mapping that is switched off."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runtime.aws import CLIENT, client, translated
from runtime.errors import RetryableError, UsageError
from runtime.settings import AwsSettings
from runtime.sites.cache import LIFETIME

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

POLL_SECONDS = 2.0
PATIENCE_SECONDS = 180.0


class LambdaConsumer:
    """A LiveConsumer.

    A mapping that is disabled ends the batches that it has begun, keeps its place, and goes on from
    there: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html. Where the
    process dies within, the mapping stays disabled: the alarm for old records tells, and
    docs/runbook.md how it is enabled.

    Args:
        settings: name the function.
        lambda_client: of boto3.
        sleep: waits for some seconds.
    """

    def __init__(
        self,
        settings: AwsSettings,
        lambda_client: "LambdaClient | None" = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._settings, self._sleep = settings, sleep
        self._known_client = lambda_client

    def positions(self) -> None:
        """Return nothing: Lambda tells nobody how far it has come."""
        return

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep the consumer from counting while the block runs."""
        mapping = self._mapping()
        self._switch(mapping, enabled=False)
        try:
            self._wait_until(mapping, "Disabled")
            yield
            self._sleep(LIFETIME.total_seconds())  # containers may know the settings of before
        finally:
            self._switch(mapping, enabled=True)

    @property
    def _client(self) -> "LambdaClient":
        if self._known_client is None:
            self._known_client = client("lambda", CLIENT)
        return self._known_client

    def _mapping(self) -> str:
        function = self._settings.stats_function
        with translated(f"asking for the event source mapping of {function}"):
            found = self._client.list_event_source_mappings(FunctionName=function)
        mappings = found["EventSourceMappings"]
        if len(mappings) != 1:
            raise UsageError(
                f"STATS_FUNCTION: {function} has {len(mappings)} event source mappings: name the"
                " alias of the stats consumer, which has one"
            )
        uuid: str = mappings[0]["UUID"]
        return uuid

    def _switch(self, mapping: str, *, enabled: bool) -> None:
        with translated(f"switching the event source mapping {mapping}"):
            self._client.update_event_source_mapping(UUID=mapping, Enabled=enabled)

    def _wait_until(self, mapping: str, state: str) -> None:
        for _ in range(int(PATIENCE_SECONDS / POLL_SECONDS)):
            with translated(f"asking for the event source mapping {mapping}"):
                found = self._client.get_event_source_mapping(UUID=mapping)["State"]
            if found == state:
                return
            self._sleep(POLL_SECONDS)
        raise RetryableError(f"the event source mapping {mapping} is not {state} after 3 minutes")
