"""Puts the dashboard and the tracker into the static bucket, as the embedded engine serves them.

How long browsers and CloudFront keep a file is said in one place, infra/modules/edge. So the
objects carry no Cache-Control of their own, and what CloudFront keeps is invalidated.
"""

from collections.abc import Iterable
from uuid import uuid4

from botocore.config import Config

from liveinsight.website import Page
from runtime.aws import client, translated


class Website:
    """The static bucket, and the CloudFront distribution before it."""

    def __init__(self, bucket: str, distribution_id: str) -> None:
        self._bucket = bucket
        self._distribution_id = distribution_id
        self._s3 = client("s3", Config())
        self._cloudfront = client("cloudfront", Config())

    def publish(self, website: Iterable[Page]) -> int:
        """Upload every file, and let CloudFront forget them; return how many they are.

        Raises:
            RetryableError: AWS did not take something; publishing again is safe.
        """
        paths = {"/"}
        for page in website:
            with translated(f"uploading {page.key}"):
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=page.key,
                    Body=page.content,
                    ContentType=page.content_type,
                )
            paths.add(f"/{page.key}")
        self._forget(paths)
        return len(paths) - 1

    def _forget(self, paths: set[str]) -> None:
        batch = {"Quantity": len(paths), "Items": sorted(paths)}
        with translated("invalidating what CloudFront keeps"):
            self._cloudfront.create_invalidation(
                DistributionId=self._distribution_id,
                InvalidationBatch={"Paths": batch, "CallerReference": str(uuid4())},
            )
