import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveinsight.engine.gateway import as_proxied, invoke, proxy_event, request_headers
from runtime.settings import EmbeddedSettings

FIXTURE = json.loads(
    (Path(__file__).parents[1] / "events" / "api_gateway_rest_post.json").read_text()
)


def environ(**changes: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/events",
        "QUERY_STRING": "a=1&a=2&b=%C3%A9&c=",
        "REMOTE_ADDR": "203.0.113.9",
        "HTTP_USER_AGENT": "Browser/1",
        "HTTP_X_CSRF_TOKEN": "token",
        "CONTENT_TYPE": "text/plain",
        "wsgi.input": io.BytesIO(b'{"a": 1}'),
        **changes,
    }


def test_an_event_has_the_members_that_api_gateway_gives_it() -> None:
    event = proxy_event(environ(), {})
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

    response = invoke(echo, "echo", environ(**{"wsgi.input": io.BytesIO(body)}), {})
    assert response.body == body
    assert response.headers["X-Two"] == "a, b"


@pytest.mark.parametrize(
    ("changes", "trusted"),
    [
        ({}, False),
        ({"REMOTE_ADDR": "127.0.0.1"}, True),
        ({"HTTP_X_FORWARDED_FOR": "203.0.113.9"}, True),
    ],
)
def test_only_a_proxy_on_this_machine_says_where_a_viewer_is(
    changes: dict[str, str], trusted: bool
) -> None:
    headers = request_headers(environ(HTTP_CLOUDFRONT_VIEWER_COUNTRY="DE", **changes))
    assert ("cloudfront-viewer-country" in headers) is trusted


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
    seen = as_proxied(environ(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR=said))
    assert proxy_event(seen, {})["requestContext"]["identity"]["sourceIp"] == address
    assert seen.get("HTTP_X_FORWARDED_FOR") == (address if address != "127.0.0.1" else None)


def test_nobody_else_says_who_is_behind_them() -> None:
    seen = as_proxied(environ(HTTP_X_FORWARDED_FOR="198.51.100.7"))
    assert seen["REMOTE_ADDR"] == "203.0.113.9"
    assert "HTTP_X_FORWARDED_FOR" not in seen


def test_nobody_says_what_address_they_come_from() -> None:
    spoofed = environ(HTTP_CLOUDFRONT_VIEWER_ADDRESS="198.51.100.1:1", REMOTE_ADDR="127.0.0.1")
    assert "cloudfront-viewer-address" not in request_headers(spoofed)


def test_settings_name_what_is_missing() -> None:
    with pytest.raises(Exception, match="LIVEINSIGHT_DATA"):
        EmbeddedSettings.from_env({})
