"""The document: what the handlers declare, put together."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from api.endpoint import PARAMETERS as OF_ANY
from api.parameters import REPEATABLE
from api.problem import ReadProblem
from api.query.funnel import FunnelQuery
from api.query.query import QueryQuery
from api.query.reached import GoalsQuery
from api.realtime.feed import FeedQuery
from api.realtime.query import RealtimeQuery
from api.realtime.visit import VisitQuery
from api.rebuild.endpoint import PARAMETERS as OF_REBUILD
from api.reconciliation.query import ReconciliationQuery
from api.stats.query import OF_QUERY, StatsQuery
from ingest.endpoint import PIXEL_FIELDS
from ingest.refusal import CollectorProblem
from ingest.tokens.token import TokenProblem
from liveinsight.openapi import shapes
from liveinsight.openapi.parameters import ELSEWHERE, PARAMETERS
from runtime.problem import CONTENT_TYPE, AnyProblem, ProblemCode
from schemas.hit import PIXEL_PATH, CollectRequest, Hit, TokenRequest

JSON = "application/json"
KEY = "read_key"

OF_READS: tuple[ProblemCode, ...] = (
    ReadProblem.UNKNOWN_PARAMETER,
    ReadProblem.PARAMETER_REPEATED,
    AnyProblem.UNKNOWN_SITE,
    ReadProblem.READ_KEY_REQUIRED,
    ReadProblem.PUBLIC_ONLY,
    AnyProblem.FORBIDDEN,
    ReadProblem.STORE_UNAVAILABLE,
    ReadProblem.STORE_UNUSABLE,
    AnyProblem.INTERNAL_ERROR,
)
OF_OWNERS: tuple[ProblemCode, ...] = (
    *(code for code in OF_READS if code is not ReadProblem.READ_KEY_REQUIRED),
    ReadProblem.ADMIN_KEY_REQUIRED,
)
OF_COLLECTOR: tuple[ProblemCode, ...] = (*CollectorProblem, *TokenProblem, AnyProblem.UNKNOWN_SITE)

STATUS: dict[str, int] = {
    AnyProblem.UNKNOWN_SITE: 404,
    ReadProblem.UNKNOWN_VISIT: 404,
    ReadProblem.READ_KEY_REQUIRED: 401,
    ReadProblem.ADMIN_KEY_REQUIRED: 401,
    ReadProblem.PUBLIC_ONLY: 403,
    AnyProblem.FORBIDDEN: 403,
    ReadProblem.NOTHING_READY: 409,
    ReadProblem.NOTHING_KEPT: 409,
    ReadProblem.REBUILD_CHANGED: 409,
    ReadProblem.STORE_UNAVAILABLE: 503,
    ReadProblem.STORE_UNUSABLE: 503,
    AnyProblem.INTERNAL_ERROR: 500,
}
"""Of a problem of the read APIs; all others are 422."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a path does with a method."""

    path: str
    method: str
    summary: str
    answer: type[BaseModel] | None
    """None: a picture."""
    parameters: frozenset[str] = frozenset()
    problems: tuple[ProblemCode, ...] = OF_READS
    body: tuple[type[BaseModel], ...] = ()
    """Any of these."""
    status: int = 200
    key: bool = True
    """Whether a key may be needed."""


def _read(path: str, summary: str, answer: type[BaseModel], names: frozenset[str]) -> Route:
    return Route(path, "get", summary, answer, OF_ANY | names)


ROUTES = (
    Route(
        "/api/csrf-token", "post", "Give a session its token.", shapes.Token,
        problems=OF_COLLECTOR, body=(TokenRequest,), key=False,
    ),
    Route(
        "/api/events", "post", "Take events: one, or `events` with up to 50.", shapes.Verdicts,
        problems=OF_COLLECTOR, body=(Hit, CollectRequest), key=False,
    ),
    Route(
        PIXEL_PATH, "get", "Take one event from a page or a mail without script.", None,
        frozenset({"site_id", *PIXEL_FIELDS}), OF_COLLECTOR, key=False,
    ),
    _read(
        "/api/realtime", "Current visitors and the last 30 minutes.", shapes.Realtime,
        RealtimeQuery.parameters,
    ),
    _read(
        "/api/live/events", "The events that arrived last.", shapes.LiveEvents,
        FeedQuery.parameters,
    ),
    _read("/api/live/visit", "What one visit did.", shapes.Visit, VisitQuery.parameters),
    Route(
        "/api/stats", "get", "Totals, series and breakdowns of a range of days.", shapes.Stats,
        OF_ANY | (StatsQuery.parameters - OF_QUERY), (*OF_READS, ReadProblem.FILTER_NEEDS_QUERY),
    ),
    _read(
        "/api/query", "The same with filters, comparison, goals and properties.", shapes.Query,
        QueryQuery.parameters,
    ),
    _read("/api/goals", "Goals and how often they were reached.", shapes.Goals,
          GoalsQuery.parameters),
    Route(
        "/api/goals", "post", "Add, change or remove a goal.", shapes.GoalsOfSite, OF_ANY,
        (*OF_OWNERS, ReadProblem.BAD_GOAL), (shapes.NewGoal, shapes.NoGoal),
    ),
    _read(
        "/api/funnel", "How many visits did some things one after another.", shapes.Funnel,
        FunnelQuery.parameters,
    ),
    _read(
        "/api/reconciliation", "Whether what arrived was accepted, archived and counted.",
        shapes.Reconciliation, ReconciliationQuery.parameters,
    ),
    Route(
        "/api/rebuild", "get", "How far a rebuild is and what it would change.", shapes.Rebuild,
        OF_ANY | OF_REBUILD, OF_OWNERS,
    ),
    Route(
        "/api/rebuild", "post", "Ask that another generation counts.", shapes.Rebuild, OF_ANY,
        (
            *OF_OWNERS, ReadProblem.BAD_ACTION, ReadProblem.NOTHING_READY,
            ReadProblem.NOTHING_KEPT, ReadProblem.REBUILD_CHANGED,
        ),
        (shapes.Wish,), status=202,
    ),
)  # fmt: skip


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = _operation(route, schemas)
    schemas["ProblemDocument"] = _named(shapes.ProblemDocument, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "LiveInsight",
            "version": "0.1.0",
            "description": "Events in, numbers out. docs/api.md has every field with its meaning.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                KEY: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-API-Key",
                    "description": "A read key of the site, unless it is public; for owners an"
                    " admin key.",
                }
            },
        },
    }


def problems_of(route: Route) -> dict[int, list[str]]:
    """Return the codes of the problems of a route, by status."""
    of_parameters = (code for name in route.parameters if name in PARAMETERS
                     for code in PARAMETERS[name][2])  # fmt: skip
    by_status: dict[int, set[str]] = {}
    for code in (*route.problems, *of_parameters):
        by_status.setdefault(STATUS.get(code, 422), set()).add(code.value)
    return {status: sorted(codes) for status, codes in sorted(by_status.items())}


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    name = f"{route.method} {route.path.removeprefix('/api/')}"
    operation: dict[str, Any] = {
        "operationId": name.replace("/", "-").replace(" ", "-"),
        "summary": route.summary,
        "parameters": [_parameter(route, name) for name in sorted(route.parameters)],
        "responses": {
            str(route.status): {
                "description": HTTPStatus(route.status).phrase,
                "content": _content(route, schemas),
            },
            **_refusals(route),
            "431": {"description": "the address and the headers are longer than the server reads"},
        },
    }
    if route.key:
        operation["security"] = [{}, {KEY: []}]
    if route.body:
        choices = [_reference(body, schemas) for body in route.body]
        schema = choices[0] if len(choices) == 1 else {"anyOf": choices}
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return operation


def _content(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    if route.answer is None:
        return {"image/gif": {"schema": {"type": "string", "contentMediaType": "image/gif"}}}
    return {JSON: {"schema": _reference(route.answer, schemas)}}


def _refusals(route: Route) -> dict[str, Any]:
    if route.problems is OF_COLLECTOR:
        codes = ", ".join(sorted({code.value for code in route.problems}))
        return {"default": _refusal(codes)}
    found = {
        str(status): _refusal(", ".join(codes)) for status, codes in problems_of(route).items()
    }
    return {**found, "default": _refusal("what API Gateway, or the server before it, refuses")}


def _refusal(codes: str) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/ProblemDocument"}
    return {"description": codes, "content": {CONTENT_TYPE: {"schema": reference}}}


def _parameter(route: Route, name: str) -> dict[str, Any]:
    text, schema = ELSEWHERE.get((route.path, name), PARAMETERS[name][:2])
    return {
        "name": name,
        "in": "query",
        "description": text,
        "required": name in {"site_id", "visit", "step"},
        "schema": dict(schema),
        **({"style": "form", "explode": True} if name in REPEATABLE else {}),
    }


def _reference(shape: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    schemas[shape.__name__] = _named(shape, schemas)
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _named(shape: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a shape, and put those that it names among the others."""
    found = shapes.schema_of(shape)
    for name, inner in found.pop("$defs", {}).items():
        schemas[name] = _plain(inner)
    plain: dict[str, Any] = _plain(found)
    return plain


def _plain(schema: Any) -> Any:
    """Return a schema without what pydantic adds: titles, and defaults of what may be missing."""
    if isinstance(schema, dict):
        drop = {"title", "default"} if "properties" not in schema else {"title"}
        return {
            name: {field: _plain(one) for field, one in inner.items()}
            if name == "properties"
            else _plain(inner)
            for name, inner in schema.items()
            if name == "properties" or name not in drop
        }
    return [_plain(one) for one in schema] if isinstance(schema, list) else schema
