"""The proof and the doctor on AWS: what the tables, the buckets and the stream itself say."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from ingest.stream.opener import spill
from ingest.stream.sink import SinkRecord
from ingest.stream.spill import spill_name
from liveinsight.cli import cli
from liveinsight.engine.lambda_context import LocalContext
from liveinsight.replay.kinesis import open_reader
from processors.archive.handler import handler as archive
from processors.record import records_of
from processors.stats.handler import handler as stats
from runtime.settings import AwsSettings
from tests.aws import ENVIRON, Aws
from tests.functions_on_aws import DONE, SITE, account, on_the_stream, send

__all__ = ["account"]


def run(*words: str) -> tuple[int, Any]:
    done = CliRunner().invoke(cli, [*words, "--engine", "aws", "--json"], standalone_mode=False)
    assert done.exception is None, done.exception
    return done.return_value, json.loads(done.stdout)


def proof() -> tuple[int, str, int, list[str]]:
    yesterday = str(datetime.now(UTC).date() - timedelta(days=1))
    code, answer = run("reconcile", "--site", SITE, "--from", yesterday)
    broken = [f"{one['where']}: {one['what']}" for one in answer["broken"]]
    return code, answer["state"], answer["in_flight"], broken


def consume(aws: Aws) -> None:
    context: Any = LocalContext("consumer")
    for batch in on_the_stream(aws):
        for handler in (archive, stats):
            assert handler(batch, context) == DONE


def test_what_is_on_kinesis_and_not_archived_is_in_flight(aws: Aws) -> None:
    send("session-1", "/", "/a")
    assert proof() == (0, "in_flight", 1, [])
    consume(aws)
    assert proof() == (0, "balanced", 0, [])
    send("session-2", "/")
    assert proof() == (0, "in_flight", 1, [])


@pytest.mark.usefixtures("aws")
def test_what_waits_in_the_spill_is_in_flight_and_then_broken() -> None:
    kept = spill(AwsSettings(ENVIRON))
    now = datetime.now(UTC)
    kept.put(spill_name(now, uuid4()), [SinkRecord(f"{SITE}/0", b"-")])
    assert proof() == (0, "in_flight", 1, [])
    kept.put(spill_name(now - timedelta(minutes=7), uuid4()), [SinkRecord(f"{SITE}/0", b"-")])
    code, state, waiting, (said,) = proof()
    assert (code, state, waiting) == (1, "broken", 2)
    assert said.startswith("spill: the stream has not taken what was spilled for 7 min, 2 waiting")


@pytest.mark.parametrize("content", [None, b""], ids=["deleted", "empty"])
def test_the_newest_object_of_the_archive_is_gone(aws: Aws, content: bytes | None) -> None:
    send("session-1", "/")
    consume(aws)
    (key,) = aws.contents("archive")
    aws.s3.delete_object(Bucket="archive", Key=key)
    if content is not None:
        aws.s3.put_object(Bucket="archive", Key=key, Body=content)
    code, state, _, said = proof()
    assert (code, state) == (1, "broken")
    assert "1 records with 1 events lost behind sequence number 0" in said[0]


def test_a_shard_has_one_name_for_who_reads_it_and_who_consumes_it(aws: Aws) -> None:
    """Else no checkpoint would recognise what a replay brings, and it would count twice."""
    send("session-1", "/")
    (batch,) = on_the_stream(aws)
    (record,) = records_of(batch)
    reader = open_reader("stream")
    assert record.position.shard in reader.shards()
    (read,) = reader.read(record.position.shard, 0)
    assert read.sequence_number == record.position.sequence_number


def test_the_doctor_answers_for_each_part(aws: Aws) -> None:
    send("session-1", "/")
    consume(aws)
    code, page = run("doctor")
    assert (code, page["health"]) == (0, "well"), page
    parts = {one["part"]: one["detail"] for one in page["parts"]}
    assert parts["STATS_TABLE"] == "stats can be read"
    assert parts["archive consumer"] == "nothing waits"
    assert parts[f"proof of {SITE}"] == "1 events of 8 days balanced"


def test_a_table_that_is_gone_is_one_line_and_the_rest_answers(aws: Aws) -> None:
    aws.dynamodb.delete_table(TableName="stats")
    code, page = run("doctor")
    found = {one["part"]: one for one in page["parts"]}
    assert (code, found["STATS_TABLE"]["health"]) == (1, "broken")
    assert {found[one]["health"] for one in ("SITES_TABLE", "ARCHIVE_BUCKET", "versions")} == {
        "well"
    }


@pytest.mark.usefixtures("aws")
def test_what_the_environment_does_not_name_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("ARCHIVE_BUCKET", "STREAM_NAME", "DEAD_LETTERS_BUCKET", "EVENTS_TABLE"):
        monkeypatch.delenv(name)
    code, page = run("doctor")
    late = {one["part"] for one in page["parts"] if one["health"] == "late"}
    assert (code, late) == (
        0,
        {"ARCHIVE_BUCKET", "STREAM_NAME", "DEAD_LETTERS_BUCKET", "EVENTS_TABLE"},
    )
    _, answer = run("reconcile", "--site", SITE)
    assert answer["witnesses"] == ["archive"]
