"""The whole pipeline through its Lambda handlers, on AWS's adapters and moto."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import api.realtime.bootstrap
import api.stats.bootstrap
import ingest.bootstrap
import processors.archive.bootstrap
import processors.realtime.bootstrap
import processors.stats.bootstrap
from liveinsight.engine.lambda_context import LocalContext
from processors.archive.store import ObjectArchiveStore
from runtime.errors import UsageError
from runtime.settings import AwsSettings, settings_from
from tests.api.caller import get
from tests.aws import Aws
from tests.functions_on_aws import CONSUMERS, DONE, SITE, account, on_the_stream, send

__all__ = ["account"]  # a fixture that every test here uses

ROOT = Path(__file__).parents[1]


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
    assert (status, numbers["totals"]["pageviews"], numbers["totals"]["visits"]) == (200, 6, 1)
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
