"""The archive compactor Lambda. A schedule invokes it; what it gets from it does not matter."""

from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from liveinsight.runtime.metering import container_meter
from liveinsight.runtime.metrics import NAMESPACE
from processors.compaction import bootstrap


def handler(_event: dict[str, Any], context: LambdaContext) -> None:
    """Compact and prune the archive until all is done, or time is short.

    What it raises, Lambda tries again.
    """
    bootstrap.deadline().begin(context.get_remaining_time_in_millis() / 1000)
    outcome = bootstrap.compactor().run(now=datetime.now(UTC))
    consumed = container_meter().take().metrics()
    metrics = EphemeralMetrics(namespace=NAMESPACE, service="archive-compactor")
    for name, count in chain(asdict(outcome).items(), consumed.items()):
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.flush_metrics()
