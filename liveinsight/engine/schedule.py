"""EventBridge's schedules on this machine: call a function's handler again and again."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import uuid4

from liveinsight.engine.lambda_context import LocalContext
from runtime.errors import LiveInsightError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which handler is called how often, and how long it may take."""

    function: str
    handler: Callable[[dict[str, Any], Any], object]
    every: timedelta
    timeout: timedelta


def run(schedule: Schedule, stop: Event) -> None:
    """Call the handler until told to stop; a failure is logged, and the next call comes as ever."""
    while not stop.wait(schedule.every.total_seconds()):
        context = LocalContext(schedule.function, schedule.timeout.total_seconds())
        try:
            schedule.handler(scheduled_event(datetime.now(UTC)), context)
        except LiveInsightError as error:
            logger.warning("%s failed: %s", schedule.function, error)
        except Exception:
            logger.exception("scheduled_function_failed", extra={"function": schedule.function})


def scheduled_event(now: datetime) -> dict[str, Any]:
    """Build the event that EventBridge sends.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
    """
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "local",
        "resources": [],
        "detail": {},
    }
