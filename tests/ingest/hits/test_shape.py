"""What is kept of malformed hits holds nothing of a person, and is redriven where it is whole."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.hits.client import Client
from ingest.hits.judge import parse_hit
from ingest.hits.rejection import Rejected
from ingest.hits.shape import MOST_HITS, kept_of
from schemas.hit import Hit

CLIENT = Client("203.0.113.9", "Mozilla/5.0 (X11) Secret/7")
PAGE = "https://shop.example/a"
GOOD = {"event_type": "page_view", "page_url": PAGE}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)


def kept(raw: object) -> Any:
    return json.loads(kept_of(raw, CLIENT))


@pytest.mark.parametrize(
    ("address", "of_it"),
    [
        ("https://me:pw@shop.example/a?q=SECRET&utm_source=x#SECRET", f"{PAGE}?utm_source=x"),
        ("HTTPS://SECRET:pw@Shop.Example/a", PAGE),
        ("http://shop.example:8443/a", PAGE),
        ("http://[::1]/a", "https://[::1]/a"),
        (f"{PAGE}?gclid=SECRET", f"{PAGE}?gclid"),
        (f"{PAGE}?ref=jane%40mail.example", f"{PAGE}?ref=[email]"),
        (f"{PAGE}/jane@mail.example", f"{PAGE}/[email]"),
        ("android-app://com.x.y/SECRETPATH/..", "android-app://com.x.y/"),
        ("/rel?token=Secret7", ["text", 18, "/aaa?aaaaa=Aaaaaa0"]),
        ("//x/?token=Secret7", ["text", 18, "//a/?aaaaa=Aaaaaa0"]),
        ("ftp://x/?a=1", ["text", 12, "aaa://a/?a=0"]),
        ("blob:https://x/7", ["text", 16, "aaaa:aaaaa://a/0"]),
    ],
)
def test_of_an_address_in_any_form_an_event_keeps_as_much(address: str, of_it: object) -> None:
    for field in ("page_url", "referrer"):
        assert kept({**GOOD, field: address, "n": 1})[field] == of_it


@pytest.mark.parametrize(
    ("field", "value", "of_it"),
    [
        ("event_type", "Jane-7", ["text", 6, "Aaaa-0"]),
        ("event_id", "jane@mail", ["text", 9, "aaaa@aaaa"]),
        ("session_id", "päss wörd", ["text", 9, "aaaa aaaa"]),
        ("site_id", "Jane Doe", ["text", 8, "Aaaa Aaa"]),
        ("title", 5, 5),
        ("title", "mail jürgen@bücher.example", "mail [email]"),
        ("title", "from 203.0.113.9 by Mozilla/5.0 (X11) Secret/7", "from [client] by [client]"),
        ("title", "see https://a:b@c.d/e?token=f#g now", "see https://c.d/e now"),
        ("title", "call +49 170 1234567", "call [phone]"),
        ("title", "\x1b[31m", " [31m"),
        ("title", "x" * 600, "x" * 500),
        ("timestamp", 491701234567890, ["number", 15]),
        ("screen_width", 200_000, 200_000),
        ("screen_width", -(10**399), ["number", 401]),
        ("screen_width", float("nan"), ["number", 3]),
        ("scroll_depth", "101", ["text", 3, "000"]),
        ("revenue", {"amount": "1_000", "currency": "EUR"}, ["object", 2]),
        ("props", ["jane"], ["list", 1]),
        ("props", dict.fromkeys(map(str, range(31)), "jane"), ["object", 31]),
        ("props", {"plan": "pro", "k": ["jane"]}, {"plan": "pro", "k": ["list", 1]}),
        ("props", {"jane@mail.example": True}, {"[email]": True}),
    ],
)
def test_what_is_wrong_is_a_shape_and_what_is_in_order_is_scrubbed(
    field: str, value: object, of_it: object
) -> None:
    assert kept({**GOOD, field: value}) == {**GOOD, field: of_it}


@pytest.mark.parametrize(
    ("raw", "of_it"),
    [
        ("c\0s\0r\0f\0", ["text", 8, "a a a a "]),
        ("name=Jane&tel=0170", ["text", 18, "aaaa=Aaaa&aaa=0000"]),
        ("姓名", ["text", 2, "aa"]),
        (["jane"], ["list", 1]),
        (None, None),
        ({}, {}),
        ({"ip": "203.0.113.9", "userAgent": "x", "CSRF-Token": "x"}, {"(others)": 3}),
        ({**GOOD, "csrf_token": "x"}, {**GOOD, "csrf_token": ""}),
        ({"csrfToken": "x", "csrf_token": {"a": 1}}, {"csrf_token": ["object", 1], "(others)": 1}),
        ({"events": {"a": 1}}, {"events": ["object", 1]}),
        ({"events": [0] * (MOST_HITS + 1)}, {"events": ["list", MOST_HITS + 1]}),
        (
            {"events": [GOOD, "jane"], "session_id": "session-1", "site_id": "a b"},
            {
                "events": [GOOD, ["text", 4, "aaaa"]],
                "session_id": "session-1",
                "site_id": ["text", 3, "a a"],
            },
        ),
    ],
)
def test_of_what_is_no_hit_there_is_a_shape(raw: object, of_it: object) -> None:
    assert kept(raw) == of_it


@given(JSON | st.dictionaries(st.sampled_from(list(Hit.model_fields)), JSON))
def test_anything_is_kept_as_json_and_what_was_refused_stays_refused(raw: object) -> None:
    again = kept(raw)
    is_request = isinstance(raw, dict) and "events" in raw
    if isinstance(parse_hit(raw), Rejected) and not is_request:
        assert isinstance(parse_hit(again), Rejected)
