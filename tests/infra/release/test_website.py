"""The dashboard and the tracker in the static bucket, against moto."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from infra.release.website import ROOT, Website, content_type, pages
from liveinsight.engine.static import StaticFiles
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
    Website(BUCKET, distribution).publish(pages(ROOT, []))
    s3 = boto3.client("s3")
    embedded = StaticFiles(ROOT)
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert {"index.html", "liveinsight.js", "config.json", "vendor/uPlot.min.css"} <= set(listed)
    for key in set(listed) - {"config.json"}:
        served = embedded.get(f"/{key}", {})
        standing = s3.get_object(Bucket=BUCKET, Key=key)
        assert served is not None, key
        assert standing["Body"].read() == served.body
        assert standing["ContentType"] == served.headers["Content-Type"]
        assert "CacheControl" not in standing, "infra/modules/edge says how long"


def test_the_page_comes_after_what_it_names() -> None:
    assert pages(ROOT, [])[-1].key == "index.html"


def test_the_dashboard_learns_of_the_public_sites() -> None:
    (config,) = [page for page in pages(ROOT, ["a.example"]) if page.key == "config.json"]
    assert json.loads(config.content) == {"sites": [{"site_id": "a.example"}]}
    assert config.content_type.startswith("application/json")


def test_cloudfront_forgets_every_file_and_the_root(distribution: str) -> None:
    website = Website(BUCKET, distribution)
    count = website.publish(pages(ROOT, []))
    client = boto3.client("cloudfront")
    (found,) = client.list_invalidations(DistributionId=distribution)["InvalidationList"]["Items"]
    made = client.get_invalidation(DistributionId=distribution, Id=found["Id"])["Invalidation"]
    paths = made["InvalidationBatch"]["Paths"]["Items"]
    assert len(paths) == count + 1
    assert {"/", "/index.html", "/liveinsight.js"} <= set(paths)


def test_licences_and_notes_are_not_served(tmp_path: Path) -> None:
    (tmp_path / "dashboard").mkdir()
    (tmp_path / "tracker").mkdir()
    for name in ("index.html", "README.md", "chart.LICENSE"):
        (tmp_path / "dashboard" / name).write_text("x")
    (tmp_path / "tracker" / "liveinsight.js").write_text("x")
    keys = [page.key for page in pages(tmp_path, [])]
    assert keys == ["config.json", "liveinsight.js", "index.html"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("favicon.svg", "image/svg+xml; charset=utf-8"),
        ("picture.png", "image/png"),
        ("unknown.zzz", "application/octet-stream"),
    ],
)
def test_a_file_has_its_content_type(key: str, expected: str) -> None:
    assert content_type(key) == expected
