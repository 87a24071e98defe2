"""What a hit may hold, where another place says it too."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from runtime.sites.site import SITE_ID
from schemas.hit import SessionId, SiteId

SITE_IDS: TypeAdapter[str] = TypeAdapter(SiteId)
SESSION_IDS: TypeAdapter[str] = TypeAdapter(SessionId)


def is_taken(ids: TypeAdapter[str], text: str) -> bool:
    try:
        ids.validate_python(text, strict=True)
    except ValidationError:
        return False
    return True


@given(st.text() | st.text("aA0._-é\n٣", max_size=5) | st.from_regex(SITE_ID, fullmatch=True))
@example("a" * 253)
@example("a" * 254)
@example("")
@example("a\n")
@example("shop.example")
@example("münchen.example")
def test_a_hit_may_name_the_sites_that_can_be_and_no_others(text: str) -> None:
    """Neither package imports the other: each has the pattern."""
    assert is_taken(SITE_IDS, text) == (SITE_ID.fullmatch(text) is not None)


@pytest.mark.parametrize("text", ["session_1", "SESSION.2", "-" * 8, "0" * 64])
def test_a_session_id_is_of_ascii_letters_digits_and_three_signs(text: str) -> None:
    assert is_taken(SESSION_IDS, text)


@pytest.mark.parametrize(
    "text",
    ["sessiön-1", "сессия-01", "session-\u0661", "session 1", "session-1\n", "7chars.", "0" * 65],
)
def test_another_session_id_is_refused(text: str) -> None:
    assert not is_taken(SESSION_IDS, text)
