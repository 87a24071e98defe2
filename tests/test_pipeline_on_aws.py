"""The whole pipeline through its Lambda handlers, on AWS's adapters and moto."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import api.realtime.bootstrap
import api.realtime.handler
import api.reconciliation.bootstrap
import api.stats.bootstrap
import api.stats.handler
import ingest.bootstrap
import ingest.handler
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
from processors.archive.store import ObjectArchiveStore
from runtime.errors import UsageError
from runtime.settings import AwsSettings, settings_from
from runtime.sites.site import Site
from tests.api.test_read_apis import get
from tests.aws import Aws
from tests.ingest.http_caller import call

SITE = "shop.example"
CONSUMERS = [processors.archive, processors.realtime, processors.stats]
DONE: dict[str, list[object]] = {"batchItemFailures": []}
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def account(aws: Aws) -> Iterator[Aws]:
    """An account with one site, and containers that have not started yet."""
    aws.sites().add(Site(site_id=SITE, public=True))
    built = [
        ingest.bootstrap.collector,
        processors.bootstrap.deadline,
        *(consumer.bootstrap.processor for consumer in CONSUMERS),
        api.realtime.bootstrap.endpoint,
        api.stats.bootstrap.endpoint,
        api.reconciliation.bootstrap.endpoint,
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
    for number, shard in enumerate(aws.kinesis.list_shards(StreamName="stream")["Shards"]):
        iterator = aws.kinesis.get_shard_iterator(
            StreamName="stream", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found = [
            LogRecord(
                int(one["SequenceNumber"]),
                one["PartitionKey"],
                int(datetime.now(UTC).timestamp() * 1000),
                one["Data"],
            )
            for one in aws.kinesis.get_records(ShardIterator=iterator)["Records"]
        ]
        if found:
            batches.append(kinesis_event(number, found))
    return batches


def test_the_collector_puts_what_it_accepts_on_the_stream(account: Aws) -> None:
    assert send("session-1", "/", "/pricing") == {"accepted": 2, "duplicates": 0, "rejected": []}
    (batch,) = on_the_stream(account)
    (entry,) = batch["Records"]
    assert entry["kinesis"]["partitionKey"].startswith(f"{SITE}/")


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_consumer_takes_a_batch_twice(consumer: ModuleType, account: Aws) -> None:
    send("session-1", "/")
    for batch in on_the_stream(account) * 2:
        assert consumer.handler.handler(batch, LocalContext("consumer")) == DONE
    assert account.contents("dead-letters") == {}


def test_what_was_sent_is_archived_counted_and_shown(account: Aws) -> None:
    sessions = [f"session-{number}" for number in range(3)]
    for session in sessions:
        send(session, "/", "/pricing")
    for batch in on_the_stream(account):
        for consumer in CONSUMERS:
            assert consumer.handler.handler(batch, LocalContext("consumer")) == DONE
    archive = ObjectArchiveStore(account.bucket("archive"))
    assert sum(len(list(archive.records(shard))) for shard in archive.shards()) == 3
    assert all(len(account.events().session(session)) == 2 for session in sessions)
    status, live, _ = get("/api/realtime", {"site_id": SITE})
    assert (status, live["current_visitors"]) == (200, 1)
    today = datetime.now(UTC).date().isoformat()
    status, numbers, _ = get("/api/stats", {"site_id": SITE, "from": today, "to": today})
    assert (status, numbers["totals"]["pageviews"], numbers["totals"]["visits"]) == (200, 6, 3)
    status, ledger, _ = get("/api/reconciliation", {"site_id": SITE, "from": today, "to": today})
    assert (status, ledger["state"]) == (200, "balanced")
    assert (ledger["received"], ledger["archived"], ledger["counted"]) == (6, 6, 6)


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_with_little_time_left_a_batch_is_asked_for_again(
    consumer: ModuleType, account: Aws
) -> None:
    send("session-1", "/")
    (batch,) = on_the_stream(account)
    answer = consumer.handler.handler(batch, LocalContext("consumer", timeout_seconds=9))
    first = batch["Records"][0]["kinesis"]["sequenceNumber"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert consumer.handler.handler(batch, LocalContext("consumer")) == DONE


@pytest.mark.parametrize(
    ("build", "variable"),
    [
        (ingest.bootstrap.collector, "SITES_TABLE"),
        (ingest.bootstrap.collector, "STREAM_NAME"),
        (ingest.bootstrap.collector, "TOKEN_KEYS_PARAMETER"),
        (processors.archive.bootstrap.processor, "ARCHIVE_BUCKET"),
        (processors.archive.bootstrap.processor, "EVENTS_TABLE"),
        (processors.realtime.bootstrap.processor, "REALTIME_TABLE"),
        (processors.realtime.bootstrap.processor, "DEAD_LETTERS_BUCKET"),
        (processors.stats.bootstrap.processor, "STATS_TABLE"),
        (processors.stats.bootstrap.processor, "SESSIONS_TABLE"),
        (api.realtime.bootstrap.endpoint, "REALTIME_TABLE"),
        (api.stats.bootstrap.endpoint, "STATS_TABLE"),
    ],
)
def test_a_missing_setting_is_named(
    build: Any, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(UsageError, match=f"{variable} is not set"):
        build()


def test_token_keys_that_cannot_be_used_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3  # noqa: PLC0415

    boto3.client("ssm").put_parameter(Name="/broken", Value="{}", Type="SecureString")
    monkeypatch.setenv("TOKEN_KEYS_PARAMETER", "/broken")
    with pytest.raises(UsageError, match="the parameter /broken holds no token keys"):
        ingest.bootstrap.collector()


def test_engines_have_names() -> None:
    assert isinstance(settings_from({"LIVEINSIGHT_ENGINE": "aws"}), AwsSettings)
    with pytest.raises(UsageError, match="'azure'"):
        settings_from({"LIVEINSIGHT_ENGINE": "azure"})


def test_the_embedded_engine_starts_without_boto3(tmp_path: Path) -> None:
    code = """
import sys
import ingest.bootstrap, processors.archive.bootstrap, processors.realtime.bootstrap
import processors.stats.bootstrap, api.realtime.bootstrap, api.stats.bootstrap
ingest.bootstrap.collector()
for part in (processors.archive, processors.realtime, processors.stats):
    part.bootstrap.processor()
for part in (api.realtime, api.stats):
    part.bootstrap.endpoint()
print({"boto3", "botocore"} & set(sys.modules))
"""
    environment = {"LIVEINSIGHT_DATA": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"
