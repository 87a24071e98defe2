"""Builds what several functions share on AWS. Importing this imports botocore."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

from runtime.aws import (
    ATTEMPTS,
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    THREADS,
)
from runtime.dynamodb import Dynamo
from runtime.metering import container_meter
from runtime.objects.s3 import Bucket

CLIENT = Config(
    connect_timeout=CONNECT_TIMEOUT_SECONDS,
    read_timeout=READ_TIMEOUT_SECONDS,
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    max_pool_connections=THREADS,
    tcp_keepalive=True,
)


def client(service: str, config: Config = CLIENT) -> Any:
    """Return a client of a service of AWS.

    It is the one that boto3 would return: boto3 only adds what nothing here uses, and 25 ms to a
    cold start.
    """
    return _session().create_client(service, config=config)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def dynamo(remaining: Callable[[], float] = lambda: math.inf) -> Dynamo:
    """Return DynamoDB; `remaining`: how many seconds the invocation has left."""
    return Dynamo(client("dynamodb"), container_meter(), remaining)


def bucket(name: str) -> Bucket:
    """Return a bucket of S3."""
    _s3()
    return bucket_in_reserve(name)


def bucket_in_reserve(name: str) -> Bucket:
    """Return a bucket that few containers ever use: its client is made at the first use."""
    return Bucket(_s3, name, container_meter())


@cache
def _s3() -> Any:
    """Return the client of all buckets: the first takes 18 ms of CPU, each further one 6."""
    return client("s3")
