import json
from base64 import b64encode

import pytest

from ingest.request_body import (
    JsonObject,
    parse_body,
    parse_collect_request,
    parse_token_request,
    unparsed,
)
from runtime.problem import ProblemError

EVENT: JsonObject = {"event_type": "page_view", "session_id": "session-1"}


def parsed(body: str, *, is_base64: bool = False, content_type: str = "") -> JsonObject:
    return parse_body(body, is_base64=is_base64, content_type=content_type)


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "text/plain;charset=UTF-8", "Application/JSON ; charset=utf-8"],
)
def test_json_is_read_from_the_types_that_browsers_send(content_type: str) -> None:
    assert parsed('{"a": "ü"}', content_type=content_type) == {"a": "ü"}


def test_a_base64_body_is_read() -> None:
    assert parsed(b64encode('{"a": "ü"}'.encode()).decode(), is_base64=True) == {"a": "ü"}


def test_a_byte_order_mark_before_a_body_is_no_part_of_it() -> None:
    written = '{"csrf_token": "t", "a": "\ufeff"}'.encode("utf-8-sig")
    body = {"csrf_token": "t", "a": "\ufeff"}
    assert parsed(written.decode()) == body
    assert parsed(b64encode(written).decode(), is_base64=True) == body
    assert unparsed(written.decode(), is_base64=False)[1] == body


@pytest.mark.parametrize("content_type", ["text/html", "multipart/form-data; boundary=x", "json"])
def test_another_type_is_refused(content_type: str) -> None:
    with pytest.raises(ProblemError) as error:
        parsed("{}", content_type=content_type)
    assert error.value.problem.status == 415


@pytest.mark.parametrize(
    ("body", "is_base64"),
    [
        ("", False),
        ("{", False),
        ("{'a': 1}", False),
        ('{"a": 1,}', False),
        ('{"a": "\n"}', False),
        ('{"a": 1}{}', False),
        (b64encode('{"a": 1}'.encode("utf-16")).decode(), True),
        ('"\ud800"', False),
        ("[" * 60_000, False),
        ('{"a":' * 10_000, False),
        ("*", True),
        ("é", True),
        (b64encode(b"\xff{}").decode(), True),
        (b64encode(b"{}\x00").decode(), True),
    ],
)
def test_broken_json_is_refused(body: str, is_base64: bool) -> None:
    with pytest.raises(ProblemError) as error:
        parsed(body, is_base64=is_base64)
    assert (error.value.problem.status, error.value.problem.code) == (400, "invalid_json")


@pytest.mark.parametrize("body", ["[]", "7", "1" * 5_000, '"text"', "null"])
def test_json_that_is_no_object_is_refused(body: str) -> None:
    with pytest.raises(ProblemError) as error:
        parsed(body)
    assert (error.value.problem.status, error.value.problem.code) == (400, "not_an_object")


def test_a_body_has_at_most_64_kib_of_bytes() -> None:
    padding = "ü" * ((64 * 1024 - len('{"a":""}')) // 2)
    largest = json.dumps({"a": padding}, ensure_ascii=False, separators=(",", ":"))
    assert parsed(largest) == {"a": padding}
    encoded = b64encode(f"{largest} ".encode()).decode()
    for body, is_base64 in ((f"{largest} ", False), (encoded, True)):
        with pytest.raises(ProblemError) as error:
            parsed(body, is_base64=is_base64)
        assert error.value.problem.status == 413


def test_one_event_is_a_request_of_one() -> None:
    request = parse_collect_request({**EVENT, "csrf_token": "t"})
    assert (request.session_id, request.csrf_token) == ("session-1", "t")
    assert request.events == [{**EVENT, "csrf_token": "t"}]


def test_a_list_of_events_is_a_request() -> None:
    request = parse_collect_request({"events": [EVENT, 7], "site_id": "shop.example"})
    assert request.events == [EVENT, 7]
    assert request.site_id == "shop.example"


def test_too_many_events_are_refused_with_the_limit() -> None:
    assert len(parse_collect_request({"events": [EVENT] * 50}).events) == 50
    with pytest.raises(ProblemError, match="at most 50 events"):
        parse_collect_request({"events": [EVENT] * 51})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": []}, "events"),
        ({"events": None}, "events"),
        ({"events": [EVENT], "session_id": 7}, "session_id"),
        ({**EVENT, "csrf_token": "x" * 1025}, "csrf_token"),
        ({**EVENT, "site_id": "No Site"}, "site_id"),
    ],
)
def test_a_wrong_request_field_is_named(body: JsonObject, field: str) -> None:
    with pytest.raises(ProblemError, match=rf"^{field} ") as error:
        parse_collect_request(body)
    assert error.value.problem.status == 422


def test_a_token_request_needs_a_session() -> None:
    with pytest.raises(ProblemError, match=r"^session_id "):
        parse_token_request({})
    assert parse_token_request({"session_id": "session-1"}).session_id == "session-1"
