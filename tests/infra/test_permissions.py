"""Every function may do on AWS what its code does: moto lets everybody do everything."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.client import BaseClient

import api.rebuild.handler
import api.reconciliation.bootstrap
import ingest.bootstrap
import ingest.drain.bootstrap
import ingest.drain.handler
import processors.compaction.bootstrap
import processors.compaction.handler
import processors.seal.bootstrap
import processors.seal.handler
from aggregates.rollup import Counters, Dimension, Rollup, RowKey
from aggregates.stores.ports import RollupKey, StoredRollup, Versioned
from infra.verify.hcl import loop, read
from ingest.stream.sqlite import LogRecord
from liveinsight.engine.lambda_context import LocalContext
from liveinsight.engine.mapping import kinesis_event
from processors.seal.processor import GRACE
from runtime.sites.generations import Building, Stage, Step
from runtime.sites.site import hash_read_key
from tests.api.caller import get
from tests.aws import NAMES, Aws
from tests.functions_on_aws import CONSUMERS, DONE, SITE, account, on_the_stream, send
from tests.ingest.http_caller import call

__all__ = ["account"]  # a fixture that every test here uses

TABLES = ("events", "sessions", "realtime", "stats", "sites")
MODULES = Path(__file__).parents[2] / "infra" / "modules"
ARNS = {
    "var.sites_table.arn": "sites",
    "var.salts_table.arn": "salts",
    "var.stream.arn": "stream",
    "var.token_keys_parameter.arn": NAMES["TOKEN_KEYS_PARAMETER"],
    "var.archive_bucket.arn": "archive",
    "local.dead_letters": "dead-letters",
    **{f'var.tables["{name}"].arn': name for name in TABLES},
}
"""Names of the Terraform -> names of the tests."""
ACTIONS = {"ListObjectsV2": "ListBucket", "DeleteObjects": "DeleteObject"}
"""Operations of S3 that IAM calls otherwise."""


@dataclass(frozen=True, slots=True)
class Use:
    """One call: what IAM is asked, and on what."""

    action: str
    resource: str


def uses(service: str, operation: str, given: dict[str, Any]) -> Iterator[Use]:
    """Yield what IAM is asked about a call."""
    action = f"{service}:{ACTIONS.get(operation, operation)}"
    if service == "s3":
        keys = [one["Key"] for one in given.get("Delete", {}).get("Objects", [])]
        keys += [given["Key"]] if "Key" in given else []
        if operation == "ListObjectsV2":
            yield Use(action, given["Bucket"])
        yield from (Use(action, f"{given['Bucket']}/{key}") for key in keys)
        return
    names = given.get("RequestItems") or [
        given[name] for name in ("TableName", "StreamName", "Name") if name in given
    ]
    yield from (Use(action, name) for name in names)


def expanded(resources: Any, tables: list[str]) -> list[str]:
    """Return the resources of a statement by the tests' names."""
    if resources == "${each.value.tables}":
        return tables
    if isinstance(resources, str):
        variable, over, each = loop(resources)
        resources = [each.replace(f"${{{variable}}}", one) for one in over]
    return [
        re.sub(r"\$\{(.*?)\}", lambda found: ARNS.get(found[1], found[0]), one) for one in resources
    ]


def granted(statements: list[dict[str, Any]], tables: Sequence[str] = ()) -> list[Use]:
    """Return what some statements allow."""
    found = [
        Use(action, resource)
        for statement in statements
        for action in statement["actions"]
        for resource in expanded(statement["resources"], list(tables))
    ]
    assert found
    return found


COLLECTOR = read([MODULES / "collector" / "iam.tf"])["locals"]
PROCESSORS = read([MODULES / "processors" / "iam.tf"])["locals"]
READ_APIS = read([MODULES / "api" / "functions.tf"])["module"]["read_api"]["statements"]
QUERY_API = read([MODULES / "api" / "query.tf"])["module"]["query_api"]["statements"]
REBUILD_API = read([MODULES / "api" / "rebuild.tf"])["module"]["rebuild_api"]["statements"]

GRANTED = {
    "event-collector": granted(COLLECTOR["collector_statements"]),
    "spill-drain": granted(COLLECTOR["drain_statements"]),
    **{
        consumer: granted([*PROCESSORS["consumer_statements"], *own])
        for consumer, own in PROCESSORS["own_statements"].items()
    },
    "archive-compactor": granted(PROCESSORS["compactor_statements"]),
    "sealer": granted(PROCESSORS["sealer_statements"]),
    "realtime-api": granted(READ_APIS, tables=["realtime", "events"]),
    "stats-api": granted(READ_APIS, tables=["stats"]),
    "reconciliation-api": granted(READ_APIS, tables=["stats"]),
    "query-api": granted(QUERY_API),
    "rebuild-api": granted(REBUILD_API),
}


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[Use]]:
    """Collect what IAM would be asked while the block runs."""
    seen: set[Use] = set()
    make = BaseClient._make_api_call  # type: ignore[attr-defined]

    def watch(self: BaseClient, operation: str, given: dict[str, Any]) -> Any:
        seen.update(uses(self.meta.service_model.service_name, operation, given))
        return make(self, operation, given)

    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", watch)
        yield seen


def lacking(function: str, seen: set[Use]) -> list[Use]:
    """Return what a function did that its role does not allow."""
    return [
        use
        for use in seen
        if not any(
            use.action == one.action and fnmatchcase(use.resource, one.resource)
            for one in GRANTED[function]
        )
    ]


def spill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send events while there is no stream."""
    with monkeypatch.context() as patch:
        patch.setenv("STREAM_NAME", "nowhere")
        ingest.bootstrap.sink.cache_clear()
        send("session-2", "/spilled")
    ingest.bootstrap.sink.cache_clear()


@pytest.mark.usefixtures("account")
def test_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(monkeypatch) as seen:
        send("session-1", "/")
        call("/api/csrf-token", {"session_id": "session-1"}, headers={"Origin": "https://un.known"})
    assert lacking("event-collector", seen) == []
    assert {use.action for use in seen} >= {"kinesis:PutRecords", "ssm:GetParameter"}
    with watched(monkeypatch) as seen:
        spill(monkeypatch)
    assert any(use.resource.startswith("archive/spill/") for use in seen)
    beside = [use for use in lacking("event-collector", seen) if use.resource != "nowhere"]
    assert beside == []


@pytest.mark.usefixtures("account")
def test_the_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    spill(monkeypatch)
    ingest.drain.bootstrap.drain.cache_clear()
    with watched(monkeypatch) as seen:
        context: Any = LocalContext("spill-drain", timeout_seconds=60)
        ingest.drain.handler.handler({}, context)
    ingest.drain.bootstrap.drain.cache_clear()
    assert lacking("spill-drain", seen) == []
    actions = {use.action for use in seen}
    assert actions == {"s3:ListBucket", "s3:GetObject", "s3:DeleteObject", "kinesis:PutRecords"}


def count_on(account: Aws, day: date, keys: list[RowKey], partition: int = 0) -> None:
    """Keep so much for a day that a site of one partition has to grow."""
    rollup = Rollup({key: Counters(pageviews=1_000_000) for key in keys})
    kept = Versioned(StoredRollup(rollup), 0)
    assert not account.rollups().save({RollupKey(1, SITE, day, partition): kept})


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda one: one.__name__.rpartition(".")[2])
def test_the_consumers(account: Aws, consumer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    send("session-1", "/", "/pricing")
    call("/api/events", {"events": [5], "session_id": "session-1"})
    poison = kinesis_event("shardId-stream-7", [LogRecord(1, "key", 1_700_000_000_000, b"nothing")])
    with watched(monkeypatch) as seen:
        for batch in [*on_the_stream(account), poison]:
            assert consumer.handler.handler(batch, LocalContext("consumer")) == DONE
    mine = {use for use in seen if not use.action.startswith("kinesis:")}  # the test's own
    assert lacking(consumer.__name__.rpartition(".")[2], mine) == []
    assert any(use.resource.startswith("dead-letters/records/") for use in mine)


def test_the_compactor(account: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    send("session-1", "/")
    for batch in on_the_stream(account):
        CONSUMERS[0].handler.handler(batch, LocalContext("archive"))
    processors.compaction.bootstrap.compactor.cache_clear()
    with watched(monkeypatch) as seen:
        context: Any = LocalContext("archive-compactor", timeout_seconds=900)
        processors.compaction.handler.handler({}, context)
    processors.compaction.bootstrap.compactor.cache_clear()
    assert lacking("archive-compactor", seen) == []
    assert any(use.action == "s3:ListBucket" for use in seen)


def test_the_sealer(account: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does all that it ever does, and is allowed nothing else."""
    now = datetime.now(UTC)
    long_ago = now.date() - timedelta(days=100)
    random = Random(5)
    for partition in range(2):  # together more than an item may be: their seal has pieces
        pages = [random.randbytes(100).hex() for _ in range(1500)]
        count_on(account, long_ago, [(Dimension.PAGE, page) for page in pages], partition)
    processors.seal.bootstrap.sealer.cache_clear()
    with watched(monkeypatch) as sealing:
        processors.seal.bootstrap.sealer().run(now=now - 2 * GRACE)
    count_on(account, now.date(), [(Dimension.HOUR, "0")])
    with watched(monkeypatch) as dropping:
        context: Any = LocalContext("sealer", timeout_seconds=900)
        processors.seal.handler.handler({}, context)
    processors.seal.bootstrap.sealer.cache_clear()
    assert lacking("sealer", sealing | dropping) == []
    assert sealing | dropping == {use for use in GRANTED["sealer"] if "kms:" not in use.action}


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("route", ["realtime", "stats", "reconciliation"])
def test_the_read_apis(route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    api.reconciliation.bootstrap.endpoint.cache_clear()
    with watched(monkeypatch) as seen:
        assert get(f"/api/{route}", {"site_id": SITE})[0] == 200
    assert lacking(f"{route}-api", seen) == []
    assert {use.action for use in seen} == {"dynamodb:BatchGetItem", "dynamodb:Query"}


def test_the_rebuild_api(account: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    building = Building(
        generation=2,
        timezone="UTC",
        started_at=1,
        positions={"s": 1},
        step=Step(stage=Stage.READY),
    )
    hashes = (hash_read_key("admin"),)
    account.sites().update(
        SITE, lambda one: replace(one, admin_key_hashes=hashes, building=building)
    )
    day = datetime.now(UTC).date() - timedelta(days=9)
    count_on(account, day, [(Dimension.PAGE, "/")])
    processors.seal.bootstrap.sealer.cache_clear()
    processors.seal.bootstrap.sealer().run(now=datetime.now(UTC))
    processors.seal.bootstrap.sealer.cache_clear()
    headers = {"X-API-Key": "admin"}
    with watched(monkeypatch) as seen:
        for method, body in (("GET", None), ("POST", '{"action": "flip", "generation": 2}')):
            event = {
                "httpMethod": method,
                "path": "/api/rebuild",
                "headers": headers,
                "queryStringParameters": {"site_id": SITE},
                "body": body,
            }
            context: Any = LocalContext("rebuild-api")
            answer = api.rebuild.handler.handler(event, context)
            assert answer["statusCode"] in {200, 202}, answer
    assert lacking("rebuild-api", seen) == []
    assert seen == {use for use in GRANTED["rebuild-api"] if "kms:" not in use.action}


def test_what_is_not_granted_is_found() -> None:
    wrong = Use("dynamodb:DeleteItem", "sites"), Use("s3:PutObject", "archive/records/x")
    assert lacking("event-collector", set(wrong)) != []
    assert lacking("archive", {wrong[1]}) == []
