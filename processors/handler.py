"""What the three consumer Lambdas have in common: decode, call, report."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from processors import bootstrap
from processors.record import Record, records_of, retry_from, success
from runtime.errors import RetryableError
from runtime.handler import publish

if TYPE_CHECKING:
    from runtime.metrics import MetricName

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class Processor(Protocol):
    """Takes batches. Its outcome is a dataclass of counts, named as in MetricName."""

    def run(self, records: Sequence[Record], *, now: datetime) -> Any:
        """Process a batch; raise RetryableError where it must be sent again."""


def consumer(service: str, processor: Callable[[], Processor]) -> Handler:
    """Return the handler of one consumer.

    Args:
        service: its name in logs and metrics.
        processor: gives its processor, at the first invocation.
    """
    logger = Logger(service=service)

    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        bootstrap.deadline().begin(context.get_remaining_time_in_millis() / 1000)
        records = records_of(event)
        try:
            outcome = processor().run(records, now=datetime.now(UTC))
        except RetryableError:
            logger.exception("batch_faulted", extra={"records": len(records)})
            return retry_from(records)
        publish(service, cast("dict[MetricName, int]", asdict(outcome)))
        return success()

    return handler
