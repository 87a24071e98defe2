from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.hits.client import Client
from ingest.hits.judge import (
    Policy,
    Rejected,
    RejectionCode,
    collect,
    context,
    epoch_ms,
    parse_hit,
    screen,
)
from runtime.sites.site import Site
from schemas.event import Context, Event, EventBatch, EventType, Revenue, decode_batch, encode_batch
from schemas.hit import Hit

FRESH_ID = UUID("00000000-0000-4000-8000-000000000001")
PAGE_URL = "https://shop.example/"
RAW = {"event_type": "page_view", "page_url": PAGE_URL}
CLIENT_ID = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)
FIELDS = st.sampled_from([*Hit.model_fields, "unknown"])


def hit(**fields: Any) -> Hit:
    parsed = parse_hit({"event_type": "page_view", "page_url": "https://shop.example/", **fields})
    assert isinstance(parsed, Hit), parsed
    return parsed


class Collecting:
    """Collects hits of one session on one site at one time."""

    def __init__(self, site: Site, now: datetime) -> None:
        self.site = site
        self.now = now

    def __call__(self, one: Hit, policy: Policy = Policy()) -> Event | Rejected:  # noqa: B008
        return collect(
            one,
            site=self.site,
            session_id="session-1",
            policy=policy,
            new_id=lambda: FRESH_ID,
            now=self.now,
        )


@pytest.fixture
def collecting(site: Site, now: datetime) -> Collecting:
    return Collecting(site, now)


def test_a_page_view_becomes_an_event(collecting: Collecting, now: datetime) -> None:
    one = hit(
        page_url="https://user:pw@www.shop.example/p/7?utm_source=News&id=3#top",
        event_id=CLIENT_ID,
        referrer="https://www.google.com/",
        title="Seven",
        engaged_ms=5,
        scroll_depth=40,
        screen_width=1280,
        name="not of a page view",
    )
    assert collecting(one) == Event(
        event_id=UUID(CLIENT_ID).bytes,
        event_type=EventType.PAGE_VIEW,
        occurred_at=epoch_ms(now),
        session_id="session-1",
        hostname="www.shop.example",
        page="/p/7",
        query="utm_source=News",
        title="Seven",
        referrer="www.google.com",
        source="news",
        channel="Referral",
        utm_source="news",
        engaged_ms=5,
        scroll_depth=40,
        screen_width=1280,
    )


def test_a_custom_event_keeps_name_props_and_revenue(collecting: Collecting) -> None:
    props = {"plan": "pro", "paid": True, "seats": 3, "rate": 0.5, "many": 10**20}
    event = collecting(
        hit(
            event_type="custom",
            name="signup",
            props=props,
            revenue={"amount": 1234.5, "currency": "EUR"},
        )
    )
    assert isinstance(event, Event)
    assert event.name == "signup"
    assert event.props == {
        "plan": "pro",
        "paid": "true",
        "seats": "3",
        "rate": "0.5",
        "many": "1e+20",
    }
    assert event.revenue == Revenue("1234.5", "EUR")


def test_a_hit_without_an_id_gets_the_one_that_was_made_for_it(collecting: Collecting) -> None:
    event = collecting(hit())
    assert isinstance(event, Event)
    assert event.event_id == FRESH_ID.bytes


def test_pages_keep_their_query_where_the_policy_says_so(collecting: Collecting) -> None:
    event = collecting(hit(page_url="http://shop.example/?flav=rss20"), Policy(keep_query=True))
    assert isinstance(event, Event)
    assert event.page == "/?flav=rss20"


@pytest.mark.parametrize(
    ("fields", "seconds_ago"),
    [
        ({"timestamp": 1773414500}, 60.123),
        ({"timestamp": 1773414500.5}, 59.623),
        ({"timestamp": 1773414500500}, 59.623),
        ({"age_ms": 1500}, 1.5),
        ({"age_ms": 1500.9}, 1.5),
        ({"age_ms": 1500, "timestamp": 7}, 1.5),
        ({"age_ms": -1500}, 0),
        ({"age_ms": -24 * 3600 * 1000}, 0),
        ({"age_ms": 24 * 3600 * 1000}, 24 * 3600),
        ({"timestamp": 1773414560123 - 24 * 3600 * 1000}, 24 * 3600),
        ({"timestamp": 1773414560123 + 600_000}, -600),
    ],
)
def test_a_hit_says_when_it_happened(
    collecting: Collecting, now: datetime, fields: dict[str, float], seconds_ago: float
) -> None:
    event = collecting(hit(**fields))
    assert isinstance(event, Event)
    assert event.occurred_at == epoch_ms(now - timedelta(seconds=seconds_ago))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"age_ms": 24 * 3600 * 1000 + 1}, "age_ms"),
        ({"age_ms": 10**300}, "age_ms"),
        ({"age_ms": 1e300}, "age_ms"),
        ({"timestamp": 0}, "timestamp"),
        ({"timestamp": 1773414560123 - 24 * 3600 * 1000 - 1}, "timestamp"),
        ({"timestamp": 1773414560123 + 600_001}, "timestamp"),
        ({"timestamp": 10**14}, "timestamp"),
    ],
)
def test_a_time_out_of_range_is_rejected(
    collecting: Collecting, fields: dict[str, float], field: str
) -> None:
    assert collecting(hit(**fields)) == Rejected(RejectionCode.TIMESTAMP_OUT_OF_RANGE, field)


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"page_url": "ftp://shop.example/"}, RejectionCode.INVALID_URL, "page_url"),
        ({"page_url": "https://evil.example/"}, RejectionCode.HOST_NOT_ALLOWED, "page_url"),
        ({"page_url": "https://eshop.example/"}, RejectionCode.HOST_NOT_ALLOWED, "page_url"),
        ({"site_id": "other.example"}, RejectionCode.SITE_MISMATCH, "site_id"),
        ({"session_id": "session-2"}, RejectionCode.SESSION_MISMATCH, "session_id"),
        ({"event_type": "custom"}, RejectionCode.MISSING_FIELD, "name"),
    ],
)
def test_a_hit_that_does_not_fit_is_rejected_with_its_field(
    collecting: Collecting, fields: dict[str, str], code: RejectionCode, field: str
) -> None:
    assert collecting(hit(**fields)) == Rejected(code, field)


@pytest.mark.parametrize("host", ["shop.example", "www.shop.example", "pay.example"])
def test_a_sites_own_and_allowed_hosts_are_accepted(collecting: Collecting, host: str) -> None:
    assert isinstance(collecting(hit(page_url=f"https://{host}/")), Event)


@pytest.mark.parametrize(
    ("raw", "code", "field"),
    [
        (None, RejectionCode.NOT_AN_OBJECT, ""),
        ([], RejectionCode.NOT_AN_OBJECT, ""),
        ({"event_type": "page_view"}, RejectionCode.MISSING_FIELD, "page_url"),
        ({"event_type": "click", "page_url": "x"}, RejectionCode.INVALID_FIELD, "event_type"),
        ({"page_url": "x" * 2001}, RejectionCode.INVALID_FIELD, "page_url"),
        ({"timestamp": "now"}, RejectionCode.INVALID_FIELD, "timestamp"),
        ({"age_ms": -24 * 3600 * 1000 - 1}, RejectionCode.INVALID_FIELD, "age_ms"),
        ({"event_id": "7"}, RejectionCode.INVALID_FIELD, "event_id"),
        ({"props": {"int": [1]}}, RejectionCode.INVALID_FIELD, "props.int"),
        ({"props": {"k" * 65: 1}}, RejectionCode.INVALID_FIELD, "props." + "k" * 65),
        ({"props": {"": 1}}, RejectionCode.INVALID_FIELD, "props."),
        ({"props": {"k": None}}, RejectionCode.INVALID_FIELD, "props.k"),
        ({"props": {"k": float("nan")}}, RejectionCode.INVALID_FIELD, "props.k"),
        ({"props": {"\x1b[31m\n": [1]}}, RejectionCode.INVALID_FIELD, "props. [31m "),
        ({"title": "x" * 501, "screen_width": -1}, RejectionCode.INVALID_FIELD, "screen_width"),
        ({"props": dict.fromkeys(map(str, range(31)), 1)}, RejectionCode.INVALID_FIELD, "props"),
        ({"props": {"k": 10**400}}, RejectionCode.INVALID_FIELD, "props.k"),
        ({"revenue": {"amount": 1}}, RejectionCode.MISSING_FIELD, "revenue.currency"),
        ({"title": "\ud800"}, RejectionCode.INVALID_FIELD, "title"),
    ],
)
def test_a_malformed_hit_is_rejected_with_its_field(
    raw: object, code: RejectionCode, field: str
) -> None:
    if isinstance(raw, dict) and "event_type" not in raw:
        raw = {"event_type": "page_view", "page_url": "https://shop.example/", **raw}
    assert parse_hit(raw) == Rejected(code, field)


@pytest.mark.parametrize(
    ("amount", "stored"),
    [
        ("19.90", "19.90"),
        ("-5", "-5"),
        ("-0.00", "0"),
        ("999999999999.999999", "999999999999.999999"),
        (7, "7"),
        (-0.0, "0"),
        (1234.5, "1234.5"),
        (1e-5, "0.00001"),
        ("1_000", None),
        ("٣", None),
        (" 5", None),
        ("5 ", None),
        ("5\n", None),
        ("+5", None),
        ("1e3", None),
        (".5", None),
        ("5.", None),
        ("1,5", None),
        ("1000000000000", None),
        ("0.0000001", None),
        (1e-7, None),
        (1e18, None),
        ("NaN", None),
        ("Infinity", None),
        (float("nan"), None),
        (True, None),
        ("", None),
        (None, None),
        ([5], None),
    ],
)
def test_an_amount_is_digits_and_a_point(
    collecting: Collecting, amount: object, stored: str | None
) -> None:
    raw = {**RAW, "revenue": {"amount": amount, "currency": "EUR"}}
    parsed = parse_hit(raw)
    if stored is None:
        assert parsed == Rejected(RejectionCode.INVALID_FIELD, "revenue.amount")
        return
    event = collecting(hit(**raw))
    assert isinstance(event, Event)
    assert event.revenue == Revenue(stored, "EUR")


FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("fields", "field", "stored"),
    [
        ({"title": "x" * 501}, "title", "x" * 500),
        ({"title": "x" * 499 + "👍🏽!"}, "title", "x" * 499),
        ({"title": "x" * 498 + FAMILY}, "title", "x" * 498),
        ({"title": "x" * 499 + "e\u0301"}, "title", "x" * 499),
        ({"title": "x" * 499 + "🇩🇪"}, "title", "x" * 499),
        ({"title": "x" * 498 + "🇩🇪🇫🇷"}, "title", "x" * 498 + "🇩🇪"),
        ({"title": "e" + "\u0301" * 600}, "title", "e" + "\u0301" * 499),
        ({"title": "a\x1b[31m\nb\x85c\u2028"}, "title", "a [31m b c "),
        ({"referrer": "https://else.example/" + "a" * 2000}, "source", "else.example"),
        ({"page_url": PAGE_URL + "?utm_source=News&x=" + "a" * 2000}, "utm_source", "news"),
        ({"page_url": PAGE_URL + "#" + "a" * 2000}, "page", "/"),
        ({"page_url": PAGE_URL + "?utm_source=%1b%5b31m"}, "utm_source", "[31m"),
        ({"event_type": "custom", "name": "n" * 121}, "name", "n" * 120),
        ({"event_type": "custom", "name": "a\tb"}, "name", "a b"),
        ({"props": {"k": "x" * 1001, "l": 1}}, "props", {"k": "x" * 1000, "l": "1"}),
        ({"props": {"k\n": "\x1b"}}, "props", {"k ": " "}),
        ({"props": {"many": 2**70}}, "props", {"many": "1.1805916207174113e+21"}),
        ({"props": {"least": -(2**63)}}, "props", {"least": "-9223372036854775808"}),
        ({"language": "de-" + "x" * 40}, "page", "/"),
    ],
)
def test_what_is_too_long_or_no_text_costs_a_part_and_not_the_event(
    collecting: Collecting, fields: dict[str, Any], field: str, stored: object
) -> None:
    event = collecting(hit(**fields))
    assert isinstance(event, Event)
    assert getattr(event, field) == stored


def test_paths_are_scrubbed_where_the_site_asks(collecting: Collecting) -> None:
    one = hit(
        page_url=f"{PAGE_URL}u/jane%40mail.example",
        referrer="https://else.example/jane@mail.example",
    )
    event = collecting(one)
    assert isinstance(event, Event)
    assert (event.page, event.referrer) == (
        "/u/jane@mail.example",
        "else.example/jane@mail.example",
    )
    collecting.site = replace(collecting.site, scrub_paths=True)
    event = collecting(one)
    assert isinstance(event, Event)
    assert (event.page, event.referrer) == ("/u/[email]", "else.example/[email]")


@given(JSON | st.dictionaries(FIELDS, JSON))
def test_no_json_makes_parsing_raise(raw: object) -> None:
    assert isinstance(parse_hit(raw), Hit | Rejected)


def test_bots_are_screened_out_unless_they_count(chrome: Client) -> None:
    curl = replace(chrome, user_agent="curl/8.5.0")
    assert screen(curl, Policy()) == Rejected(RejectionCode.BOT, "user_agent", "library")
    assert screen(curl, Policy(count_bots=True)) is None
    assert screen(chrome, Policy()) is None


def test_the_context_is_what_the_client_says(chrome: Client) -> None:
    expected = Context("Chrome", "Windows", "Desktop", "de-DE", "DE", "NW", "Köln")
    assert context(chrome, "") == expected
    assert context(chrome, "fr") == replace(expected, language="fr")
    assert context(chrome, "no language") == expected


@given(
    st.fixed_dictionaries(
        {
            "title": st.text(max_size=100),
            "page_url": st.text().map("https://shop.example/{}".format),
        },
        optional={
            "referrer": st.text(max_size=100),
            "props": st.dictionaries(
                st.text(min_size=1, max_size=9),
                st.text(max_size=9) | st.booleans() | st.integers(-(2**70), 2**70),
                max_size=5,
            ),
            "revenue": st.fixed_dictionaries(
                {
                    "amount": st.decimals(-(10**9), 10**9, places=2).map(str),
                    "currency": st.just("EUR"),
                }
            ),
            "engaged_ms": st.integers(0, 86_400_000),
        },
    )
)
def test_every_event_comes_back_from_the_stream_as_it_went(fields: dict[str, Any]) -> None:
    site = Site(site_id="shop.example")
    now = datetime.fromisoformat("2026-03-13T15:09:20+00:00")
    parsed = parse_hit({"event_type": "custom", "name": "n", **fields})
    event = parsed if isinstance(parsed, Rejected) else Collecting(site, now)(parsed)
    if isinstance(event, Event):
        batch = EventBatch("shop.example", b"visitor!", epoch_ms(now), Context(), (event,))
        assert decode_batch(encode_batch(batch)) == batch
