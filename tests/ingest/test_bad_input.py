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
    "a clock that was set back": with_('"age_ms": -5000'),
    "a fraction of a millisecond": with_('"age_ms": 0.25'),
    "all numbers at their ends": with_(
        '"engaged_ms": 86400000, "scroll_depth": 100, "screen_width": 100000, "touch_points": 1000'
    ),
    "no revenue": with_('"revenue": {"amount": 0, "currency": "EUR"}'),
    "minus no revenue": with_('"revenue": {"amount": "-0.00", "currency": "EUR"}'),
    "an amount with six places": with_('"revenue": {"amount": "1.000001", "currency": "JPY"}'),
    "an amount that is a number": with_('"revenue": {"amount": 19.9, "currency": "EUR"}'),
    "30 props": with_(f'"props": {json.dumps(dict.fromkeys(map(str, range(30)), 1))}'),
    "no props": with_('"props": {}'),
    "an empty prop": with_('"props": {"k": ""}'),
    "a prop that is false": with_('"props": {"k": false}'),
    "a key of 64 emojis": with_(f'"props": {{"{"🙂" * 64}": 1}}'),
    "an empty title": with_('"title": ""'),
    "an empty referrer": with_('"referrer": ""'),
    "a referrer of an app": with_('"referrer": "android-app://com.example/"'),
    "a referrer with a script": with_('"referrer": "javascript:alert(1)"'),
    "a title from right to left": with_('"title": "\\u202eevil\\u2066"'),
    "a title of nothing but marks": with_('"title": "' + "\\u0301" * 600 + '"'),
    "a title of one long family": with_('"title": "' + "👩\\u200d" * 300 + '"'),
    "a language that is none": with_('"language": "\\u0000"'),
    "an id in capitals": with_('"event_id": "6F1B1C52-5D0E-4A53-9D0C-0F6E2B0F9A11"'),
    "an id of nothing": with_('"event_id": "00000000-0000-0000-0000-000000000000"'),
    "a port": GOOD.replace("example/", "example:8443/"),
    "userinfo": GOOD.replace("https://", "https://user:secret@"),
    "a host in capitals": GOOD.replace("shop.example", "SHOP.Example"),
    "a dot behind the host": GOOD.replace("example/", "example./"),
    "www before the host": GOOD.replace("shop", "www.shop"),
    "a path of dots": GOOD.replace("/a", "/../../etc/passwd"),
    "a path in bytes that are no text": GOOD.replace("/a", "/%ff%fe%00"),
    "a path with what SQL has": GOOD.replace("/a", "/'; DROP TABLE events;--"),
    "a query of marks": GOOD.replace("/a", "/a?&&&==?=&utm_source"),
    "a campaign in four spellings": GOOD.replace(
        "/a", "/a?UTM_source=1&utm%5Fsource=2&utm_source=3"
    ),
    "a fragment": GOOD.replace("/a", "/a#token=secret"),
    "spaces around the address": GOOD.replace(URL, f"  {URL}  "),
    "a time in seconds and a half": with_('"timestamp": null, "age_ms": 1500.75'),
    "a site that is its own": with_('"site_id": "shop.example"'),
    "a session that is its own": with_(f'"session_id": "{SESSION}"'),
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
    "a site in capitals": (with_('"site_id": "SHOP.example"'), "invalid_field", "site_id"),
    "a site that is a path": (with_('"site_id": "../shop.example"'), "invalid_field", "site_id"),
    "a session that is short": (with_('"session_id": "1"'), "invalid_field", "session_id"),
    "a clock that was set back by a month": (
        with_('"age_ms": -2678400000'),
        "invalid_field",
        "age_ms",
    ),
    "an age of 25 hours": (with_('"age_ms": 90000000'), "timestamp_out_of_range", "age_ms"),
    "an age as text": (with_('"age_ms": "5"'), "invalid_field", "age_ms"),
    "a time below zero": (with_('"timestamp": -1'), "invalid_field", "timestamp"),
    "a time in microseconds": (
        with_('"timestamp": 1764230400000000'),
        "invalid_field",
        "timestamp",
    ),
    "a time that is true": (with_('"timestamp": true'), "invalid_field", "timestamp"),
    "a day and a millisecond of engaged time": (
        with_('"engaged_ms": 86400001'),
        "invalid_field",
        "engaged_ms",
    ),
    "engaged time below zero": (with_('"engaged_ms": -1'), "invalid_field", "engaged_ms"),
    "a scroll depth of 101": (with_('"scroll_depth": 101'), "invalid_field", "scroll_depth"),
    "a screen as wide as a house": (
        with_('"screen_width": 100001'),
        "invalid_field",
        "screen_width",
    ),
    "more fingers than hands have": (
        with_('"touch_points": 1001'),
        "invalid_field",
        "touch_points",
    ),
    "an empty address": (GOOD.replace(URL, ""), "invalid_field", "page_url"),
    "an address that is null": (GOOD.replace(f'"{URL}"', "null"), "invalid_field", "page_url"),
    "an address that is an object": (GOOD.replace(f'"{URL}"', "{}"), "invalid_field", "page_url"),
    "a host that is none": (GOOD.replace(URL, "https:///a"), "invalid_url", "page_url"),
    "a bracket that is not closed": (
        GOOD.replace(URL, "https://[::1/"),
        "invalid_url",
        "page_url",
    ),
    "a port beyond all ports": (
        GOOD.replace("example", "example:65536"),
        "invalid_url",
        "page_url",
    ),
    "a host of 300 characters": (
        GOOD.replace("shop", "s" * 300),
        "invalid_url",
        "page_url",
    ),
    "a letter that looks like another": (
        GOOD.replace("shop", "\\u0455hop"),
        "host_not_allowed",
        "page_url",
    ),
    "the site as a part of a host": (
        GOOD.replace("shop.example", "shop.example.evil"),
        "host_not_allowed",
        "page_url",
    ),
    "an amount with a comma": (
        with_('"revenue": {"amount": "19,90", "currency": "EUR"}'),
        "invalid_field",
        "revenue.amount",
    ),
    "an amount with an exponent": (
        with_('"revenue": {"amount": "1e3", "currency": "EUR"}'),
        "invalid_field",
        "revenue.amount",
    ),
    "an amount that is true": (
        with_('"revenue": {"amount": true, "currency": "EUR"}'),
        "invalid_field",
        "revenue.amount",
    ),
    "an amount without a currency": (
        with_('"revenue": {"amount": 1}'),
        "missing_field",
        "revenue.currency",
    ),
    "a name that is empty": (
        '{"event_type": "custom", "page_url": "https://shop.example/", "name": ""}',
        "invalid_field",
        "name",
    ),
    "an empty key in props": (with_('"props": {"": 1}'), "invalid_field", "props."),
    "null in props": (with_('"props": {"k": null}'), "invalid_field", "props.k"),
    "an object in props": (with_('"props": {"k": {}}'), "invalid_field", "props.k"),
    "a title that is a number": (with_('"title": 5'), "invalid_field", "title"),
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
    "a byte that is no text alone": (b"\xff", 400, "invalid_json"),
    "NUL": (b"\0", 400, "invalid_json"),
    "an archive": (b"\x1f\x8b\x08\0\0\0\0\0", 400, "invalid_json"),
    "XML": (b"<?xml version='1.0'?><events/>", 400, "invalid_json"),
    "a comment": (b'{"events": [] /* none */}', 400, "invalid_json"),
    "null": (b"null", 400, "not_an_object"),
    "a text": (b'"events"', 400, "not_an_object"),
    "events that are null": (b'{"events": null}', 422, "invalid_field"),
    "a site that is a list": (b'{"events": [1], "site_id": []}', 422, "invalid_field"),
    "a site of 300 characters": (
        f'{{"events": [1], "site_id": "{"a" * 300}"}}'.encode(),
        422,
        "invalid_field",
    ),
    "a session with a line break": (
        b'{"events": [1], "session_id": "session-1\\n"}',
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
