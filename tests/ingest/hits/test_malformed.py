from datetime import UTC, datetime, timedelta

import pytest

from ingest.hits.client import Client
from ingest.hits.malformed import BURST, REFUSED_ON_PURPOSE, MalformedHits
from ingest.hits.rejection import RejectionCode
from schemas.event import RejectedHit
from schemas.hit import MAX_BODY_BYTES

NOW = datetime(2026, 5, 4, tzinfo=UTC)
WHY = RejectedHit(RejectionCode.INVALID_FIELD)
CLIENT = Client("203.0.113.9", "Mozilla/5.0 X")


def rejected(hits: MalformedHits, at: datetime, why: RejectedHit = WHY) -> RejectedHit:
    return hits.rejected("my.site", why, {"title": "a"}, client=CLIENT, now=at)


@pytest.mark.parametrize("code", RejectionCode)
def test_well_formed_hits_are_counted_and_not_kept(code: RejectionCode) -> None:
    one = rejected(MalformedHits(), NOW, RejectedHit(code, "field"))
    kept = "" if code in REFUSED_ON_PURPOSE else '{"title":"a"}'
    assert one == RejectedHit(code, "field", kept)


def test_a_field_is_named_by_names_of_ours_alone() -> None:
    hits = MalformedHits()
    code = WHY.code
    assert rejected(hits, NOW, RejectedHit(code, "props.jane@mail.example")).field == "props"
    assert rejected(hits, NOW, RejectedHit(code, "revenue.amount")).field == "revenue.amount"


def test_above_a_rate_a_sample_is_kept_and_each_is_counted() -> None:
    hits = MalformedHits()
    times = [NOW + timedelta(seconds=n / 10) for n in range(1000)]
    kept = [rejected(hits, at).hit for at in times]
    assert sum(map(bool, kept)) == BURST + 99
    assert all(kept[:BURST])
    assert hits.rejected("other.site", WHY, {}, client=CLIENT, now=NOW).hit


def test_a_clock_that_goes_back_gives_no_budget() -> None:
    hits = MalformedHits(burst=1)
    assert rejected(hits, NOW).hit
    for _ in range(3):
        assert not rejected(hits, NOW - timedelta(hours=1)).hit


def test_of_a_text_of_any_length_little_is_kept() -> None:
    kept = MalformedHits().rejected(
        "my.site", WHY, "x" * (MAX_BODY_BYTES + 1), client=CLIENT, now=NOW
    )
    assert kept.hit.startswith(f'["text",{MAX_BODY_BYTES + 1},"aaa')
    assert len(kept.hit) < 300
