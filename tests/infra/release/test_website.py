"""The dashboard and the tracker in the static bucket, against moto."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from infra.release.website import Website
from liveinsight.website import StaticFiles, config, pages, static_root
from tests.aws import ENVIRON

BUCKET = "liveinsight-static-dev"


@pytest.fixture
def distribution(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A distribution's id, with a bucket behind it."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        made = boto3.client("cloudfront").create_distribution(
            DistributionConfig={
                "CallerReference": "test",
                "Comment": "",
                "Enabled": True,
                "Origins": {
                    "Quantity": 1,
                    "Items": [{"Id": "static", "DomainName": "static.example"}],
                },
                "DefaultCacheBehavior": {
                    "TargetOriginId": "static",
                    "ViewerProtocolPolicy": "https-only",
                },
            }
        )
        yield made["Distribution"]["Id"]


def test_what_is_published_is_what_the_embedded_engine_serves(distribution: str) -> None:
    Website(BUCKET, distribution).publish([config([]), *pages(static_root())])
    s3 = boto3.client("s3")
    embedded = StaticFiles(static_root())
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert {"index.html", "liveinsight.js", "config.json", "openapi.json"} <= set(listed)
    for key in set(listed) - {"config.json"}:
        served = embedded.get(f"/{key}", {})
        standing = s3.get_object(Bucket=BUCKET, Key=key)
        assert served is not None, key
        assert standing["Body"].read() == served.body
        assert standing["ContentType"] == served.headers["Content-Type"]
        assert "CacheControl" not in standing, "infra/modules/edge says how long"


def test_cloudfront_forgets_every_file_and_the_root(distribution: str) -> None:
    website = Website(BUCKET, distribution)
    count = website.publish([config([]), *pages(static_root())])
    client = boto3.client("cloudfront")
    (found,) = client.list_invalidations(DistributionId=distribution)["InvalidationList"]["Items"]
    made = client.get_invalidation(DistributionId=distribution, Id=found["Id"])["Invalidation"]
    paths = made["InvalidationBatch"]["Paths"]["Items"]
    assert len(paths) == count + 1
    assert {"/", "/index.html", "/liveinsight.js"} <= set(paths)
