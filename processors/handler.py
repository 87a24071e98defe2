"""What the three consumer Lambdas have in common: decode, call, report."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from processors import bootstrap
from processors.record import UNWRITABLE, Poison, Record, records_of, retry_from, success
from runtime.container import ready
from runtime.errors import PermanentError, RetryableError
from runtime.handler import publish

if TYPE_CHECKING:
    from runtime.metrics import MetricName

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class Processor(Protocol):
    """Takes batches. Its outcome is a dataclass of counts, named as in MetricName."""

    def run(self, records: Sequence[Record], *, now: datetime) -> Any:
        """Process a batch.

        Raises:
            RetryableError: it must be sent again.
            PermanentError: a record of it can never be processed; the others can.
        """


def consumer(service: str, processor: Callable[[], Processor]) -> Handler:
    """Return the handler of one consumer.

    Args:
        service: its name in logs and metrics.
        processor: gives its processor.
    """
    ready(processor)
    logger = Logger(service=service)

    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        bootstrap.deadline().begin(context.get_remaining_time_in_millis() / 1000)
        records = records_of(event)
        counts = Counter[str]()
        left: list[Sequence[Record]] = [records]
        try:
            while left:
                _process_next(processor(), left, counts)
        except RetryableError:
            logger.exception("batch_faulted", extra={"records": len(records)})
            return retry_from(left[-1])
        publish(service, cast("dict[MetricName, int]", counts))
        return success()

    return handler


def _process_next(processor: Processor, left: list[Sequence[Record]], counts: Counter[str]) -> None:
    """Process the part of a batch that comes next, the last of the list, and take it off.

    A part with which it can never succeed is halved, until the record is found: that becomes a dead
    letter. What such a record had written before it failed stays, so it is not redriven.

    Args:
        processor: of the consumer.
        left: the parts that are not done, the first one last.
        counts: what has come of those that are done.

    Raises:
        RetryableError: the part, and all after it, must be sent again.
    """
    part, now = left[-1], datetime.now(UTC)
    try:
        counts.update(asdict(processor.run(part, now=now)))
    except PermanentError as error:
        middle = len(part) // 2
        if middle:
            left[-1:] = [part[middle:], part[:middle]]
            return
        bootstrap.letters().put([Poison(part[0], f"{UNWRITABLE}: {error}")])
        counts.update(records_poisoned=1)
    left.pop()
