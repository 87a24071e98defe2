"""What functions publish, as CloudWatch reads it from their output."""

import json
from typing import Any

import pytest

from runtime.handler import publish
from runtime.metering import Units, container_meter


@pytest.fixture(autouse=True)
def printing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "the function's name")
    container_meter().take()
    container_meter().take_largest()


def published(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def shapes(document: dict[str, Any]) -> list[tuple[list[list[str]], list[dict[str, str]]]]:
    return [(one["Dimensions"], one["Metrics"]) for one in document["_aws"]["CloudWatchMetrics"]]


def test_counts_have_the_service_as_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    container_meter().add(Units(requests=2))
    publish("stats", {"events_counted": 3})
    (document,) = published(capsys)
    metrics = [{"Name": name, "Unit": "Count"} for name in ("events_counted", "requests_made")]
    assert shapes(document) == [([["service"]], metrics)]
    assert document["service"] == "stats"
    assert (document["events_counted"], document["requests_made"]) == ([3], [2])


def test_sizes_have_the_table_alone_whichever_function_wrote(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for size in (5, 7, 6):
        container_meter().add_item("stats-dev", size)
    container_meter().add_item("sessions-dev", 3)
    publish("archive", {})
    documents = published(capsys)
    metric = [{"Name": "largest_item_bytes", "Unit": "Bytes"}]
    assert [shapes(one) for one in documents] == 2 * [[([["table"]], metric)]]
    assert [one["table"] for one in documents] == ["stats-dev", "sessions-dev"]
    assert [one["largest_item_bytes"] for one in documents] == [[7], [3]]
    assert all("service" not in one for one in documents)


def test_nothing_is_published_where_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    publish("stats", {})
    assert published(capsys) == []
