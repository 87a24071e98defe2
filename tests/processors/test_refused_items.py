"""No consumer tries for ever what can never succeed: an item that its table refuses, say.

The handlers run against moto's DynamoDB, which refuses the items of one site, each time, with the
words that the real one has for an item over 400 KB. What the scheduled functions can never do holds
nobody up either: tests/ingest/drain/test_spill_drain.py, tests/processors/test_compaction.py.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

import processors.archive
import processors.bootstrap
import processors.realtime
import processors.stats
from aggregates.rollup import merge
from ingest.stream.sqlite import LogRecord
from liveinsight.engine.lambda_context import LocalContext
from liveinsight.engine.mapping import kinesis_event
from processors.archive.store import ObjectArchiveStore
from runtime.dynamodb import container_dynamo
from runtime.sites.site import Site
from schemas.event import Context, Event, EventBatch, EventType, encode_batch
from tests.aws import Aws, hooked, json_answer
from tests.functions_on_aws import CONSUMERS, DONE, SITE, account
from tests.whole_days import whole_days

__all__ = ["account"]  # a fixture that every test here uses

REFUSED = "refused.example"
TOO_LARGE = "Item size has exceeded the maximum allowed size"
PATTERN = (SITE, REFUSED, SITE, REFUSED, REFUSED, SITE, SITE)
OTHERS = PATTERN.count(SITE)
NOW_MS = int(datetime.now(UTC).timestamp() * 1000)


def batch() -> dict[str, Any]:
    """A batch of one record for each place of the pattern, each of a visitor of its own."""
    entries = []
    for number, site in enumerate(PATTERN, 1):
        event = Event(
            event_id=number.to_bytes(16),
            event_type=EventType.PAGE_VIEW,
            occurred_at=NOW_MS,
            session_id=f"{site}-{number}",
            hostname=site,
            page="/",
        )
        request = EventBatch(site, number.to_bytes(8), NOW_MS, Context(), (event,))
        entries.append(LogRecord(number, f"{site}/0", NOW_MS, encode_batch(request)))
    return kinesis_event("shardId-a-0", entries)


def refusing(table: str) -> Callable[..., Any]:
    def hook(request: Any, **_: Any) -> Any:
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        asked = json.loads(request.body)
        tables = asked.get("RequestItems", {asked.get("TableName"): asked})
        is_write = operation in {"PutItem", "BatchWriteItem"} and table in tables
        if not is_write or REFUSED not in json.dumps(tables[table]):
            return None
        code = "com.amazon.coral.validate#ValidationException"
        return json_answer(request, 400, {"__type": code, "message": TOO_LARGE})

    return hook


@dataclass(frozen=True)
class Case:
    """A consumer, a table that refuses, and how many events of others it shows."""

    consumer: ModuleType
    table: str
    count: Callable[[Aws], int]


def pageviews(aws: Aws) -> int:
    today = datetime.now(UTC).date()
    days = whole_days(aws.rollups(), 1, SITE, today.replace(day=1), today)
    return merge(stored.rollup for _, stored in days).total.pageviews


def live_pageviews(aws: Aws) -> int:
    minutes = aws.minutes().minutes(SITE, NOW_MS - 60_000, NOW_MS + 60_000)
    return sum(stored.minute.pageviews for _, stored in minutes)


def raw_events(aws: Aws) -> int:
    sessions = [f"{SITE}-{number}" for number in range(1, len(PATTERN) + 1)]
    return sum(len(aws.events().session(session)) for session in sessions)


CASES = [
    Case(processors.archive, "events", raw_events),
    Case(processors.archive, "stats", raw_events),
    Case(processors.realtime, "realtime", live_pageviews),
    Case(processors.stats, "stats", pageviews),
    Case(processors.stats, "sessions", pageviews),
]


def test_every_consumer_is_here() -> None:
    assert {case.consumer for case in CASES} == set(CONSUMERS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.consumer.__name__} {case.table}")
def test_what_a_table_refuses_for_ever_is_a_letter_and_holds_nobody_up(
    case: Case, account: Aws
) -> None:
    account.sites().add(Site(site_id=REFUSED))
    handler: Any = case.consumer.handler.handler
    context = LocalContext("consumer")
    handler(kinesis_event("shardId-a-0", []), context)  # the container starts
    client = container_dynamo(processors.bootstrap.deadline().remaining)._client
    with hooked(client, refusing(case.table)):
        assert handler(batch(), context) == DONE
        assert case.count(account) == OTHERS
        letters = {name: json.loads(one) for name, one in account.contents("dead-letters").items()}
        assert handler(batch(), context) == DONE, "again, as Lambda may"
    assert case.count(account) == OTHERS
    assert sorted(one["sequence_number"] for one in letters.values()) == ["2", "4", "5"]
    for letter in letters.values():
        assert letter["reason"].startswith("cannot be kept: ")
        assert TOO_LARGE in letter["reason"]
    assert set(account.contents("dead-letters")) == set(letters), "a letter is kept once"


def test_the_archive_holds_also_what_a_table_refused(account: Aws) -> None:
    account.sites().add(Site(site_id=REFUSED))
    handler: Any = processors.archive.handler.handler
    context = LocalContext("consumer")
    handler(kinesis_event("shardId-a-0", []), context)
    client = container_dynamo(processors.bootstrap.deadline().remaining)._client
    with hooked(client, refusing("events")):
        assert handler(batch(), context) == DONE
    archive = ObjectArchiveStore(account.bucket("archive"))
    kept = [one.sequence_number for shard in archive.shards() for one in archive.records(shard)]
    assert kept == list(range(1, len(PATTERN) + 1))
