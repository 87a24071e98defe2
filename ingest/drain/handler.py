"""The spill drain Lambda, which a schedule of EventBridge calls every minute."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ingest.drain import bootstrap
from runtime.handler import publish

SERVICE = "spill-drain"

logger = Logger(service=SERVICE)


def handler(_event: dict[str, Any], context: LambdaContext) -> None:
    """Move what is in the spill to the stream; what stays is moved by a later invocation.

    Raises:
        RetryableError: the spill could not be listed.
    """
    bootstrap.deadline().begin(context.get_remaining_time_in_millis() / 1000)
    report = bootstrap.drain().run()
    if report.stopped_by:
        logger.warning("drain_stopped", extra=asdict(report))
    publish(SERVICE, {"records_drained": report.records_drained, "spills_left": report.spills_left})
