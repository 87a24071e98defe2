import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.rollups import MOST_RECENT_BYTES, room_of

NEW_SHARE = 0.5
"""Of a batch's rows: RECENT has the others already, about."""


def written(recent: float, base: int, added: int) -> float:
    """Return the bytes that a batch writes, in the mean, where RECENT may have so many."""
    return recent / 2 + base * NEW_SHARE * added / recent


@given(
    st.integers(1, 10**7), st.integers(1, 10**6), st.floats(1, MOST_RECENT_BYTES, allow_nan=False)
)
def test_no_other_size_of_recent_writes_less(base: int, added: int, other: float) -> None:
    room = room_of(base, added)
    assert room <= MOST_RECENT_BYTES
    assert written(room, base, added) <= written(other, base, added) * (1 + 1e-9)


@pytest.mark.parametrize(("base", "added"), [(0, 1000), (1000, 0)])
def test_a_recent_has_no_room_of_its_own_where_there_is_nothing_to_weigh(
    base: int, added: int
) -> None:
    assert room_of(base, added) == 0
