from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aggregates.filter import BYTES, NO_VALUES


@given(st.lists(st.text()), st.lists(st.text()))
def test_what_was_added_is_remembered_whatever_comes_after(
    some: list[str], more: list[str]
) -> None:
    after = NO_VALUES.with_all(some, b"key").with_all(more, b"other")
    assert all(text in after for text in some + more)
    assert after == NO_VALUES.with_all(more + some, b"key")


def test_nothing_is_in_an_empty_one() -> None:
    assert "" not in NO_VALUES
    assert NO_VALUES.bits == b""


def test_it_errs_as_seldom_as_it_says() -> None:
    random = Random(3)
    known = NO_VALUES.with_all((random.randbytes(8).hex() for _ in range(20_000)), b"key")
    assert len(known.bits) == BYTES
    errors = sum(random.randbytes(8).hex() in known for _ in range(40_000))
    assert errors < 40_000 / 2_000 * 2


def test_what_looks_alike_hangs_on_a_key() -> None:
    """So nobody can choose values that make others look as if they had been added."""
    texts = [str(n) for n in range(20_000)]
    filters = [NO_VALUES.with_all(texts, key) for key in (b"one", b"two")]
    alike = [{str(n) for n in range(20_000, 200_000) if str(n) in one} for one in filters]
    assert all(alike)
    assert len(alike[0] & alike[1]) < len(alike[0]) / 10
