"""Requests while the stream is down: answered 200, and counted once after the drain; or 503."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import ingest.bootstrap
import ingest.drain.bootstrap
import ingest.drain.handler
from ingest.collector import Collector
from ingest.salts.sqlite import SqliteSaltStore
from ingest.stream.spill import Spill, SpillingEventSink
from ingest.stream.sqlite import SqliteEventLog
from ingest.tokens.token import TokenKeys
from liveinsight.engine.lambda_context import LocalContext
from runtime.errors import UsageError
from runtime.objects.folder import FolderObjects
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from tests.aws import Aws
from tests.ingest.http_caller import Answer, call
from tests.ingest.spilled import (
    event_log,
    events_counted,
    locked,
    names,
    on_kinesis,
    on_stream,
)

SITE = "shop.example"
ACCEPTED = {"accepted": 1, "duplicates": 0, "rejected": []}
BUILT = [
    ingest.bootstrap.collector,
    ingest.bootstrap.sink,
    ingest.bootstrap.spilled,
    ingest.drain.bootstrap.drain,
    ingest.drain.bootstrap.deadline,
]


@pytest.fixture(autouse=True)
def _new_container() -> Iterator[None]:
    for one in BUILT:
        one.cache_clear()
    yield
    for one in BUILT:
        one.cache_clear()


def visit(event_id: str = "") -> Callable[[], Answer]:
    """Get a token now; the call sends an event with it."""
    issued = call("/api/csrf-token", {"session_id": "session-1", "site_id": SITE}).document
    event = {"event_type": "page_view", "page_url": f"https://{SITE}/"}
    body = {**event, **issued, "session_id": "session-1", "event_id": event_id or str(uuid4())}
    return lambda: call("/api/events", body)


def drain(timeout_seconds: float = 60.0) -> None:
    context = LocalContext("spill-drain", timeout_seconds)
    ingest.drain.handler.handler({"source": "aws.events"}, context)  # type: ignore[arg-type]


@pytest.fixture
def log(
    tmp_path: Path,
    sites: SqliteSiteStore,
    salts: SqliteSaltStore,
    token_keys: TokenKeys,
    monkeypatch: pytest.MonkeyPatch,
) -> SqliteEventLog:
    """The stream of a collector with little patience, in an embedded engine's data folder."""
    log = event_log(tmp_path)
    log.put([])
    spill, tally = Spill(FolderObjects(tmp_path / "spill")), ingest.bootstrap.spilled()
    sink = SpillingEventSink(log, spill, names(), tally)
    collector = Collector(sites, salts, token_keys)
    monkeypatch.setattr(ingest.bootstrap, "collector", lambda: collector)
    monkeypatch.setattr(ingest.bootstrap, "sink", lambda: sink)
    monkeypatch.setenv("LIVEINSIGHT_DATA", str(tmp_path))
    return log


def test_events_are_accepted_while_the_stream_is_down_and_counted_once_after_the_drain(
    log: SqliteEventLog,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = visit()
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    with locked(tmp_path):
        answer = send()
        assert (answer.status, answer.document) == (200, ACCEPTED)
        assert events_counted(on_stream(log)) == 0, "not before the drain"
    assert json.loads(capsys.readouterr().out)["requests_spilled"] == [1.0]
    for _ in range(2):
        drain()
        assert events_counted(on_stream(log)) == 1


def test_an_event_that_the_stream_has_and_the_spill_too_is_counted_once(
    log: SqliteEventLog, tmp_path: Path
) -> None:
    send = visit(str(uuid4()))
    send()
    with locked(tmp_path):
        send()
    drain()
    assert len(on_stream(log)) == 2
    assert events_counted(on_stream(log)) == 1


def test_with_stream_and_spill_down_the_browser_is_told_when_to_come_back(
    log: SqliteEventLog, tmp_path: Path
) -> None:
    (tmp_path / "spill").touch()
    send = visit()
    with locked(tmp_path):
        answer = send()
        assert (answer.status, answer.document["code"]) == (503, "stream_unavailable")
        assert answer.headers["retry-after"] == "5"
    assert ingest.bootstrap.spilled().take() == 0
    (tmp_path / "spill").unlink()
    assert send().status == 200
    drain()
    assert events_counted(on_stream(log)) == 1


def test_while_the_stream_is_there_nothing_is_spilled(log: SqliteEventLog, tmp_path: Path) -> None:
    assert visit()().document == ACCEPTED
    assert events_counted(on_stream(log)) == 1
    assert not (tmp_path / "spill").exists()
    assert ingest.bootstrap.spilled().take() == 0


@pytest.mark.usefixtures("log")
def test_what_the_drain_did_is_published(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    sends = [visit() for _ in range(2)]
    with locked(tmp_path):
        for send in sends:
            send()
    capsys.readouterr()
    drain()
    published = json.loads(capsys.readouterr().out)
    assert (published["records_drained"], published["spills_left"]) == ([2.0], [0.0])
    assert published["service"] == "spill-drain"


@pytest.fixture
def account(aws: Aws) -> Aws:
    aws.sites().add(Site(site_id=SITE))
    return aws


def test_on_aws_events_wait_in_the_archive_bucket(account: Aws) -> None:
    send = visit()
    account.kinesis.delete_stream(StreamName="stream")
    assert [send().document for _ in range(2)] == [ACCEPTED, ACCEPTED]
    assert len(account.contents("archive")) == 2
    drain()
    assert len(account.contents("archive")) == 2, "there is still no stream"
    account.kinesis.create_stream(StreamName="stream", ShardCount=2)
    drain(timeout_seconds=9)
    assert len(account.contents("archive")) == 2, "less than 10 s left: nothing is begun"
    drain()
    assert account.contents("archive") == {}
    assert len(on_kinesis(account)) == 2
    assert events_counted(on_kinesis(account)) == 1


def test_on_aws_with_stream_and_bucket_gone_it_is_503(account: Aws) -> None:
    send = visit()
    account.kinesis.delete_stream(StreamName="stream")
    account.s3.delete_bucket(Bucket="archive")
    answer = send()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    ("build", "variable"),
    [
        (ingest.bootstrap.collector, "ARCHIVE_BUCKET"),
        (ingest.drain.bootstrap.drain, "ARCHIVE_BUCKET"),
        (ingest.drain.bootstrap.drain, "STREAM_NAME"),
    ],
)
@pytest.mark.usefixtures("account")
def test_a_missing_setting_is_named(
    build: Any, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(UsageError, match=f"{variable} is not set"):
        build()
