"""A table of bad input: what each costs, and that it costs nothing else.

Each row is one event as text, as a client may write it, between two good ones.
"""

import json
from base64 import b64encode

import pytest

from tests.ingest.http_caller import Answer, call
from tests.ingest.memory_sink import MemoryEventSink

pytestmark = pytest.mark.usefixtures("deployed")

SESSION = "session-1"
URL = "https://shop.example/a"
GOOD = f'{{"event_type": "page_view", "page_url": "{URL}"}}'
DIGITS = "9" * 5000


def with_(fields: str) -> str:
    return f'{{"event_type": "page_view", "page_url": "{URL}", {fields}}}'


TAKEN = {
    "a number of 5,000 digits in a field of nobody's": with_(f'"n": {DIGITS}'),
    "NaN in a field of nobody's": with_('"n": NaN'),
    "a number beyond all floats": with_('"n": 1e999'),
    "minus nothing": with_('"scroll_depth": -0'),
    "an exponent": with_('"age_ms": 1E+3'),
    "1,000 brackets": with_(f'"n": {"[" * 1000}{"]" * 1000}'),
    "1,000 objects in each other": with_('"n": ' + '{"a":' * 999 + "1" + "}" * 999),
    "a name twice, the last of which is good": f'{{"page_url": 5, {GOOD[1:]}',
    "an empty name": with_('"": 1'),
    "a name of 3,000 characters": with_(f'"{"k" * 3000}": 1'),
    "a name that Python has": with_('"__class__": {"__init__": 1}, "__proto__": {}'),
    "a lone surrogate in the title": with_('"title": "cut \\ud83d"'),
    "a lone surrogate in a name": with_('"\\udc00": 1'),
    "a pair the wrong way round": with_('"title": "\\ude00\\ud83d"'),
    "a lone surrogate in the path": f'{{"event_type": "page_view", "page_url": "{URL}\\ud800"}}',
    "a lone surrogate in props": with_('"props": {"\\ud800": "\\udfff"}'),
    "NUL in the title": with_('"title": "a\\u0000b"'),
    "an escape sequence in props": with_('"props": {"\\u001b[31m": "\\u009b2J"}'),
    "a line break in the address": f'{{"event_type": "page_view", "page_url": "{URL}\\n\\r"}}',
    "a title of 60,000 characters": with_(f'"title": "{"x" * 55_000}"'),
    "a referrer of 3,000 characters": with_(f'"referrer": "https://else.example/{"a" * 3000}"'),
    "a referrer that is none": with_('"referrer": "\\\\\\\\"'),
    "an address with a long query": GOOD.replace(URL, f"{URL}?{'a=b&' * 800}"),
    "a prop of 2,000 characters": with_(f'"props": {{"k": "{"v" * 2000}"}}'),
    "2**70 in props": with_(f'"props": {{"k": {2**70}}}'),
    "a language of 99 characters": with_(f'"language": "{"de-" * 33}"'),
    "null in all optional fields": with_(
        '"title": null, "props": null, "revenue": null, "age_ms": null'
    ),
    "a refund": with_('"revenue": {"amount": "-19.90", "currency": "EUR"}'),
    "a solidus that is escaped": GOOD.replace("/", "\\/"),
    "spaces everywhere": GOOD.replace(":", " : \n\t ", 1),
}
REFUSED = {
    "NaN as a time": (with_('"timestamp": NaN'), "invalid_field", "timestamp"),
    "Infinity as an age": (with_('"age_ms": Infinity'), "invalid_field", "age_ms"),
    "-Infinity as a width": (with_('"screen_width": -Infinity'), "invalid_field", "screen_width"),
    "NaN in props": (with_('"props": {"k": NaN}'), "invalid_field", "props.k"),
    "5,000 digits as a time": (with_(f'"timestamp": {DIGITS}'), "invalid_field", "timestamp"),
    "5,000 digits in props": (with_(f'"props": {{"k": {DIGITS}}}'), "invalid_field", "props.k"),
    "400 digits as engaged time": (
        with_(f'"engaged_ms": {"9" * 400}'),
        "invalid_field",
        "engaged_ms",
    ),
    "a fraction of a percent": (with_('"scroll_depth": 5.5'), "invalid_field", "scroll_depth"),
    "a number as text": (with_('"screen_width": "5"'), "invalid_field", "screen_width"),
    "true as a number": (with_('"screen_width": true'), "invalid_field", "screen_width"),
    "1,000 brackets as a title": (
        with_(f'"title": {"[" * 1000}{"]" * 1000}'),
        "invalid_field",
        "title",
    ),
    "1,000 brackets as an event": ("[" * 1000 + "]" * 1000, "not_an_object", ""),
    "null": ("null", "not_an_object", ""),
    "NaN": ("NaN", "not_an_object", ""),
    "a text": ('"\\ud800"', "not_an_object", ""),
    "an empty object": ("{}", "missing_field", "event_type"),
    "a name twice, the last of which is bad": (with_('"page_url": 5'), "invalid_field", "page_url"),
    "names in capitals": (GOOD.replace("page_url", "Page_URL"), "missing_field", "page_url"),
    "events in an event": (f'{{"events": [{GOOD}]}}', "missing_field", "event_type"),
    "another type": (GOOD.replace("page_view", "Page_View"), "invalid_field", "event_type"),
    "an address that is a path": (GOOD.replace(URL, "/a"), "invalid_url", "page_url"),
    "an address without a scheme": (GOOD.replace("https:", ""), "invalid_url", "page_url"),
    "an address of a file": (GOOD.replace("https", "file"), "invalid_url", "page_url"),
    "a script as an address": (GOOD.replace(URL, "javascript:1"), "invalid_url", "page_url"),
    "a backslash before @": (
        GOOD.replace(URL, "https://evil.example\\\\@shop.example/"),
        "invalid_url",
        "page_url",
    ),
    "a port that is none": (GOOD.replace("example", "example:x"), "invalid_url", "page_url"),
    "NUL in the host": (GOOD.replace("shop", "shop\\u0000"), "invalid_url", "page_url"),
    "a surrogate in the host": (GOOD.replace("shop", "shop\\ud800"), "invalid_url", "page_url"),
    "a path of 3,000 characters": (
        GOOD.replace(URL, URL + "a" * 3000),
        "invalid_field",
        "page_url",
    ),
    "a host within another": (GOOD.replace("shop", "evilshop"), "host_not_allowed", "page_url"),
    "a host behind userinfo": (
        GOOD.replace("https://", "https://shop.example@evil.example/"),
        "host_not_allowed",
        "page_url",
    ),
    "a year that is none": (with_('"timestamp": 0'), "timestamp_out_of_range", "timestamp"),
    "a time in words": (with_('"timestamp": "2026-01-01"'), "invalid_field", "timestamp"),
    "an id that is none": (with_('"event_id": "1"'), "invalid_field", "event_id"),
    "an id with a line break": (
        with_('"event_id": "6f1b1c52-5d0e-4a53-9d0c-0f6e2b0f9a11\\n"'),
        "invalid_field",
        "event_id",
    ),
    "an amount with an underscore": (
        with_('"revenue": {"amount": "1_000", "currency": "EUR"}'),
        "invalid_field",
        "revenue.amount",
    ),
    "an amount in other digits": (
        with_('"revenue": {"amount": "٣", "currency": "EUR"}'),
        "invalid_field",
        "revenue.amount",
    ),
    "a currency in small letters": (
        with_('"revenue": {"amount": 1, "currency": "eur"}'),
        "invalid_field",
        "revenue.currency",
    ),
    "31 props": (
        with_(f'"props": {json.dumps(dict.fromkeys(map(str, range(31)), 1))}'),
        "invalid_field",
        "props",
    ),
    "a list in props": (with_('"props": {"k": [1]}'), "invalid_field", "props.k"),
    "props that are a list": (with_('"props": [1]'), "invalid_field", "props"),
    "a key of 3,000 characters": (
        with_(f'"props": {{"{"k" * 3000}": 1}}'),
        "invalid_field",
        f"props.{'k' * 94}",
    ),
    "an event without a name": (GOOD.replace("page_view", "custom"), "missing_field", "name"),
    "another session": (with_('"session_id": "session-2"'), "session_mismatch", "session_id"),
    "another site": (with_('"site_id": "other.example"'), "site_mismatch", "site_id"),
}
WHOLE = {
    "nothing": (b"", 400, "invalid_json"),
    "spaces": (b" \n", 400, "invalid_json"),
    "an object that is cut off": (b'{"events": [', 400, "invalid_json"),
    "a comma at the end": (b'{"events": [],}', 400, "invalid_json"),
    "single quotes": (b"{'events': []}", 400, "invalid_json"),
    "two documents": (b"{}{}", 400, "invalid_json"),
    "a form": (b"event_type=page_view", 400, "invalid_json"),
    "a line break in a text": (b'{"title": "a\nb"}', 400, "invalid_json"),
    "UTF-16": (GOOD.encode("utf-16"), 400, "invalid_json"),
    "60,000 brackets": (b"[" * 60_000, 400, "invalid_json"),
    "a list": (f"[{GOOD}]".encode(), 400, "not_an_object"),
    "a number": (DIGITS.encode(), 400, "not_an_object"),
    "70,000 bytes": (b" " * 70_000, 413, "body_too_large"),
    "no events": (b'{"events": []}', 422, "invalid_field"),
    "events that are an object": (b'{"events": {}}', 422, "invalid_field"),
    "51 events": (f'{{"events": [{", ".join([GOOD] * 51)}]}}'.encode(), 422, "too_many_events"),
    "a session that is a number": (b'{"events": [1], "session_id": 7}', 422, "invalid_field"),
    "a token of 2,000 characters": (
        f'{{"events": [1], "csrf_token": "{"x" * 2000}"}}'.encode(),
        422,
        "invalid_field",
    ),
}


def sent(body: bytes) -> Answer:
    """The answer to a body with a good token in the headers, as API Gateway gives it."""
    token = call("/api/csrf-token", {"session_id": SESSION}).document["csrf_token"]
    headers = {"X-CSRF-Token": str(token), "X-Session-ID": SESSION}
    return call("/api/events", b64encode(body).decode(), headers=headers, is_base64=True)


def between(event: str) -> Answer:
    return sent(f'{{"events": [{GOOD}, {event}, {GOOD}]}}'.encode())


def assert_storable(sink: MemoryEventSink) -> None:
    for batch in sink.batches:
        for event in batch.events:
            texts = (event.title, event.page, event.query, event.name, *event.props)
            for text in (*texts, *event.props.values()):
                assert not [one for one in text if ord(one) < 32 or 127 <= ord(one) < 160]
                text.encode()


@pytest.mark.parametrize("event", TAKEN.values(), ids=TAKEN)
def test_what_is_odd_is_taken(event: str, sink: MemoryEventSink) -> None:
    assert between(event).document == {"accepted": 3, "duplicates": 0, "rejected": []}
    assert_storable(sink)


@pytest.mark.parametrize(("event", "code", "field"), REFUSED.values(), ids=REFUSED)
def test_one_bad_event_never_loses_the_good_ones(
    event: str, code: str, field: str, sink: MemoryEventSink
) -> None:
    rejected = [{"index": 1, "code": code, "field": field}]
    assert between(event).document == {"accepted": 2, "duplicates": 0, "rejected": rejected}
    assert_storable(sink)


@pytest.mark.parametrize(("body", "status", "code"), WHOLE.values(), ids=WHOLE)
def test_a_request_that_cannot_be_read_says_why(body: bytes, status: int, code: str) -> None:
    answer = sent(body)
    assert (answer.status, answer.document["code"]) == (status, code)


def test_bytes_that_are_no_text_are_replaced(sink: MemoryEventSink) -> None:
    assert sent(with_('"title": "Grüße"').encode("latin-1")).document["accepted"] == 1
    ((event,),) = [batch.events for batch in sink.batches]
    assert event.title == "Gr\ufffd\ufffde"
