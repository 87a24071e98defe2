from hypothesis import example, given
from hypothesis import strategies as st

from aggregates.value import (
    DIRECT,
    MAX_VALUE_BYTES,
    NOT_SET,
    OTHER,
    Kind,
    kind_of,
    label_of,
    value_of,
)

texts = st.text(max_size=400) | st.text("\0…#ab文🙂", max_size=400)
RESERVED = (NOT_SET, OTHER, DIRECT)


@given(texts)
@example("🙂" * 75)
@example("🙂" * 76)
@example("a" * 60_000)
def test_a_value_is_short_and_can_be_encoded(text: str) -> None:
    assert len(value_of(text).encode()) <= MAX_VALUE_BYTES


@given(st.lists(texts, unique=True, max_size=20))
def test_different_texts_are_different_values(several: list[str]) -> None:
    assert len({value_of(text) for text in several}) == len(several)


@given(texts)
@example(value_of("a" * 301))
def test_what_a_cut_value_looks_like_is_no_way_into_its_row(text: str) -> None:
    longer = text + "a" * 301
    assert value_of(value_of(longer)) != value_of(longer)


@given(texts)
@example("(other)")
@example(OTHER)
@example("\0" + OTHER)
@example("Direct")
def test_no_text_is_reserved(text: str) -> None:
    assert kind_of(value_of(text)) is None
    assert value_of(text) not in RESERVED


@given(st.text(max_size=MAX_VALUE_BYTES // 4))
def test_a_short_text_stays_as_it_is(text: str) -> None:
    if not text.startswith("\0") and "…#" not in text:
        assert value_of(text) == text


def test_reserved_values_are_read_by_their_kind() -> None:
    assert [kind_of(value) for value in RESERVED] == [Kind.NOT_SET, Kind.OTHER, Kind.DIRECT]
    assert [label_of(value) for value in RESERVED] == ["(not set)", "(other)", "Direct"]
    assert label_of("/a") == "/a"
    assert value_of("", DIRECT) == DIRECT
