"""S3 as the archive, the dead letters and the spill use it: objects that are created once."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from runtime.aws import translated
from runtime.errors import RetryableError
from runtime.metering import Meter, Units

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

PAGE = 1000
"""Keys in one answer. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""


class Bucket:
    """One S3 bucket.

    Each method raises RetryableError where S3 did not do it, or did not say that it did.

    Args:
        client: gives that of botocore, the same each time.
        name: of the bucket.
        meter: counts requests.
        page: how many keys a listing gives.
    """

    def __init__(
        self,
        client: Callable[[], "S3Client"],
        name: str,
        meter: Meter | None = None,
        page: int = PAGE,
    ) -> None:
        self.page = page
        self._client = client
        self._name = name
        self._meter = meter or Meter()

    def create(self, key: str, content: bytes) -> bool:
        """Create an object; return False, and change nothing, where one stands already.

        After a lost acknowledgement the object that stands may be this writer's own.
        """
        self._meter.add(Units(requests=1))
        with translated(f"writing s3://{self._name}/{key}"):
            try:
                self._client().put_object(Bucket=self._name, Key=key, Body=content, IfNoneMatch="*")
            except ClientError as error:
                if _status(error) != HTTPStatus.PRECONDITION_FAILED:
                    raise
                return False
        return True

    def read(self, key: str) -> bytes | None:
        """Return an object's content, or None."""
        self._meter.add(Units(requests=1))
        with translated(f"reading s3://{self._name}/{key}"):
            try:
                return self._client().get_object(Bucket=self._name, Key=key)["Body"].read()
            except ClientError as error:
                if _status(error) != HTTPStatus.NOT_FOUND:
                    raise
                return None

    def delete(self, keys: Sequence[str]) -> None:
        """Delete at most 1,000 objects; one that is not there does not matter.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        """
        if not keys:
            return
        self._meter.add(Units(requests=1))
        with translated(f"deleting {len(keys)} objects from s3://{self._name}/{keys[0]} on"):
            answer = self._client().delete_objects(
                Bucket=self._name,
                Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
            )
        for refused in answer.get("Errors", []):
            raise RetryableError(
                f"s3://{self._name}/{refused.get('Key')} was not deleted: {refused.get('Code')}"
            )

    def keys(self, prefix: str, *, after: str = "") -> list[str]:
        """Return the first `page` keys with a prefix behind one, in order."""
        page = self._list(prefix, after, "")
        return [entry["Key"] for entry in page.get("Contents", [])]

    def folders(self, prefix: str) -> list[str]:
        """Return the names between a prefix and the next slash, in order; at most `page`."""
        page = self._list(prefix, "", "/")
        found = [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
        return [name.removeprefix(prefix).removesuffix("/") for name in found]

    def _list(self, prefix: str, after: str, delimiter: str) -> "ListObjectsV2OutputTypeDef":
        self._meter.add(Units(requests=1))
        with translated(f"listing s3://{self._name}/{prefix}"):
            return self._client().list_objects_v2(
                Bucket=self._name,
                Prefix=prefix,
                StartAfter=after,
                Delimiter=delimiter,
                MaxKeys=self.page,
            )


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]
