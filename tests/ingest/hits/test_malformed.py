import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.hits.malformed import BURST, REFUSED_ON_PURPOSE, MalformedHits, scrub
from ingest.hits.rejection import RejectionCode
from schemas.hit import MAX_BODY_BYTES

NOW = datetime(2026, 5, 4, tzinfo=UTC)
CODE = RejectionCode.INVALID_FIELD


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"csrf_token": "v1.abc", "x": 1}', '{"csrf_token": "", "x": 1}'),
        ('{"csrf_token":"cut off', '{"csrf_token":""'),
        ('"https://my.site/a?q=secret&utm_source=x#me"', '"https://my.site/a?utm_source=x"'),
        ('"https:\\/\\/me:pass@my.site\\/a"', '"https:\\/\\/my.site\\/a"'),
        ('"https://me@my.site/?q=1"', '"https://my.site/"'),
        ('"write to jo.do+x@mail.example, please"', '"write to [email], please"'),
        ('"/reset?mail=jo%40mail.example"', '"/reset?mail=[email]"'),
        ('{"name": "a@b"}', '{"name": "a@b"}'),
    ],
)
def test_what_may_name_a_person_is_taken_out(text: str, kept: str) -> None:
    assert scrub(text) == kept


@given(st.text())
def test_scrubbing_takes_any_text_and_changes_nothing_the_second_time(text: str) -> None:
    once = scrub(text)
    once.encode()
    assert scrub(once) == once


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_json_stays_json(value: object) -> None:
    json.loads(scrub(json.dumps(value)))


@pytest.mark.parametrize("code", RejectionCode)
def test_well_formed_hits_are_counted_and_not_kept(code: RejectionCode) -> None:
    rejected = MalformedHits().rejected("my.site", code, "field", {"a": 1}, now=NOW)
    assert rejected.code == code
    assert rejected.hit == ("" if code in REFUSED_ON_PURPOSE else '{"a": 1}')


def test_above_a_rate_a_sample_is_kept_and_each_is_counted() -> None:
    hits = MalformedHits()
    times = [NOW + timedelta(seconds=n / 10) for n in range(1000)]
    kept = [hits.rejected("my.site", CODE, "", {}, now=at).hit for at in times]
    assert sum(map(bool, kept)) == BURST + 99
    assert all(kept[:BURST])
    assert hits.rejected("other.site", CODE, "", {}, now=NOW).hit


def test_a_clock_that_goes_back_gives_no_budget() -> None:
    hits = MalformedHits(burst=1)
    assert hits.rejected("my.site", CODE, "", {}, now=NOW).hit
    for _ in range(3):
        assert not hits.rejected("my.site", CODE, "", {}, now=NOW - timedelta(hours=1)).hit


def test_text_that_is_too_long_is_counted_and_not_kept() -> None:
    hits = MalformedHits()
    assert hits.rejected("my.site", CODE, "", "x" * MAX_BODY_BYTES, now=NOW).hit
    assert not hits.rejected("my.site", CODE, "", "x" * (MAX_BODY_BYTES + 1), now=NOW).hit
