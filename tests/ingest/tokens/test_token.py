from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.tokens.token import LIFETIME, TokenClaims, TokenKeys, TokenProblem, issue, verify
from runtime.sites.partitions import MAX_PARTITIONS

KEYS = TokenKeys("k2", {"k1": b"1" * 32, "k2": b"2" * 32})
NOW = datetime(2026, 3, 13, 15, 9, 20, tzinfo=UTC)
CLAIMS = TokenClaims("shop.example", b"visitor!", 1023, NOW + LIFETIME)


def issued(keys: TokenKeys = KEYS, session_id: str = "session-1") -> str:
    return issue(keys, CLAIMS, session_id=session_id)


TOKEN = issued()


def test_a_token_says_what_was_signed() -> None:
    assert verify(KEYS, TOKEN, session_id="session-1", now=NOW) == CLAIMS


@given(
    st.builds(
        TokenClaims,
        site_id=st.text("abc.-0", min_size=1, max_size=253),
        visitor_id=st.binary(min_size=8, max_size=8),
        partition=st.integers(0, MAX_PARTITIONS - 1),
        expires_at=st.just(NOW + LIFETIME),
    ),
    st.text(min_size=8, max_size=64),
)
def test_every_token_that_was_issued_is_accepted(claims: TokenClaims, session: str) -> None:
    token = issue(KEYS, claims, session_id=session)
    assert len(token) <= 1024
    assert verify(KEYS, token, session_id=session, now=NOW) == claims


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_no_character_of_a_token_can_be_changed(place: int, character: str) -> None:
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    accepted = isinstance(verify(KEYS, changed, session_id="session-1", now=NOW), TokenClaims)
    assert accepted == (changed == TOKEN)


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    for token in (text, f"k1.{text}", TOKEN + text):
        assert isinstance(verify(KEYS, token, session_id="session-1", now=NOW), TokenProblem) == (
            token != TOKEN
        )


def test_a_token_of_the_retired_key_is_accepted_until_the_key_goes() -> None:
    old = issued(replace(KEYS, current="k1"))
    assert isinstance(verify(KEYS, old, session_id="session-1", now=NOW), TokenClaims)
    only_new = TokenKeys("k2", {"k2": KEYS.keys["k2"]})
    assert verify(only_new, old, session_id="session-1", now=NOW) is TokenProblem.UNKNOWN_KEY


def test_a_token_cannot_move_to_another_key() -> None:
    moved = "k1" + TOKEN.removeprefix("k2")
    problem = verify(KEYS, moved, session_id="session-1", now=NOW)
    assert problem is TokenProblem.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("age", "accepted"), [(LIFETIME - timedelta(milliseconds=1), True), (LIFETIME, False)]
)
def test_a_token_ends_with_its_lifetime(age: timedelta, accepted: bool) -> None:
    outcome = verify(KEYS, TOKEN, session_id="session-1", now=NOW + age)
    assert (outcome is not TokenProblem.EXPIRED) == accepted


def test_a_token_is_good_for_one_session() -> None:
    problem = verify(KEYS, TOKEN, session_id="session-2", now=NOW)
    assert problem is TokenProblem.WRONG_SESSION


def test_nonsense_is_malformed() -> None:
    for token in ("", "a.b", "x" * 2000, TOKEN + "=", f" {TOKEN}"):
        problem = verify(KEYS, token, session_id="session-1", now=NOW)
        assert problem is TokenProblem.MALFORMED
