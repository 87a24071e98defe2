from unicodedata import category

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

ANY = st.characters(codec=None)
"""Lone halves of pairs, too, which JSON can spell."""
UNWANTED = "\0\n\r\t\x0b\x0c\x1c\x1f\x7f\x85\x9f\u2028\u2029\ud800\udfff"
texts = st.text(ANY, max_size=400) | st.text("…#ab文🙂\xa0\u200d" + UNWANTED, max_size=400)
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


@given(texts)
@example(UNWANTED)
@example("a\nb")
def test_a_value_is_of_one_line_and_has_no_control_character(text: str) -> None:
    value = value_of(text)
    assert len(value.splitlines()) <= 1
    assert not any(category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in value)


@given(st.text(max_size=MAX_VALUE_BYTES // 4))
@example("文🙂 a\xa0b\u3000c")
@example("👩\u200d💻")
def test_a_short_text_stays_as_it_is(text: str) -> None:
    if "…#" not in text and not any(category(one) in {"Cc", "Zl", "Zp"} for one in text):
        assert value_of(text) == text


@given(texts)
def test_what_is_cut_out_is_seen(text: str) -> None:
    if any(character in UNWANTED for character in text[:64]):
        assert "\ufffd" in value_of(text)


def test_reserved_values_are_read_by_their_kind() -> None:
    assert [kind_of(value) for value in RESERVED] == [Kind.NOT_SET, Kind.OTHER, Kind.DIRECT]
    assert [label_of(value) for value in RESERVED] == ["(not set)", "(other)", "Direct"]
    assert label_of("/a") == "/a"
    assert value_of("", DIRECT) == DIRECT
