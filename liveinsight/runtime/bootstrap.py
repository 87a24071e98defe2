"""Builds what several functions share on AWS. Importing this imports boto3."""

import math
from collections.abc import Callable

import boto3
from botocore.config import Config

from liveinsight.runtime.aws import (
    ATTEMPTS,
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    THREADS,
)
from liveinsight.runtime.dynamodb import Dynamo
from liveinsight.runtime.metering import container_meter
from liveinsight.runtime.s3 import Bucket

CLIENT = Config(
    connect_timeout=CONNECT_TIMEOUT_SECONDS,
    read_timeout=READ_TIMEOUT_SECONDS,
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    max_pool_connections=THREADS,
    tcp_keepalive=True,
)


def dynamo(remaining: Callable[[], float] = lambda: math.inf) -> Dynamo:
    """Return DynamoDB; `remaining`: how many seconds the invocation has left."""
    return Dynamo(boto3.client("dynamodb", config=CLIENT), container_meter(), remaining)


def bucket(name: str) -> Bucket:
    """Return a bucket of S3."""
    return Bucket(boto3.client("s3", config=CLIENT), name, container_meter())
