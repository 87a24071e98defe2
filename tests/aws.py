"""AWS as the tests see it: moto in this process, with every table, bucket and stream made."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache, wraps
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import BaseResponse
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from aggregates.stores.dynamodb import (
    DynamoEventStore,
    DynamoMinuteStore,
    DynamoRollupStore,
    DynamoSealStore,
    DynamoVisitorStore,
)
from ingest.salts.dynamodb import DynamoSaltStore
from processors.archive.processor import ArchiveStores
from processors.archive.store import ObjectArchiveStore
from processors.dead_letter import DeadLetters
from runtime.aws import _session
from runtime.backoff import Backoff
from runtime.dynamodb import Dynamo, container_dynamo
from runtime.metering import Meter
from runtime.objects.s3 import S3Objects, shared_client
from runtime.sites.dynamodb import DynamoSiteStore

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import RecordTypeDef
    from types_boto3_s3 import S3Client
    from types_boto3_ssm import SSMClient

REGION = "eu-central-1"
TOKEN_KEYS = '{"current": "k", "keys": {"k": "' + "6b" * 32 + '"}}'
NAMES = {
    "EVENTS_TABLE": "events",
    "SESSIONS_TABLE": "sessions",
    "REALTIME_TABLE": "realtime",
    "STATS_TABLE": "stats",
    "SITES_TABLE": "sites",
    "SALTS_TABLE": "salts",
    "STREAM_NAME": "stream",
    "ARCHIVE_BUCKET": "archive",
    "DEAD_LETTERS_BUCKET": "dead-letters",
    "TOKEN_KEYS_PARAMETER": "/liveinsight/token-keys",
}
WITHOUT_SORT_KEY = {"sessions", "sites", "salts"}
EMPTY_TABLES: dict[str, Table] = {}
"""The tables as they are made, in moto's memory."""
ENVIRON = {
    **NAMES,
    "LIVEINSIGHT_ENGINE": "aws",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
NO_WAIT = Backoff(sleep=lambda _: None)
ONE_ATTEMPT = Config(retries={"mode": "standard", "total_max_attempts": 1})
TWO_ATTEMPTS = Config(retries={"mode": "standard", "total_max_attempts": 2})


class Clients:
    """One client of each service. Making one takes 0.1 s."""

    def __init__(self, config: Config = ONE_ATTEMPT) -> None:
        session = boto3.Session("testing", "testing", region_name=REGION)
        self.dynamodb: DynamoDBClient = session.client("dynamodb", config=config)
        self.s3: S3Client = session.client("s3", config=config)
        self.kinesis: KinesisClient = session.client("kinesis", config=config)
        self.ssm: SSMClient = session.client("ssm", config=config)


shared_clients = cache(Clients)


class Aws:
    """Adapters on the resources.

    Args:
        clients: make the calls.
        threads: how many calls a store makes at the same time.
    """

    def __init__(self, clients: Clients | None = None, threads: int = 8) -> None:
        clients = clients or shared_clients()
        self.dynamodb, self.s3, self.kinesis = clients.dynamodb, clients.s3, clients.kinesis
        self.meter = Meter()
        self.dynamo = Dynamo(self.dynamodb, self.meter, backoff=NO_WAIT, threads=threads)

    def rollups(self) -> DynamoRollupStore:
        return DynamoRollupStore(self.dynamo, "stats")

    def seals(self) -> DynamoSealStore:
        return DynamoSealStore(self.dynamo, "stats")

    def visitors(self) -> DynamoVisitorStore:
        return DynamoVisitorStore(self.dynamo, "sessions")

    def minutes(self) -> DynamoMinuteStore:
        return DynamoMinuteStore(self.dynamo, "realtime")

    def events(self) -> DynamoEventStore:
        return DynamoEventStore(self.dynamo, "events")

    def sites(self) -> DynamoSiteStore:
        return DynamoSiteStore(self.dynamo, "sites")

    def salts(self) -> DynamoSaltStore:
        return DynamoSaltStore(self.dynamo, "salts")

    def archive_stores(self) -> ArchiveStores:
        return ArchiveStores(
            archive=ObjectArchiveStore(self.bucket("archive")),
            events=self.events(),
            ledger=self.rollups(),
            seals=self.seals(),
            dead_letters=DeadLetters(self.bucket("dead-letters", "records/")),
            malformed=DeadLetters(self.bucket("dead-letters", "malformed/")),
        )

    def bucket(self, name: str, root: str = "") -> S3Objects:
        return S3Objects(name, root, lambda: self.s3, self.meter)

    def stream(self) -> "list[list[RecordTypeDef]]":
        """The records of each shard, from the first one on."""
        shards = self.kinesis.list_shards(StreamName="stream")["Shards"]
        iterators = [
            self.kinesis.get_shard_iterator(
                StreamName="stream", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for shard in shards
        ]
        return [self.kinesis.get_records(ShardIterator=one)["Records"] for one in iterators]

    def contents(self, bucket: str) -> dict[str, bytes]:
        """Every object of a bucket by its key."""
        listed = self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        keys = [entry["Key"] for entry in listed]
        return {key: self.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


@contextmanager
def simulated_aws() -> Iterator[None]:
    """An AWS account with everything made, and the environment of a function in it."""
    _make_moto_atomic()
    with patch.dict(os.environ, ENVIRON), mock_aws():
        _make_resources()
        forget_clients()
        yield
    forget_clients()


def forget_clients() -> None:
    """Let a container make its clients anew."""
    container_dynamo.cache_clear()
    shared_client.cache_clear()
    _session.cache_clear()


def _make_resources() -> None:
    aws = Aws()
    _make_tables(aws.dynamodb)
    for bucket in ("archive", "dead-letters"):
        aws.s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
    aws.kinesis.create_stream(StreamName="stream", ShardCount=2)
    shared_clients().ssm.put_parameter(
        Name=NAMES["TOKEN_KEYS_PARAMETER"], Value=TOKEN_KEYS, Type="SecureString"
    )


def _make_tables(client: "DynamoDBClient") -> None:
    """Make them once in a process; later accounts get copies, which saves 20 ms of calls each."""
    backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION]
    if not EMPTY_TABLES:
        for table in ("events", "sessions", "realtime", "stats", "sites", "salts"):
            _make_table(client, table)
        EMPTY_TABLES.update(deepcopy(backend.tables))
    backend.tables = deepcopy(EMPTY_TABLES)


def _make_table(client: "DynamoDBClient", table: str) -> None:
    keys = ["pk"] if table in WITHOUT_SORT_KEY else ["pk", "sk"]
    client.create_table(
        TableName=table,
        KeySchema=[
            {"AttributeName": key, "KeyType": "HASH" if key == "pk" else "RANGE"} for key in keys
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )


@cache
def _make_moto_atomic() -> None:
    """Moto loses writes of threads, where AWS does not: let it do one request at a time."""
    lock = threading.RLock()
    for owner in (BaseResponse, DynamoHandler):
        owner.call_action = _locked(owner.call_action, lock)  # type: ignore[method-assign]


def _locked(action: Callable[..., Any], lock: threading.RLock) -> Callable[..., Any]:
    @wraps(action)
    def locked(*arguments: Any, **named: Any) -> Any:
        with lock:
            return action(*arguments, **named)

    return locked


@contextmanager
def hooked(client: Any, hook: Callable[..., Any], operation: str = "") -> Iterator[None]:
    """Let a hook see the requests of a client: it may answer (not None), raise, or let moto do.

    botocore asks every hook, moto's too, and takes the first answer. So a request that has been
    answered is sent where moto has nothing: it must not be done as well.
    """

    def first(request: Any, **named: Any) -> Any:
        answer = hook(request=request, **named)
        if answer is not None:
            request.url = "https://answered.invalid/"
        return answer

    service = client.meta.service_model.service_id.hyphenize()
    event = f"before-send.{service}.{operation}" if operation else f"before-send.{service}"
    client.meta.events.register_first(event, first)
    try:
        yield
    finally:
        client.meta.events.unregister(event, first)


def json_answer(request: Any, status: int, document: object) -> AWSResponse:
    """Return what a hook answers in place of a service."""
    body = MockRawResponse(json.dumps(document).encode())
    return AWSResponse(request.url, status, {}, body)  # type: ignore[arg-type]


def throttled(request: Any, **_: Any) -> AWSResponse:
    """Refuse a request as DynamoDB does under load."""
    code = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
    return json_answer(request, 400, {"__type": code, "message": "slow down"})
