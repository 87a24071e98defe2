"""`liveinsight dead-letters` with LIVEINSIGHT_ENGINE=aws: from the bucket back on the stream."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from liveinsight.cli import cli
from processors.dead_letter import DeadLetters
from processors.record import Poison
from runtime.errors import UsageError
from runtime.sites.site import Site
from schemas.event import Context, EventBatch, RejectedHit, decode_batch, encode_batch
from tests.aws import Aws
from tests.processors.stream import SITE, record

GOOD = record(encode_batch(EventBatch(SITE, b"visitor1", 0, Context(), ())), 1)
BAD = record(b"\xf3\x89\x9a\xc2", 2)
HIT = json.dumps({"event_type": "page_view", "page_url": f"https://{SITE}/"})


def run(*arguments: str) -> Any:
    done = CliRunner().invoke(cli, ["dead-letters", *arguments])
    if done.exception is not None:
        raise done.exception
    return json.loads(done.stdout)


def on_the_stream(aws: Aws) -> list[tuple[str, bytes]]:
    found = []
    for shard in aws.kinesis.list_shards(StreamName="stream")["Shards"]:
        iterator = aws.kinesis.get_shard_iterator(
            StreamName="stream", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        read = aws.kinesis.get_records(ShardIterator=iterator)["Records"]
        found += [(one["PartitionKey"], one["Data"]) for one in read]
    return found


def test_letters_are_listed_shown_and_put_back_on_the_stream_once(aws: Aws, tmp_path: Path) -> None:
    letters = DeadLetters(aws.bucket("dead-letters", "records/"))
    letters.put([Poison(GOOD, "unknown site"), Poison(BAD, "undecodable")])
    listed = run("list", "--json", "--data", str(tmp_path))["dead_letters"]
    assert [one["reason"] for one in listed] == ["unknown site", "undecodable"]
    assert run("show", listed[0]["name"])["partition_key"] == GOOD.partition_key
    report = run("redrive", "--json")
    assert report == {"redriven": 1, "redriven_before": 0, "still_poison": 1}
    assert on_the_stream(aws) == [(GOOD.partition_key, GOOD.data)]
    assert run("redrive", "--json")["redriven_before"] == 1
    assert len(on_the_stream(aws)) == 1
    assert list(tmp_path.iterdir()) == [], "the embedded engine is left alone"


def test_kept_hits_of_a_known_site_are_judged_again(aws: Aws) -> None:
    aws.sites().add(Site(site_id=SITE))
    rejected = (RejectedHit("invalid_field", "name", HIT),)
    kept = EventBatch(SITE, b"visitor1", 1_777_000_000_000, Context(), (), rejected=rejected)
    letter = Poison(record(encode_batch(kept), 3), "invalid_field name")
    DeadLetters(aws.bucket("dead-letters", "malformed/")).put([letter])
    assert run("redrive", "--malformed", "--json")["redriven"] == 1
    ((_, data),) = on_the_stream(aws)
    assert [event.page for event in decode_batch(data).events] == ["/"]


@pytest.mark.usefixtures("aws")
def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STREAM_NAME")
    with pytest.raises(UsageError, match="STREAM_NAME"):
        run("redrive", "--json")
    monkeypatch.delenv("DEAD_LETTERS_BUCKET")
    with pytest.raises(UsageError, match="DEAD_LETTERS_BUCKET"):
        run("list", "--json")
