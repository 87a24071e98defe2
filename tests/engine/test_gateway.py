import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveinsight.engine.front import HttpRequest
from liveinsight.engine.gateway import believed, core_request, invoke, proxy_event
from runtime.gateway import Request
from runtime.settings import EmbeddedSettings

FIXTURE = json.loads(
    (Path(__file__).parents[1] / "events" / "api_gateway_rest_post.json").read_text()
)


def request(**changes: Any) -> HttpRequest:
    made = HttpRequest(
        method="POST",
        path="/api/events",
        query="a=1&a=2&b=%C3%A9&c=",
        headers={
            "user-agent": "Browser/1",
            "x-csrf-token": "token",
            "content-type": "text/plain",
        },
        address="203.0.113.9",
        body=b'{"a": 1}',
    )
    headers = {**made.headers, **changes.pop("headers", {})}
    return replace(made, headers=headers, **changes)


def test_an_event_has_the_members_that_api_gateway_gives_it() -> None:
    event = proxy_event(request())
    assert set(event) == set(FIXTURE)
    assert set(event["requestContext"]) <= set(FIXTURE["requestContext"])
    assert event["queryStringParameters"] == {"a": "2", "b": "é", "c": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["é"], "c": [""]}
    assert event["headers"]["x-csrf-token"] == "token"
    assert event["headers"]["content-type"] == "text/plain"
    assert event["requestContext"]["identity"]["sourceIp"] == "203.0.113.9"
    assert (event["body"], event["isBase64Encoded"]) == ('{"a": 1}', False)


@given(st.binary(max_size=50))
def test_any_body_arrives_whole(body: bytes) -> None:
    seen: list[dict[str, Any]] = []

    def echo(event: dict[str, Any], _: Any) -> dict[str, Any]:
        seen.append(event)
        return {
            "statusCode": 200,
            "body": event["body"],
            "isBase64Encoded": event["isBase64Encoded"],
            "multiValueHeaders": {"X-Two": ["a", "b"]},
        }

    response = invoke(echo, "echo", request(body=body))
    assert response.body == body
    assert response.headers["X-Two"] == "a, b"


@given(
    st.binary(max_size=50),
    st.lists(st.tuples(st.sampled_from(["a", "b", "filter", ""]), st.text(max_size=20))),
)
def test_the_core_reads_what_the_function_would(body: bytes, query: list[tuple[str, str]]) -> None:
    """On AWS it reads API Gateway's event."""
    asked = request(body=body, query=urlencode(query))
    read = core_request(asked)
    assert read == Request.from_event(proxy_event(asked))
    assert read.parameters == dict(query)
    for name in {name for name, _ in query}:
        values = tuple(value for found, value in query if found == name)
        assert read.repeated.get(name, (read.parameters[name],)) == values


@pytest.mark.parametrize(
    ("changes", "trusted"),
    [
        ({}, False),
        ({"address": "127.0.0.1"}, True),
        ({"address": "::1"}, True),
        ({"headers": {"x-forwarded-for": "203.0.113.9"}}, False),
        ({"address": "127.0.0.1", "headers": {"x-forwarded-for": "203.0.113.9"}}, True),
    ],
)
def test_only_a_proxy_on_this_machine_says_where_a_viewer_is(
    changes: dict[str, Any], trusted: bool
) -> None:
    headers = {**changes.pop("headers", {}), "cloudfront-viewer-country": "DE"}
    seen = believed(request(**changes, headers=headers))
    assert ("cloudfront-viewer-country" in seen.headers) is trusted


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ('"[2001:db8::7]:4711"', "2001:db8::7"),
        ('"', "127.0.0.1"),
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("198.51.100.7, ", "127.0.0.1"),
        ("[" * 16_000, "127.0.0.1"),
    ],
)
def test_a_proxy_on_this_machine_says_who_is_behind_it(said: str, address: str) -> None:
    seen = believed(request(address="127.0.0.1", headers={"x-forwarded-for": said}))
    assert seen.address == address
    assert proxy_event(seen)["requestContext"]["identity"]["sourceIp"] == address


def test_nobody_else_says_who_is_behind_them() -> None:
    seen = believed(request(headers={"x-forwarded-for": "198.51.100.7"}))
    assert seen.address == "203.0.113.9"
    assert "x-forwarded-for" not in seen.headers


def test_nobody_says_what_address_they_come_from() -> None:
    spoofed = request(address="127.0.0.1", headers={"cloudfront-viewer-address": "198.51.100.1:1"})
    assert "cloudfront-viewer-address" not in believed(spoofed).headers


def test_settings_name_what_is_missing() -> None:
    with pytest.raises(Exception, match="LIVEINSIGHT_DATA"):
        EmbeddedSettings.from_env({})
