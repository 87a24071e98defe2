"""The OpenAPI document is what the handlers declare, and what they answer is in it.

Every answer that a test of the read APIs gets is checked by it as well (tests/api/caller.py).
"""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import api.query.bootstrap
import api.realtime.bootstrap
import api.rebuild.bootstrap
import api.reconciliation.bootstrap
import api.stats.bootstrap
from liveinsight.engine import reader
from liveinsight.openapi.__main__ import FOLDER, files
from liveinsight.openapi.document import ROUTES, document
from liveinsight.openapi.parameters import PARAMETERS
from liveinsight.website import StaticFiles, static_root
from runtime.sites.site import Site, hash_read_key
from runtime.sites.sqlite import SqliteSiteStore
from tests.api.caller import HANDLERS, OTHERS, call

DOCUMENT = document()
READS = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if path in HANDLERS | OTHERS
]
ADMIN = "li_admin_key"


@pytest.mark.parametrize("name", files())
def test_what_is_checked_in_is_what_the_handlers_declare(name: str) -> None:
    """`python -m liveinsight.openapi` makes it anew."""
    assert (FOLDER / name).read_text() == files()[name]


def test_every_route_is_described_and_no_other() -> None:
    assert set(DOCUMENT["paths"]) == set(reader.ROUTES)


def test_every_parameter_that_a_handler_declares_is_described() -> None:
    declared = {name for route in ROUTES for name in route.parameters}
    assert declared == set(PARAMETERS)


def test_names_lead_to_shapes_and_patterns_are_some() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert references <= set(schemas)
    assert len(references) > 30
    for pattern in values_of(DOCUMENT, "pattern"):
        re.compile(pattern)


def values_of(part: Any, name: str) -> Iterator[Any]:
    if isinstance(part, dict):
        if isinstance(part.get(name), str):
            yield part[name]
        for inner in part.values():
            yield from values_of(inner, name)
    elif isinstance(part, list):
        for inner in part:
            yield from values_of(inner, name)


def test_it_is_served_with_a_page_for_people_that_needs_no_script() -> None:
    static = StaticFiles(static_root())
    served = static.get("/openapi.json", {})
    page = static.get("/docs", {})
    style = static.get("/docs.css", {})
    assert served is not None
    assert page is not None
    assert style is not None
    assert json.loads(served.body) == DOCUMENT
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    text = page.body.decode()
    assert "<script" not in text
    assert " style=" not in text
    anchors = set(re.findall(r' id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors
    for path, method, operation in READS:
        assert f"<code>{method.upper()} {path}</code>" in text
        assert operation["operationId"] in anchors


@pytest.fixture(autouse=True)
def _sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LIVEINSIGHT_DATA", str(tmp_path))
    key = hash_read_key(ADMIN)
    SqliteSiteStore(tmp_path / "sites.sqlite").add(
        Site(site_id="my.site", public=True, admin_key_hashes=(key,))
    )
    parts = (api.query, api.realtime, api.rebuild, api.reconciliation, api.stats)
    for part in parts:
        part.bootstrap.endpoint.cache_clear()
    yield
    for part in parts:
        part.bootstrap.endpoint.cache_clear()


GARBAGE = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["", "0", "-1", "null", "page:", "prop::x", "\\", "|", "@", "9" * 40, "2026-02-30", "%00"]
)
DAYS = st.dates(date(1971, 1, 1), date(9000, 1, 1)).map(str) | st.dates(
    date(2026, 1, 1), date(2027, 1, 1)
).map(str)


def of_schema(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Draw what a schema takes: what is in it, and what the code does with it, both come up."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "array":
        most = min(schema["maxItems"], 4)
        return st.lists(
            of_schema(schema["items"]), min_size=schema.get("minItems", 1), max_size=most
        )
    if schema["type"] == "integer":
        return st.integers(schema["minimum"], schema["maximum"]).map(str)
    if schema.get("pattern") == r"^\d{4}-\d\d-\d\d$":
        return DAYS
    if "pattern" in schema:
        return st.from_regex(schema["pattern"]).map(lambda text: text[:200])
    return st.text(max_size=20)


def calls(operation: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    drawn = {
        one["name"]: of_schema(one["schema"]) | GARBAGE
        for one in operation["parameters"]
        if one["name"] != "site_id"
    }
    return st.fixed_dictionaries({"site_id": st.just("my.site")}, optional=drawn).map(encodable)


def encodable(asked: dict[str, Any]) -> dict[str, Any]:
    """What a client can send: every text in UTF-8."""
    return json.loads(json.dumps(asked).replace("\\ud", "x"))  # type: ignore[no-any-return]


BODIES = (
    st.none()
    | st.text(max_size=50)
    | st.sampled_from(
        [
            '{"goal": {"name": "a", "page": "/"}}',
            '{"remove": "a"}',
            '{"action": "flip", "generation": 1}',
        ]
    )
)


@pytest.mark.parametrize(
    ("path", "method", "operation"), READS, ids=[f"{method} {path}" for path, method, _ in READS]
)
def test_no_call_gets_an_answer_that_is_not_described(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    @given(calls(operation), BODIES, st.booleans())
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    def try_it(asked: dict[str, Any], body: str | None, has_key: bool) -> None:
        headers = {"X-API-Key": ADMIN} if has_key else {}
        status, _, _ = call(method.upper(), path, asked, headers, body)
        assert status < 500
        assert str(status) in operation["responses"]

    try_it()


@pytest.mark.parametrize("path", sorted(HANDLERS | OTHERS))
@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"])
def test_a_method_that_a_path_does_not_take_is_told_which_it_does(path: str, method: str) -> None:
    status, _, headers = call(method, path, {"site_id": "my.site"})
    assert status == 405
    described = {name.upper() for name in DOCUMENT["paths"][path]}
    assert set(headers["Allow"].split(", ")) == described | {"HEAD"}
