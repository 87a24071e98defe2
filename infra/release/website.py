"""Puts the dashboard and the tracker into the static bucket, as the embedded engine serves them.

How long browsers and CloudFront keep a file is said in one place, infra/modules/edge. So the
objects carry no Cache-Control of their own, and what CloudFront keeps is invalidated.
"""

import json
import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3

from runtime.aws import translated

ROOT = Path(__file__).parents[2]
TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml")
NOT_SERVED = {".md", ".LICENSE"}
CONFIG = "config.json"


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the website; its key is its path without the first slash."""

    key: str
    content: bytes
    content_type: str


def pages(root: Path, public_sites: Iterable[str]) -> list[Page]:
    """Return the website: what others need first, the page that names them last.

    Args:
        root: the folder that holds dashboard/ and tracker/.
        public_sites: the sites that the dashboard offers to everybody.
    """
    dashboard = root / "dashboard"
    files = [path for path in sorted(dashboard.rglob("*")) if path.is_file()]
    found = {path.relative_to(dashboard).as_posix(): path.read_bytes() for path in files}
    found["liveinsight.js"] = (root / "tracker" / "liveinsight.js").read_bytes()
    found[CONFIG] = json.dumps({"sites": [{"site_id": one} for one in public_sites]}).encode()
    keys = sorted(found, key=lambda key: (key == "index.html", key))
    return [
        Page(key, found[key], content_type(key))
        for key in keys
        if Path(key).suffix not in NOT_SERVED
    ]


def content_type(key: str) -> str:
    """Return the content type of a file, by its name."""
    guessed = mimetypes.guess_type(key)[0] or "application/octet-stream"
    return f"{guessed}; charset=utf-8" if guessed.startswith(TEXT) else guessed


class Website:
    """The static bucket, and the CloudFront distribution before it."""

    def __init__(self, bucket: str, distribution_id: str) -> None:
        self._bucket = bucket
        self._distribution_id = distribution_id
        self._s3: Any = boto3.client("s3")
        self._cloudfront: Any = boto3.client("cloudfront")

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
