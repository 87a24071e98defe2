"""The dashboard and the tracker as files, and what is sent with them."""

import json
from pathlib import Path

import pytest

from infra.verify.hcl import call, read
from liveinsight.website import (
    DASHBOARD_HEADERS,
    TRACKER_HEADERS,
    StaticFiles,
    config,
    content_type,
    pages,
    static_root,
)

HEADERS_TF = Path(__file__).parents[2] / "infra" / "modules" / "edge" / "headers.tf"


def test_static_files_are_compressed_cached_and_bounded_to_their_folder() -> None:
    files = StaticFiles(static_root())
    page = files.get("/", {"accept-encoding": "gzip"})
    assert page is not None
    assert page.headers["Content-Encoding"] == "gzip"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    again = files.get("/", {"if-none-match": page.headers["ETag"]})
    assert again is not None
    assert again.status == 304
    script = files.get("/liveinsight.js", {})
    assert script is not None
    assert script.headers["Content-Type"].startswith("text/javascript")
    for path in ("/../pyproject.toml", "/vendor", "/vendor/README.md", "/nothing"):
        assert files.get(path, {}) is None


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("deflate;q=1, x-gzip", True),
        ("*", True),
        ("gzip;q=0.001", True),
        ("identity, *;q=0", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0, *", False),
        ("ungzip", False),
        ("identity", False),
        ("", False),
    ],
)
def test_what_the_browser_does_not_take_is_not_sent(accepted: str, takes: bool) -> None:
    page = StaticFiles(static_root()).get("/", {"accept-encoding": accepted})
    assert page is not None
    assert ("Content-Encoding" in page.headers) is takes


def test_the_dashboard_learns_of_the_public_sites() -> None:
    page = config(["a.example"])
    assert page.key == "config.json"
    assert json.loads(page.content) == {"sites": [{"site_id": "a.example"}]}
    assert page.content_type.startswith("application/json")


def test_the_page_comes_after_what_it_names() -> None:
    assert pages(static_root())[-1].key == "index.html"


def test_licences_and_notes_are_not_served(tmp_path: Path) -> None:
    (tmp_path / "dashboard").mkdir()
    (tmp_path / "tracker").mkdir()
    for name in ("index.html", "README.md", "chart.LICENSE"):
        (tmp_path / "dashboard" / name).write_text("x")
    (tmp_path / "tracker" / "liveinsight.js").write_text("x")
    keys = [page.key for page in pages(tmp_path)]
    assert keys == ["liveinsight.js", "index.html"]


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


def test_cloudfront_sends_what_the_embedded_engine_sends() -> None:
    blocks = read([HEADERS_TF])
    local = blocks["locals"]
    name, (separator, policies) = call(local["dashboard_csp"])
    assert name == "join"
    assert separator.join(policies) == DASHBOARD_HEADERS["Content-Security-Policy"]
    dashboard, tracker = (local["response_headers"][name] for name in ("dashboard", "tracker"))
    assert dashboard["csp"] == "${local.dashboard_csp}"
    assert dashboard["cache"] == DASHBOARD_HEADERS["Cache-Control"]
    assert tracker["cache"] == TRACKER_HEADERS["Cache-Control"]
    any_origin = [headers["any_origin"] for headers in (dashboard, tracker)]
    assert any_origin == [
        "Access-Control-Allow-Origin" in headers for headers in (DASHBOARD_HEADERS, TRACKER_HEADERS)
    ]
    (policy,) = blocks["resource"]["aws_cloudfront_response_headers_policy"].values()
    (security,) = policy["security_headers_config"]
    (content,) = security["content_security_policy"]
    assert content["content_security_policy"] == "${each.value.csp}"
    (referrer,), (sniffing,) = security["referrer_policy"], security["content_type_options"]
    assert referrer["referrer_policy"] == DASHBOARD_HEADERS["Referrer-Policy"]
    assert sniffing["override"] is True
