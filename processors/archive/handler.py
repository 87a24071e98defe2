"""The archive consumer Lambda."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from liveinsight.runtime.errors import RetryableError
from liveinsight.runtime.metrics import NAMESPACE
from processors.archive import bootstrap
from processors.record import records_of, retry_from, success

logger = Logger(service="archive")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Write a batch of records to the archive and the raw events table."""
    records = records_of(event)
    try:
        outcome = bootstrap.processor().run(records, now=datetime.now(UTC))
    except RetryableError:
        logger.exception("batch_faulted", extra={"records": len(records)})
        return retry_from(records)
    metrics = EphemeralMetrics(namespace=NAMESPACE, service="archive")
    for name, count in asdict(outcome).items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.flush_metrics()
    return success()
