"""Schedules on this machine."""

from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent

from liveinsight.engine.schedule import Schedule, run, scheduled_event


def test_a_handler_is_called_until_the_stop_even_if_it_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stop, calls = Event(), []

    def handler(event: dict[str, Any], context: Any) -> None:
        calls.append((event["detail-type"], context.get_remaining_time_in_millis() <= 7000))
        if len(calls) == 3:
            stop.set()
        raise RuntimeError("not today")

    run(Schedule("some-function", handler, timedelta(milliseconds=1), timedelta(seconds=7)), stop)
    assert calls == [("Scheduled Event", True)] * 3
    assert caplog.text.count("RuntimeError: not today") == 3


def test_nothing_is_called_after_the_stop() -> None:
    stop = Event()
    stop.set()

    def handler(*_: Any) -> None:
        pytest.fail("called")

    run(Schedule("some-function", handler, timedelta(0), timedelta(seconds=1)), stop)


def test_the_event_is_one_of_event_bridge() -> None:
    event = EventBridgeEvent(scheduled_event(datetime(2026, 3, 13, 15, 9, tzinfo=UTC)))
    assert (event.source, event.detail_type) == ("aws.events", "Scheduled Event")
    assert event.time == "2026-03-13T15:09:00Z"
