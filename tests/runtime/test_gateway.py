"""API Gateway's events as requests."""

from typing import Any

import pytest

from runtime.gateway import Request, problem_response
from runtime.problem import AnyProblem, Problem


def test_an_event_becomes_a_request() -> None:
    event = {
        "httpMethod": "post",
        "path": "/api/events/",
        "headers": {"X-Session-ID": "session-1", "Accept": None},
        "queryStringParameters": {"site_id": "a.example", "from": None},
        "requestContext": {"identity": {"sourceIp": "203.0.113.9"}},
        "body": "e30=",
        "isBase64Encoded": True,
    }
    assert Request.from_event(event) == Request(
        method="POST",
        path="/api/events",
        headers={"x-session-id": "session-1"},
        parameters={"site_id": "a.example"},
        address="203.0.113.9",
        body="e30=",
        is_base64=True,
    )


EMPTY = {
    "httpMethod": "GET",
    "path": None,
    "headers": None,
    "queryStringParameters": None,
    "requestContext": None,
    "body": None,
    "isBase64Encoded": None,
}


@pytest.mark.parametrize(
    "event",
    [
        EMPTY,
        {"httpMethod": "GET"},
        {**EMPTY, "requestContext": {}},
        {**EMPTY, "requestContext": {"identity": None}},
        {**EMPTY, "requestContext": {"identity": {"sourceIp": None}}},
    ],
)
def test_what_is_absent_or_null_is_empty(event: dict[str, Any]) -> None:
    assert Request.from_event(event) == Request("GET")


def test_all_values_of_a_parameter_that_stands_several_times_are_there() -> None:
    event = {
        **EMPTY,
        "queryStringParameters": {"a": "3", "b": "1"},
        "multiValueQueryStringParameters": {"a": ["1", "\ud800", "3"], "b": ["1"], "c": None},
    }
    request = Request.from_event(event)
    assert request.parameters == {"a": "3", "b": "1"}
    assert request.repeated == {"a": ("1", "?", "3")}


def test_no_lone_surrogate_gets_through() -> None:
    event = {
        "httpMethod": "GET",
        "headers": {"X-API-Key": "key\ud800"},
        "queryStringParameters": {"site_id": "\udfff.example", "page": "/ö"},
    }
    request = Request.from_event(event)
    assert request.headers == {"x-api-key": "key?"}
    assert request.parameters == {"site_id": "?.example", "page": "/ö"}


def test_a_problem_is_never_cached_and_brings_its_headers() -> None:
    problem = Problem(503, AnyProblem.INTERNAL_ERROR, "Come back.", {"Retry-After": "5"})
    assert problem_response(problem, {"Vary": "Origin"}).headers == {
        "Content-Type": "application/problem+json",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Vary": "Origin",
        "Retry-After": "5",
    }
