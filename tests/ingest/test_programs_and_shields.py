"""Events of the owner's programs, and what a site drops."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ingest import bootstrap
from ingest.collector import Collector
from ingest.quota import Quotas
from ingest.salts.sqlite import SqliteSaltStore
from ingest.tokens.token import TokenKeys
from liveinsight.openapi.shapes import Token
from runtime.errors import UsageError
from runtime.sites.shields import Shields, Tokens, host_matches, is_like
from runtime.sites.site import Site, hash_read_key
from runtime.sites.sqlite import SqliteSiteStore
from tests.ingest.http_caller import Answer, call
from tests.ingest.memory_sink import MemoryEventSink

pytestmark = pytest.mark.usefixtures("deployed")

KEY = "li_write_key-of-the-shop"
URL = "https://shop.example/a"
VIEW = {"event_type": "page_view", "page_url": URL}
Change = Callable[..., None]


@pytest.fixture
def change(sites: SqliteSiteStore) -> Change:
    def changed(**settings: Any) -> None:
        sites.update("shop.example", lambda site: replace(site, **settings))

    return changed


@pytest.fixture
def keyed(change: Change) -> None:
    change(write_key_hashes=(hash_read_key(KEY),))


def sent(body: Mapping[str, Any], key: str = KEY, **headers: str) -> Answer:
    shown = {"X-CSRF-Token": key, "User-Agent": "python-requests/2", **headers}
    return call("/api/events", {"site_id": "shop.example", **body}, headers=shown)


@pytest.mark.usefixtures("keyed")
def test_a_program_of_the_owner_speaks_of_a_visitor(sink: MemoryEventSink) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    about = {"visitor_id": "customer 17", "user_agent": agent, "country": "FR", "events": [VIEW]}
    assert sent(about).document == {"accepted": 1, "duplicates": 0, "rejected": []}
    sent({**about, "user_agent": None})
    sent({**about, "visitor_id": "customer 18"})
    first, second, third = sink.batches
    assert (first.context.browser, first.context.country) == ("Firefox", "FR")
    assert first.visitor_id == second.visitor_id != third.visitor_id
    assert all(b"customer" not in put.data for puts in sink.puts for put in puts)


@pytest.mark.usefixtures("keyed")
def test_a_program_may_send_what_it_has_kept_for_a_week(sink: MemoryEventSink) -> None:
    week = 7 * 24 * 3600 * 1000
    events = [{**VIEW, "age_ms": age} for age in (week - 60_000, week + 60_000)]
    answer = sent({"visitor_id": "1", "events": events})
    assert answer.document["rejected"] == [
        {"index": 1, "code": "timestamp_out_of_range", "field": "age_ms"}
    ]
    (event,) = sink.batches[0].events
    assert sink.batches[0].received_at - event.occurred_at == week - 60_000


@pytest.mark.usefixtures("keyed")
def test_an_event_that_is_sent_again_on_another_day_is_the_same_visitors(
    sink: MemoryEventSink,
) -> None:
    happened = int(datetime.now(UTC).timestamp()) - 3 * 24 * 3600
    for _ in range(2):
        sent({"visitor_id": "1", "events": [{**VIEW, "timestamp": happened}, VIEW]})
    sent({"visitor_id": "1", "events": [VIEW]})
    one, again, today = (batch.visitor_id for batch in sink.batches)
    assert one == again != today


@pytest.mark.usefixtures("keyed")
@pytest.mark.parametrize(
    ("body", "key", "status", "code"),
    [
        ({"visitor_id": "1"}, "li_write_of-somebody", 403, "write_key_unknown"),
        ({"visitor_id": "1", "site_id": "other.example"}, KEY, 403, "write_key_unknown"),
        ({"visitor_id": "1", "site_id": None}, KEY, 403, "write_key_unknown"),
        ({}, KEY, 422, "missing_field"),
        ({"visitor_id": ""}, KEY, 422, "invalid_field"),
        ({"visitor_id": "x" * 201}, KEY, 422, "invalid_field"),
        ({"visitor_id": 17}, KEY, 422, "invalid_field"),
        ({"visitor_id": "1", "country": "fr"}, KEY, 422, "invalid_field"),
    ],
)
def test_a_program_that_may_not_write_is_told_why(
    body: dict[str, Any], key: str, status: int, code: str, sink: MemoryEventSink
) -> None:
    answer = sent({**body, "events": [VIEW]}, key)
    assert (answer.status, answer.document["code"]) == (status, code)
    assert sink.batches == []


def test_a_write_key_reads_nothing(sites: SqliteSiteStore, change: Change) -> None:
    change(write_key_hashes=(hash_read_key(KEY),))
    site = sites.get("shop.example")
    assert site is not None
    assert site.may_write(KEY)
    assert not site.may_read(KEY)
    assert not site.may_administer(KEY)
    assert not site.may_write("")
    assert not replace(site, read_key_hashes=(hash_read_key("li_read"),)).may_write("li_read")


def browser_sends(event: Mapping[str, Any], **headers: str) -> dict[str, Any]:
    token = call("/api/csrf-token", {"session_id": "session-1"}).document["csrf_token"]
    shown = {"X-CSRF-Token": token, "X-Session-ID": "session-1", **headers}
    return call("/api/events", {"events": [event]}, headers=shown).document


@pytest.mark.parametrize(
    ("shields", "event", "headers", "code"),
    [
        (
            Shields(addresses=("192.0.2.0/24",)),
            {},
            {"CloudFront-Viewer-Address": "192.0.2.9:1"},
            "blocked_address",
        ),
        (
            Shields(addresses=("2001:db8::/32",)),
            {},
            {"CloudFront-Viewer-Address": "2001:db8::9:1"},
            "blocked_address",
        ),
        (Shields(countries=("FR",)), {}, {"CloudFront-Viewer-Country": "FR"}, "blocked_country"),
        (Shields(agents=("CHROME/",)), {}, {}, "blocked_agent"),
        (Shields(pages=("/a*",)), {"page_url": "https://shop.example/abc"}, {}, "blocked_page"),
        (
            Shields(hosts=("*.shop.example",)),
            {"page_url": "https://dev.shop.example/"},
            {},
            "blocked_host",
        ),
    ],
)
def test_a_site_drops_what_it_does_not_want_and_accounts_for_it(
    shields: Shields,
    event: dict[str, Any],
    headers: dict[str, str],
    code: str,
    change: Change,
    sink: MemoryEventSink,
) -> None:
    change(shields=shields)
    document = browser_sends({**VIEW, **event}, **headers)
    assert [one["code"] for one in document["rejected"]] == [code]
    (batch,) = sink.batches
    assert [(one.code, one.hit) for one in batch.rejected] == [(code, "")]
    assert batch.received == 1


def test_the_answer_to_who_asks_for_a_token_with_events_is_as_it_is_described(
    change: Change,
) -> None:
    change(tokens=Tokens.OFF)
    body = {"session_id": "session-1", "events": [VIEW, {}]}
    answered = Token.model_validate(call("/api/csrf-token", body).document)
    assert (answered.accepted, answered.duplicates) == (1, 0)
    assert [(one.index, one.code) for one in answered.rejected] == [(1, "missing_field")]


def test_what_is_like_none_of_the_shields_is_taken(change: Change) -> None:
    shields = Shields(
        addresses=("203.0.113.7",),
        countries=("XX",),
        pages=("/admin", "/b*", "*.php"),
        hosts=("*.dev.shop.example",),
        agents=("uptime",),
    )
    change(shields=shields)
    assert browser_sends(VIEW)["accepted"] == 1


def test_hosts_are_allowed_by_their_labels(change: Change) -> None:
    change(allowed_hosts=("*.pay.example", "exact.example"))
    for host, accepted in (
        ("one.pay.example", 1),
        ("two.one.pay.example", 0),
        ("pay.example", 0),
        ("exact.example", 1),
        ("sub.exact.example", 0),
        ("evilpay.example", 0),
    ):
        assert browser_sends({**VIEW, "page_url": f"https://{host}/"})["accepted"] == accepted, host


class Counted:
    """What was accepted, as other workers have written it down."""

    def __init__(self, events: int) -> None:
        self.events = events

    def by_day(self, site_id: str, first: date, last: date) -> dict[date, int]:  # noqa: ARG002
        return {first: self.events}


def test_a_daily_quota_ends_with_the_day_and_counts_what_others_took(now: datetime) -> None:
    site = Site(site_id="shop.example", shields=Shields(daily_quota=100))
    counted = Counted(90)
    quotas = Quotas(counted)
    assert [quotas.admitted(site, 8, now) for _ in range(3)] == [8, 2, 0]
    later = now + timedelta(seconds=2)
    assert quotas.admitted(site, 8, later) == 0
    counted.events = 0
    assert quotas.admitted(site, 8, now + timedelta(days=1)) == 8
    unlimited = replace(site, shields=Shields())
    assert quotas.admitted(unlimited, 1000, now) == 1000


def test_events_beyond_the_quota_are_accounted_for(
    sites: SqliteSiteStore,
    salts: SqliteSaltStore,
    token_keys: TokenKeys,
    change: Change,
    sink: MemoryEventSink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collector = Collector(sites, salts, token_keys, counts=Counted(7))
    monkeypatch.setattr(bootstrap, "collector", lambda: collector)
    change(shields=Shields(daily_quota=10), write_key_hashes=(hash_read_key(KEY),))
    answer = sent({"visitor_id": "1", "events": [VIEW] * 5})
    assert answer.document["accepted"] == 3
    assert answer.document["rejected"] == [
        {"index": index, "code": "over_quota", "field": ""} for index in (3, 4)
    ]
    assert [one.code for one in sink.batches[0].rejected] == ["over_quota"] * 2


@pytest.mark.parametrize(
    ("pattern", "like", "unlike"),
    [
        ("/a", ["/a"], ["/a/", "/ab", ""]),
        ("/a*", ["/a", "/a/b/c"], ["/", "/b/a"]),
        ("*.php", ["/x.php", ".php"], ["/x.phps"]),
        ("/a*b*c", ["/abc", "/a-b-b-c"], ["/acb", "/ab"]),
        ("/a*a", ["/aa", "/aba"], ["/a"]),
        ("*", ["", "/anything"], []),
        ("/[a-z]+", ["/[a-z]+"], ["/abc"]),
    ],
)
def test_a_pattern_is_what_it_looks_like(pattern: str, like: list[str], unlike: list[str]) -> None:
    assert [is_like(text, pattern) for text in like] == [True] * len(like)
    assert [is_like(text, pattern) for text in unlike] == [False] * len(unlike)


def test_a_pattern_takes_no_more_time_than_its_text_is_long() -> None:
    assert not is_like("a" * 100_000, "a*" * 140 + "b")


@pytest.mark.parametrize(
    "entries",
    [
        {"addresses": ("nonsense",)},
        {"addresses": ("10.0.0.0/33",)},
        {"countries": ("Germany",)},
        {"hosts": ("*",)},
        {"hosts": ("*example.com",)},
        {"hosts": ("a..b",)},
        {"pages": ("",)},
        {"pages": ("/\u001b[31m",)},
        {"agents": ("x" * 301,)},
        {"agents": tuple(map(str, range(1001)))},
        {"daily_quota": -1},
    ],
)
def test_a_shield_that_cannot_be_is_refused(entries: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(entries)).rstrip("s")[:5]):
        Shields(**entries)


def test_a_label_is_one_label() -> None:
    assert host_matches("a.b.example", "*.b.example")
    assert host_matches("a.b.example", "a.*.example")
    assert not host_matches("b.example", "*.b.example")
    assert not host_matches("x.a.b.example", "*.b.example")
