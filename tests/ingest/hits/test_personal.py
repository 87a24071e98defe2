import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.hits.personal import impersonal, impersonal_encoded


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("jane@mail.example", "[email]"),
        ("write to jo.do+x@mail.example, please", "write to [email], please"),
        ("a jürgen@bücher.example b", "a [email] b"),
        ("jane%40mail.example", "[email]"),
        ("+491701234567", "[phone]"),
        ("+49 (0)170 / 123-4567", "[phone]"),
        ("0049-170-1234567", "[phone]"),
        ("(212) 555-0123", "[phone]"),
        ("212.555.0123", "[phone]"),
        ("4111111111111111", "[card]"),
        ("5500 0000 0000 0004", "[card]"),
        ("3782-822463-10005", "[card]"),
        ("6f1b1c52-5d0e-4a53-9d0c-0f6e2b0f9a11", "[token]"),
        ("d41d8cd98f00b204e9800998ecf8427e", "[token]"),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3",
            "[token].[token].dozjgNryP4J3",
        ),
        ("sk_live_abcdefghijklmnopqrst", "[token]"),
        ("CjwKCAiA0eTJBhBaEiwA-Pa-hU", "[token]"),
    ],
)
def test_what_looks_like_a_persons_is_replaced(text: str, kept: str) -> None:
    assert impersonal(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a@b",
        "newsletter",
        "spring+20240101",
        "2024-01-01",
        "20240101",
        "17384920384",
        "1700000000000",
        "4111111111111112",
        "23842000000000123",
        "1.2.3.4",
        "The-Ultimate-Guide-To-Python-3-In-2024",
        "myCampaignNameForSpringSale2024",
        "pmax_DE_2024Q1_brand_generic_exact",
        "ga4-iphone15-pro-max-256gb-blue",
        "List_of_Presidents_of_1900",
        "00000000000000000000000000000000",
    ],
)
def test_campaigns_slugs_and_ids_stay(text: str) -> None:
    assert impersonal(text) == text
    assert impersonal_encoded(text) is text


@given(st.text())
def test_any_text_is_taken_and_nothing_changes_the_second_time(text: str) -> None:
    once = impersonal(text)
    assert impersonal(once) == once
    impersonal_encoded(text)
