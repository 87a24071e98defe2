"""The dashboard and the tracker as files, and what is sent with them."""

import gzip
import json
from pathlib import Path

import pytest

from infra.verify.hcl import call, read
from liveinsight.negotiation import prefers_html
from liveinsight.website import (
    DASHBOARD_HEADERS,
    TRACKER_HEADERS,
    HttpResponse,
    StaticFiles,
    compressed,
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
    ("header", "expected"),
    [
        ("gzip, deflate, br", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0.001", True),
        ("br", False),
        ("identity, *;q=0", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0, *", False),
        ("gzip;q=nonsense, *", False),
        ("ungzip", False),
        ("", False),
    ],
)
def test_an_answer_is_compressed_for_who_takes_it(header: str, expected: bool) -> None:
    body = b"[" + b"1," * 1000 + b"1]"
    answer = HttpResponse(200, body, {"Content-Type": "application/json", "ETag": '"1"'})
    sent = compressed(answer, {"accept-encoding": header})
    assert (sent.headers.get("Content-Encoding") == "gzip") == expected
    assert (gzip.decompress(sent.body) if expected else sent.body) == body
    assert sent.headers["ETag"] == ('W/"1"' if expected else '"1"')
    page = StaticFiles(static_root()).get("/", {"accept-encoding": header})
    assert page is not None
    assert ("Content-Encoding" in page.headers) is expected


def test_what_is_small_or_no_text_is_not_compressed() -> None:
    takes = {"accept-encoding": "gzip"}
    for size, kind in ((100, "application/json"), (5000, "image/png")):
        answer = HttpResponse(200, b"1" * size, {"Content-Type": kind})
        assert compressed(answer, takes) is answer


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("*/*", False),
        ("application/json", False),
        ("text/html;q=0.5, application/json", False),
        ("", False),
    ],
)
def test_a_page_is_for_people(accept: str, expected: bool) -> None:
    assert prefers_html({"accept": accept}) == expected


def test_the_dashboard_learns_of_the_public_sites() -> None:
    page = config(["a.example"])
    assert page.key == "config.json"
    assert json.loads(page.content) == {"sites": [{"site_id": "a.example"}]}
    assert page.content_type.startswith("application/json")


def test_the_page_comes_after_what_it_names() -> None:
    assert pages(static_root())[-1].key == "index.html"


def test_sources_are_not_served(tmp_path: Path) -> None:
    (tmp_path / "dashboard" / "served").mkdir(parents=True)
    (tmp_path / "tracker").mkdir()
    for name in ("served/index.html", "index.html", "README.md", "chart.LICENSE"):
        (tmp_path / "dashboard" / name).write_text("x")
    for name in ("liveinsight.js", "liveinsight-small.js"):
        (tmp_path / "tracker" / name).write_text("x")
    keys = [page.key for page in pages(tmp_path)]
    described = ["docs", "docs.css", "liveinsight-small.js", "liveinsight.js", "openapi.json"]
    assert keys == [*described, "index.html"]


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
