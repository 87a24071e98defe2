"""The functions of the pipeline in an AWS account: what one sends, and what the next one gets."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import api.query.bootstrap
import api.realtime.bootstrap
import api.rebuild.bootstrap
import api.reconciliation.bootstrap
import api.stats.bootstrap
import ingest.bootstrap
import processors.archive.bootstrap
import processors.archive.handler
import processors.bootstrap
import processors.realtime.bootstrap
import processors.realtime.handler
import processors.stats.bootstrap
import processors.stats.handler
from ingest.stream.sqlite import LogRecord
from liveinsight.engine.mapping import kinesis_event
from runtime.sites.site import Site
from tests.aws import Aws
from tests.ingest.http_caller import call

SITE = "shop.example"
CONSUMERS = [processors.archive, processors.realtime, processors.stats]
DONE: dict[str, list[object]] = {"batchItemFailures": []}


@pytest.fixture(autouse=True)
def account(aws: Aws) -> Iterator[Aws]:
    """An account with one site, and containers that have not started yet."""
    aws.sites().add(Site(site_id=SITE, public=True))
    built = [
        ingest.bootstrap.collector,
        ingest.bootstrap.sink,
        processors.bootstrap.deadline,
        processors.bootstrap.letters,
        *(consumer.bootstrap.processor for consumer in CONSUMERS),
        api.realtime.bootstrap.endpoint,
        api.stats.bootstrap.endpoint,
        api.query.bootstrap.endpoint,
        api.reconciliation.bootstrap.endpoint,
        api.rebuild.bootstrap.endpoint,
    ]
    for one in built:
        one.cache_clear()
    yield aws
    for one in built:
        one.cache_clear()


def send(session_id: str, *paths: str) -> dict[str, Any]:
    issued = call("/api/csrf-token", {"session_id": session_id, "site_id": SITE})
    hits = [{"event_type": "page_view", "page_url": f"https://{SITE}{path}"} for path in paths]
    body = {"events": hits, **issued.document, "session_id": session_id}
    return call("/api/events", body).document


def on_the_stream(aws: Aws) -> list[dict[str, Any]]:
    """The stream's records as Lambda sends them, an event for each shard that has some."""
    batches = []
    for number, held in enumerate(aws.stream()):
        found = [
            LogRecord(
                int(one["SequenceNumber"]),
                one["PartitionKey"],
                int(datetime.now(UTC).timestamp() * 1000),
                one["Data"],
            )
            for one in held
        ]
        if found:
            batches.append(kinesis_event(f"shardId-stream-{number:012d}", found))
    return batches
