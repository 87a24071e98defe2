"""What the handlers of all functions share."""

from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from runtime.metering import container_meter
from runtime.metrics import NAMESPACE, MetricName


def publish(service: str, counts: Mapping[MetricName, int]) -> None:
    """Publish what an invocation counted, and what the container's meter has since the last one.

    Nothing where there is nothing.
    """
    meter = container_meter()
    _publish(("service", service), {**counts, **meter.take().metrics()}, MetricUnit.Count)
    for table, size in meter.take_largest().items():
        _publish(("table", table), {"largest_item_bytes": size}, MetricUnit.Bytes)


def _publish(
    dimension: tuple[str, str], values: Mapping[MetricName, int], unit: MetricUnit
) -> None:
    if not values:
        return
    # Powertools' Metrics is one object for all threads; an ephemeral one is this call's alone.
    # With an empty service it adds no dimension of its own.
    metrics = EphemeralMetrics(namespace=NAMESPACE, service="")
    metrics.add_dimension(*dimension)
    for name, value in values.items():
        metrics.add_metric(name, unit, value)
    metrics.flush_metrics()
