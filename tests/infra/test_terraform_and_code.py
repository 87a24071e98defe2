"""What stands both in the Terraform and in the code is the same in both."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.endpoint import PARAMETERS
from api.query.query import QueryQuery
from api.realtime.query import RealtimeQuery
from api.rebuild.endpoint import PARAMETERS as REBUILD_PARAMETERS
from api.reconciliation.query import ReconciliationQuery
from api.stats.query import StatsQuery
from infra.packages.functions import FUNCTIONS, PYTHON
from infra.verify.hcl import every, read
from ingest.request_body import parse_body, parse_collect_request, parse_token_request
from liveinsight.engine import reader
from runtime.problem import ProblemError

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "infra" / "modules"
ROUTES = read([MODULES / "api" / "routes.tf"])["locals"]["routes"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SESSIONS = JSON | st.text(min_size=6, max_size=66) | st.from_regex(r"\A[\w.-]{6,66}\Z")
TOKEN_BODIES = JSON | st.fixed_dictionaries(
    {}, optional={"session_id": SESSIONS, "site_id": JSON | st.just("shop.example"), "more": JSON}
)
EVENT_BODIES = JSON | st.fixed_dictionaries(
    {}, optional={"events": JSON | st.lists(JSON, max_size=3), "session_id": SESSIONS}
)


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((MODULES / "api" / "schemas" / name).read_text())
    return loaded


TYPES: dict[str, tuple[type, ...]] = {"object": (dict,), "string": (str,), "null": (type(None),)}


def refused(body: Any, rules: dict[str, Any]) -> bool:
    """Whether JSON schema's draft 4 refuses a body: the keywords that the schemas use."""
    unknown = set(rules) - {
        *("$schema", "title", "type", "required", "properties", "minLength", "maxLength")
    }
    assert not unknown, f"teach this test {unknown}"
    kinds = [rules["type"]] if isinstance(rules["type"], str) else rules["type"]
    if not isinstance(body, tuple(one for kind in kinds for one in TYPES[kind])):
        return True
    if isinstance(body, str):
        return not rules.get("minLength", 0) <= len(body) <= rules["maxLength"]
    if isinstance(body, dict):
        fields = rules.get("properties", {})
        return any(name not in body for name in rules.get("required", [])) or any(
            refused(body[name], fields[name]) for name in fields if name in body
        )
    return False


def collector_takes(body: Any, kind: str) -> bool:
    try:
        parsed = parse_body(json.dumps(body), is_base64=False, content_type="application/json")
        (parse_token_request if kind == "token" else parse_collect_request)(parsed)
    except ProblemError:
        return False
    return True


@given(TOKEN_BODIES)
def test_the_gateway_refuses_no_token_request_that_the_collector_takes(body: Any) -> None:
    assert not (collector_takes(body, "token") and refused(body, schema("token_request.json")))


@given(EVENT_BODIES)
def test_the_gateway_refuses_no_events_that_the_collector_takes(body: Any) -> None:
    assert not (collector_takes(body, "events") and refused(body, schema("events.json")))


def test_the_gateway_refuses_what_the_collector_cannot_use() -> None:
    assert refused([], schema("events.json"))
    for body in ({}, {"session_id": 5}, {"session_id": "short"}, {"session_id": "x" * 129}):
        assert refused(body, schema("token_request.json"))
    assert not refused({"session_id": "session-1", "site_id": None}, schema("token_request.json"))


def test_the_api_has_the_routes_of_the_embedded_server() -> None:
    assert {f"/api/{route}" for route in ROUTES} == set(reader.ROUTES)


@pytest.mark.parametrize("query", [RealtimeQuery, StatsQuery, ReconciliationQuery, QueryQuery])
def test_the_cache_is_keyed_by_every_parameter_that_the_code_reads(query: Any) -> None:
    route = query.__module__.split(".")[1]
    assert set(ROUTES[route]["query"]) == {*PARAMETERS, *query.parameters}


def test_the_gateway_passes_on_what_the_rebuild_api_reads() -> None:
    assert set(ROUTES["rebuild"]["query"]) == {*PARAMETERS, *REBUILD_PARAMETERS}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_terraform_and_packages_agree_about_functions(function: Any) -> None:
    handlers = list(every(MODULES.glob("*/*.tf"), "handler"))
    assert handlers.count(function.handler) == 1


def test_terraform_and_packages_agree_about_python() -> None:
    variables = read([ROOT / "infra/environments/dev/variables.tf"])["variable"]
    assert variables["runtime"]["default"] == f"python{PYTHON}"


def test_environments_differ_in_values_alone() -> None:
    dev, prod = (ROOT / "infra" / "environments" / name for name in ("dev", "prod"))
    assert {path.name for path in dev.glob("*.tf")} == {path.name for path in prod.glob("*.tf")}
    for path in dev.glob("*.tf"):
        assert path.read_bytes() == (prod / path.name).read_bytes(), path.name
    assert (dev / "terraform.tfvars").read_text() != (prod / "terraform.tfvars").read_text()
