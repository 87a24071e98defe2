"""What the handlers of all functions share."""

from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from runtime.metering import container_meter
from runtime.metrics import NAMESPACE, MetricName


def publish(service: str, counts: Mapping[MetricName, int]) -> None:
    """Publish what an invocation counted, and what the container consumed since the last one.

    Nothing where there is neither.
    """
    everything = {**counts, **container_meter().take().metrics()}
    if not everything:
        return
    # Powertools' Metrics is one object for all threads; an ephemeral one is this call's alone.
    metrics = EphemeralMetrics(namespace=NAMESPACE, service=service)
    for name, count in everything.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.flush_metrics()
