"""The three consumer handlers on Kinesis events, as Lambda and the embedded engine send them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, get_args

import pytest

import processors.archive.bootstrap
import processors.archive.handler
import processors.bootstrap
import processors.realtime.bootstrap
import processors.realtime.handler
import processors.stats.bootstrap
import processors.stats.handler
from ingest.stream.sqlite import LogRecord
from liveinsight.engine.lambda_context import LocalContext
from liveinsight.engine.mapping import kinesis_event
from processors.archive.processor import ArchiveOutcome
from processors.realtime.processor import RealtimeOutcome
from processors.record import Record
from processors.stats.processor import StatsOutcome
from runtime.errors import PermanentError, RetryableError
from runtime.metrics import MetricName
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from tests.factories import traffic
from tests.processors.stream import SITE, records

CONSUMERS = [processors.archive, processors.realtime, processors.stats]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LIVEINSIGHT_DATA", str(tmp_path))
    SqliteSiteStore(tmp_path / "sites.sqlite").add(Site(site_id=SITE))
    processors.bootstrap.letters.cache_clear()
    for consumer in CONSUMERS:
        consumer.bootstrap.processor.cache_clear()
    yield tmp_path
    processors.bootstrap.letters.cache_clear()
    for consumer in CONSUMERS:
        consumer.bootstrap.processor.cache_clear()


def event(extra: bytes = b"") -> dict[str, Any]:
    entries = [
        LogRecord(number, one.partition_key, one.arrived_at, one.data)
        for number, one in enumerate(records(traffic(Random(1), 4)), 1)
    ]
    if extra:
        entries.append(LogRecord(99, f"{SITE}/0", 0, extra))
    return kinesis_event("shardId-a-0", entries)


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_batch_that_is_done_reports_no_failure(consumer: ModuleType) -> None:
    for _ in range(2):
        answer = consumer.handler.handler(event(), LocalContext("consumer"))
        assert answer == {"batchItemFailures": []}


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_poison_does_not_fail_the_batch(consumer: ModuleType, data: Path) -> None:
    answer = consumer.handler.handler(event(b"poison"), LocalContext("consumer"))
    assert answer == {"batchItemFailures": []}
    (kept,) = (data / "dead-letters").rglob("*.json")
    document = json.loads(kept.read_text())
    assert document["sequence_number"] == "99"
    assert document["data"] == "cG9pc29u"
    assert document["reason"].startswith("undecodable")


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_fault_asks_for_the_whole_batch_again(
    consumer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: Any, **__: Any) -> None:
        raise RetryableError("throttled")

    monkeypatch.setattr(consumer.bootstrap.processor(), "run", fault)
    answer = consumer.handler.handler(event(), LocalContext("consumer"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_record_that_can_never_be_processed_stops_no_other(
    consumer: ModuleType, monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    """Whatever the reason is: an item that no table takes, say."""
    processor = consumer.bootstrap.processor()
    run, done = processor.run, list[int]()

    def strict(records: Sequence[Record], *, now: datetime) -> Any:
        numbers = [one.position.sequence_number for one in records]
        if {2, 4}.intersection(numbers):
            raise PermanentError("the item takes 500,000 bytes")
        done.extend(numbers)
        return run(records, now=now)

    monkeypatch.setattr(processor, "run", strict)
    answer = consumer.handler.handler(event(), LocalContext("consumer"))
    assert answer == {"batchItemFailures": []}
    assert done == [1, 3]
    kept = [
        json.loads(path.read_text()) for path in sorted((data / "dead-letters").rglob("*.json"))
    ]
    assert [one["sequence_number"] for one in kept] == ["2", "4"]
    assert kept[0]["reason"] == "cannot be kept: the item takes 500,000 bytes"


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_fault_while_a_batch_is_halved_asks_only_for_what_is_left(
    consumer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a batch with more bad records than an invocation has time for would come for ever."""

    def strict(records: Sequence[Record], **_: Any) -> Any:
        numbers = [one.position.sequence_number for one in records]
        if numbers == [3]:
            raise RetryableError("no time left")
        raise PermanentError("the item takes 500,000 bytes")

    monkeypatch.setattr(consumer.bootstrap.processor(), "run", strict)
    answer = consumer.handler.handler(event(), LocalContext("consumer"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "3"}]}


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("wrong", [{}, {"Records": [{}]}, {"Records": [{"kinesis": 1}]}])
def test_what_is_no_kinesis_event_never_reports_success(
    consumer: ModuleType, wrong: dict[str, Any]
) -> None:
    with pytest.raises(PermanentError, match="not a Kinesis event"):
        consumer.handler.handler(wrong, LocalContext("consumer"))


@pytest.mark.parametrize("outcome", [ArchiveOutcome, RealtimeOutcome, StatsOutcome])
def test_what_a_batch_came_to_is_published_under_known_names(outcome: type) -> None:
    assert {field.name for field in fields(outcome)} <= set(get_args(MetricName))
