"""Whatever a stranger sends, the collector answers, and never with its own failure."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.hit import CollectRequest, Hit
from tests.effort import examples
from tests.ingest.http_caller import Answer, call
from tests.ingest.memory_sink import MemoryEventSink

pytestmark = pytest.mark.usefixtures("deployed")

# The fixtures hold no state that one example could spoil for the next.
FUZZ = settings(
    max_examples=examples(200),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

PATHS = st.sampled_from(["/api/csrf-token", "/api/events", "/api/events/", "/", "/api/../x"])
METHODS = st.sampled_from(["POST", "OPTIONS", "GET", "DELETE"])
ANY_TEXT = st.text(st.characters(codec=None))
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Content-Type",
            "Origin",
            "Referer",
            "User-Agent",
            "X-CSRF-Token",
            "X-Session-ID",
            "Accept-Language",
            "CloudFront-Viewer-Address",
            "CloudFront-Viewer-City",
            "CloudFront-Viewer-Country",
        ]
    ),
    ANY_TEXT | st.none(),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda children: st.lists(children) | st.dictionaries(ANY_TEXT, children),
    max_leaves=8,
)
HITS = st.dictionaries(st.sampled_from(list(Hit.model_fields)), JSON)


def assert_answered(answer: Answer) -> None:
    assert 200 <= answer.status < 500
    if answer.status >= 400:
        assert answer.document["status"] == answer.status


@FUZZ
@given(PATHS, METHODS, ANY_TEXT | JSON.map(json.dumps), HEADERS, st.booleans())
def test_no_request_makes_the_collector_fail(
    path: str, method: str, body: str, headers: dict[str, str | None], is_base64: bool
) -> None:
    assert_answered(call(path, body, method=method, headers=headers, is_base64=is_base64))


@FUZZ
@given(st.dictionaries(st.sampled_from(list(CollectRequest.model_fields)), JSON))
def test_no_request_fields_make_the_collector_fail(body: dict[str, Any]) -> None:
    for path in ("/api/csrf-token", "/api/events"):
        assert_answered(call(path, body))


@FUZZ
@given(st.lists(HITS | JSON, min_size=1, max_size=5))
def test_every_hit_of_an_authorised_request_gets_a_verdict(
    sink: MemoryEventSink, hits: list[object]
) -> None:
    sink.puts.clear()
    token = call("/api/csrf-token", {"session_id": "session-1"}).document["csrf_token"]
    good = {"event_type": "page_view", "page_url": "https://shop.example/"}
    merged = [{**good, **hit} if isinstance(hit, dict) else hit for hit in hits]
    body = {"csrf_token": token, "session_id": "session-1", "events": [good, *merged]}
    answer = call("/api/events", body)
    assert_answered(answer)
    for (record,) in sink.puts:
        assert len(record.data) <= 16 * len(json.dumps(body).encode())
    if answer.status == 200:  # JSON has no NaN: a request with one is refused as a whole
        verdict = answer.document
        refused = len(verdict["rejected"])
        assert verdict["accepted"] + verdict["duplicates"] + refused == len(merged) + 1
        assert verdict["accepted"] >= 1
