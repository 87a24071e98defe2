"""Objects in S3."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from runtime.aws import THREADS, client, error_code, translated
from runtime.errors import RetryableError
from runtime.metering import Meter, Units, container_meter

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

PAGE = 1000
"""Keys in one answer. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""


NO_BUCKET = "NoSuchBucket"
GONE_OR_CHANGED = {HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT}
"""What a conditional write answers where it was not done."""


@cache
def shared_client() -> Any:
    """Return the client of all buckets: the first takes 18 ms of CPU, each further one 6."""
    return client("s3")


class S3Objects:
    """Objects in a bucket, under a root.

    Args:
        bucket: its name.
        root: begins the names of the objects in the bucket, not their keys; ends with a slash.
        client: gives that of botocore, the same each time; asked for at the first use.
        meter: counts requests.
        page: how many keys a listing gives.
    """

    def __init__(
        self,
        bucket: str,
        root: str = "",
        client: Callable[[], "S3Client"] = shared_client,
        meter: Meter | None = None,
        page: int = PAGE,
    ) -> None:
        self.page = page
        self._bucket = bucket
        self._root = root
        self._client = client
        self._meter = meter or container_meter()

    def create(self, key: str, content: bytes) -> bool:
        """Create an object; return False, and change nothing, where one stands already."""
        with self._call("writing", key):
            try:
                self._client().put_object(
                    Bucket=self._bucket, Key=self._root + key, Body=content, IfNoneMatch="*"
                )
            except ClientError as error:
                if _status(error) != HTTPStatus.PRECONDITION_FAILED:
                    raise
                return False
        return True

    def read(self, key: str) -> bytes | None:
        """Return an object's content, or None."""
        with self._call("reading", key):
            try:
                found = self._client().get_object(Bucket=self._bucket, Key=self._root + key)
                return found["Body"].read()
            except ClientError as error:
                # A bucket that is not there has no objects either, but that is a fault.
                if _status(error) != HTTPStatus.NOT_FOUND or error_code(error) == NO_BUCKET:
                    raise
                return None

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has, or None."""
        with self._call("looking at", key):
            try:
                found = self._client().head_object(Bucket=self._bucket, Key=self._root + key)
                return found["ContentLength"]
            except ClientError as error:  # its answer has no body that says what is not found
                if _status(error) != HTTPStatus.NOT_FOUND:
                    raise
                return None

    def read_many(self, keys: Sequence[str]) -> Iterator[bytes | None]:
        """Return the contents of some objects, read at the same time, in the order of the keys."""
        with ThreadPoolExecutor(THREADS) as threads:
            yield from threads.map(self.read, keys)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete at most 1,000 objects; one that is not there does not matter.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        """
        if keys:
            self._delete([{"Key": self._root + key} for key in keys])

    def _delete(self, names: Sequence[Any]) -> None:
        with self._call(f"deleting {len(names)} objects from", ""):
            answer = self._client().delete_objects(
                Bucket=self._bucket, Delete={"Objects": names, "Quiet": True}
            )
        for refused in answer.get("Errors", []):
            raise RetryableError(
                f"s3://{self._bucket}/{refused.get('Key')} was not deleted: {refused.get('Code')}"
            )

    def replace(self, key: str, content: bytes, *, expected: bytes) -> bool:
        """Put a content in the place of another; return whether that stood there.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        with self._call("replacing", key):
            try:
                found = self._client().get_object(Bucket=self._bucket, Key=self._root + key)
                if found["Body"].read() != expected:
                    return False
                self._client().put_object(
                    Bucket=self._bucket, Key=self._root + key, Body=content, IfMatch=found["ETag"]
                )
            except ClientError as error:
                if _status(error) not in GONE_OR_CHANGED or error_code(error) == NO_BUCKET:
                    raise
                return False
        return True

    def purge(self, prefix: str) -> int:
        """Delete the versions of objects that were replaced or deleted; return how many.

        Old versions go before the marks of what was deleted: without its mark one would be back.
        """
        versions = list(self._beside(prefix, "Versions"))
        markers = list(self._beside(prefix, "DeleteMarkers"))
        for some in (versions, markers):
            for start in range(0, len(some), PAGE):
                self._delete(some[start : start + PAGE])
        return len(versions)

    def _beside(self, prefix: str, kind: Literal["Versions", "DeleteMarkers"]) -> Iterator[Any]:
        """Yield the names of what is no object: replaced versions, or marks of deleted objects."""
        with self._call("listing", prefix):
            pages = self._client().get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._root + prefix):
                for one in page.get(kind, []):
                    if kind == "DeleteMarkers" or not one["IsLatest"]:
                        yield {"Key": one["Key"], "VersionId": one["VersionId"]}

    def keys(self, prefix: str, *, after: str = "") -> list[str]:
        """Return the first `page` keys with a prefix behind one, in order."""
        page = self._list(prefix, after, "")
        return [entry["Key"].removeprefix(self._root) for entry in page.get("Contents", [])]

    def folders(self, prefix: str) -> list[str]:
        """Return the names between a prefix and the next slash, in order; at most `page`."""
        page = self._list(prefix, "", "/")
        found = [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
        return [name.removeprefix(self._root + prefix).removesuffix("/") for name in found]

    def _list(self, prefix: str, after: str, delimiter: str) -> "ListObjectsV2OutputTypeDef":
        with self._call("listing", prefix):
            return self._client().list_objects_v2(
                Bucket=self._bucket,
                Prefix=self._root + prefix,
                StartAfter=self._root + after if after else "",
                Delimiter=delimiter,
                MaxKeys=self.page,
            )

    @contextmanager
    def _call(self, what: str, key: str) -> Iterator[None]:
        self._meter.add(Units(requests=1))
        with translated(f"{what} s3://{self._bucket}/{self._root}{key}"):
            yield


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]
