import json
import pkgutil
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from unittest.mock import ANY
from uuid import UUID

import pytest

from ingest.collector import Collector, Credentials, IssuedToken, Receipt, Sender
from ingest.hits.client import Client
from ingest.hits.judge import Policy, epoch_ms
from ingest.hits.rejection import Rejected, RejectionCode
from ingest.hits.visitor import partition_of
from ingest.origin import read_origin
from ingest.refusal import not_taken
from ingest.salts.sqlite import SqliteSaltStore
from ingest.tokens.token import TokenClaims, TokenKeys, verify
from runtime.errors import PermanentError, RetryableError
from runtime.problem import ProblemError
from runtime.sites.partitions import PartitionSchedule
from runtime.sites.sqlite import SqliteSiteStore
from schemas.hit import CollectRequest, TokenRequest
from tests.ingest.memory_sink import MemoryEventSink

SESSION = "session-1"
IDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(10)]


def page_view(**fields: object) -> dict[str, object]:
    return {"event_type": "page_view", "page_url": "https://shop.example/", **fields}


class Browser:
    """What a browser does: fetch a token, then send events with it."""

    def __init__(
        self, collector: Collector, sink: MemoryEventSink, client: Client, now: datetime
    ) -> None:
        self.collector = collector
        self.sink = sink
        self.client = client
        self.now = now
        self.ids = count(100)

    def token(self, *, site_id: str | None = None, origin: str = "www.shop.example") -> IssuedToken:
        return self.collector.issue_token(
            TokenRequest(session_id=SESSION, site_id=site_id),
            sender=Sender(self.client, read_origin(f"https://{origin}" if origin else "")),
            fresh_salt=self.now.date().isoformat().ljust(32).encode(),
            now=self.now,
        )

    def send(self, *events: object, token: str | None = None, session: str = SESSION) -> Receipt:
        judged = self.collector.judge(
            CollectRequest(events=list(events)),
            credentials=Credentials(self.token().csrf_token if token is None else token, session),
            client=self.client,
            new_id=lambda: UUID(int=next(self.ids)),
            now=self.now,
        )
        try:
            self.sink.put([judged.record])
        except (RetryableError, PermanentError) as error:
            raise not_taken(error) from error
        return judged.receipt


@pytest.fixture
def browser(collector: Collector, sink: MemoryEventSink, chrome: Client, now: datetime) -> Browser:
    return Browser(collector, sink, chrome, now)


def code_of(error: pytest.ExceptionInfo[ProblemError]) -> tuple[int, str]:
    return error.value.problem.status, error.value.problem.code


def test_accepted_events_of_a_request_are_one_record(
    browser: Browser, sink: MemoryEventSink, now: datetime
) -> None:
    receipt = browser.send(page_view(event_id=IDS[0]), page_view(event_id=IDS[1], language="fr"))
    assert receipt == Receipt(2, 0, ())
    ((record,),) = sink.puts
    (batch,) = sink.batches
    assert [event.event_id for event in batch.events] == [UUID(one).bytes for one in IDS[:2]]
    assert (batch.site_id, batch.received_at) == ("shop.example", epoch_ms(now))
    assert (batch.context.browser, batch.context.language) == ("Chrome", "fr")
    assert record.partition_key == "shop.example/0"


def test_one_bad_event_never_loses_the_good_ones(browser: Browser, sink: MemoryEventSink) -> None:
    receipt = browser.send(
        page_view(), None, page_view(timestamp=7), page_view(site_id="other.example"), page_view()
    )
    assert receipt.accepted == 2
    assert receipt.rejected == (
        (1, Rejected(RejectionCode.NOT_AN_OBJECT, "")),
        (2, Rejected(RejectionCode.TIMESTAMP_OUT_OF_RANGE, "timestamp")),
        (3, Rejected(RejectionCode.SITE_MISMATCH, "site_id")),
    )
    assert len(sink.batches[0].events) == 2


def test_an_event_id_counts_once_in_a_request(browser: Browser, sink: MemoryEventSink) -> None:
    refused = page_view(event_id=IDS[1], timestamp=7)
    receipt = browser.send(
        page_view(event_id=IDS[0], title="first"),
        refused,
        page_view(event_id=IDS[1]),
        page_view(event_id=IDS[0], title="second"),
    )
    assert (receipt.accepted, receipt.duplicates, len(receipt.rejected)) == (2, 1, 1)
    assert [event.title for event in sink.batches[0].events] == ["first", ""]


def test_every_hit_of_a_request_is_accounted_for_in_its_record(
    browser: Browser, sink: MemoryEventSink
) -> None:
    malformed = {"event_type": "page_view", "page_url": "https://shop.example/?q=1", "title": 5}
    hits = [
        page_view(event_id=IDS[0]),
        malformed,
        page_view(event_id=IDS[0]),
        page_view(age_ms="1"),
    ]
    receipt = browser.send(*hits, page_view(timestamp=7))
    assert (receipt.accepted, receipt.duplicates, len(receipt.rejected)) == (1, 1, 3)
    (batch,) = sink.batches
    assert (batch.received, len(batch.events), batch.duplicates) == (5, 1, 1)
    assert [(hit.code, hit.field, bool(hit.hit)) for hit in batch.rejected] == [
        ("invalid_field", "title", True),
        ("invalid_field", "age_ms", True),
        ("timestamp_out_of_range", "timestamp", False),
    ]
    assert json.loads(batch.rejected[0].hit) == {**malformed, "page_url": "https://shop.example/"}
    assert batch.session_id == SESSION


def test_a_record_keeps_no_session_where_it_keeps_no_hit(
    browser: Browser, sink: MemoryEventSink
) -> None:
    browser.send(page_view(), page_view(timestamp=7))
    assert sink.batches[0].session_id == ""


def test_bots_get_a_verdict_and_are_not_counted(browser: Browser, sink: MemoryEventSink) -> None:
    browser.client = replace(browser.client, user_agent="curl/8.5.0")
    receipt = browser.send(page_view(), page_view())
    assert receipt.rejected == tuple(
        (place, Rejected(RejectionCode.BOT, "user_agent", "library")) for place in range(2)
    )
    assert receipt.bots == 2
    (batch,) = sink.batches
    assert (batch.events, batch.received) == ((), 2)
    assert {(hit.code, hit.hit) for hit in batch.rejected} == {("bot_library", "")}


def test_bots_count_where_the_policy_says_so(
    browser: Browser, sites: SqliteSiteStore, salts: SqliteSaltStore, token_keys: TokenKeys
) -> None:
    browser.collector = Collector(sites, salts, token_keys, Policy(count_bots=True))
    browser.client = replace(browser.client, user_agent="curl/8.5.0")
    assert browser.send(page_view()).accepted == 1


def test_nothing_is_accepted_that_the_stream_did_not_take(
    browser: Browser, sink: MemoryEventSink
) -> None:
    token = browser.token().csrf_token
    sink.is_down = True
    with pytest.raises(ProblemError) as error:
        browser.send(page_view(), token=token)
    assert code_of(error) == (503, "stream_unavailable")
    assert int(error.value.problem.headers["Retry-After"]) > 0


def test_a_record_that_the_stream_never_takes_is_refused_for_good(
    browser: Browser, sink: MemoryEventSink
) -> None:
    token = browser.token().csrf_token
    sink.most_bytes = 100
    with pytest.raises(ProblemError) as error:
        browser.send(page_view(), token=token)
    assert code_of(error) == (422, "stream_refused")
    assert "Retry-After" not in error.value.problem.headers


@pytest.mark.parametrize("failure", [MemoryError, RecursionError, OverflowError, KeyError])
@pytest.mark.parametrize("step", ["parse_page", "attribute", "Hit.model_validate"])
def test_a_hit_that_makes_the_collector_fail_never_loses_the_good_ones(
    step: str,
    failure: type[Exception],
    browser: Browser,
    sink: MemoryEventSink,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    place, _, name = f"ingest.hits.judge.{step}".rpartition(".")
    owner = pkgutil.resolve_name(place)
    works = getattr(owner, name)

    def fail_on_secrets(*args: Any, **kwargs: Any) -> Any:
        if "secret" in repr((args, kwargs)):
            raise failure("secret")
        return works(*args, **kwargs)

    monkeypatch.setattr(owner, name, fail_on_secrets)
    bad = {"event_type": "page_view", "page_url": "https://shop.example/secret"}
    receipt = browser.send(page_view(), bad, page_view())
    assert receipt == Receipt(2, 0, ((1, Rejected(RejectionCode.UNJUDGED, "")),))
    (batch,) = sink.batches
    assert (batch.received, len(batch.events)) == (3, 2)
    shapes = {name: ["text", len(text), ANY] for name, text in bad.items()}
    is_unread = step == "Hit.model_validate"
    assert json.loads(batch.rejected[0].hit) == (shapes if is_unread else bad)
    (logged,) = caplog.records
    assert failure.__name__ in logged.getMessage()
    assert "secret'" not in caplog.text
    assert "https" not in caplog.text


def test_a_visitor_stays_one_over_midnight_and_a_change_of_address(
    browser: Browser, sink: MemoryEventSink
) -> None:
    token = browser.token().csrf_token
    browser.send(page_view(), token=token)
    browser.now += timedelta(hours=11)
    browser.client = replace(browser.client, address="203.0.113.200")
    browser.send(page_view(), token=token)
    first, second = sink.batches
    assert first.visitor_id == second.visitor_id


@pytest.mark.parametrize(("before", "after"), [(1, 2), (8, 16), (512, 1024), (1024, 1)])
def test_a_visitor_keeps_its_partition_over_the_midnight_that_changes_their_number(
    browser: Browser, sites: SqliteSiteStore, sink: MemoryEventSink, before: int, after: int
) -> None:
    """Whether the token of the day before or a new one is shown: the id's own day decides."""
    today = browser.now.date()
    tomorrow = today + timedelta(days=1)
    schedule = PartitionSchedule.always(before).changed(after, tomorrow)
    changed = sites.update("shop.example", lambda site: replace(site, partitions=schedule))
    assert changed is not None
    token = browser.token().csrf_token
    browser.send(page_view(), token=token)
    browser.now += timedelta(hours=11)
    assert browser.now.date() == tomorrow
    browser.send(page_view(), token=token)
    browser.send(page_view())
    first, carried, fresh = sink.batches
    assert first.visitor_id == carried.visitor_id != fresh.visitor_id
    keys = [record.partition_key for (record,) in sink.puts]
    old = partition_of(changed, today, first.visitor_id)
    new = partition_of(changed, tomorrow, fresh.visitor_id)
    assert keys == [f"shop.example/{partition}" for partition in (old, old, new)]


def test_a_token_for_a_host_is_for_its_site(
    browser: Browser, token_keys: TokenKeys, now: datetime
) -> None:
    claims = verify(token_keys, browser.token().csrf_token, session_id=SESSION, now=now)
    assert isinstance(claims, TokenClaims)
    assert claims.site_id == "shop.example"
    assert browser.token().expires_in == 12 * 3600


@pytest.mark.parametrize("origin", ["pay.example", ""])
def test_a_named_site_gives_tokens_to_its_hosts(browser: Browser, origin: str) -> None:
    assert browser.token(site_id="shop.example", origin=origin).csrf_token


def test_a_named_site_gives_no_token_to_other_sites_pages(browser: Browser) -> None:
    with pytest.raises(ProblemError) as error:
        browser.token(site_id="shop.example", origin="evil.example")
    assert code_of(error) == (403, "host_not_allowed")


@pytest.mark.parametrize(
    ("site_id", "origin", "advice"),
    [
        (None, "new.example", "liveinsight site add new.example"),
        ("new.example", "www.shop.example", "liveinsight site add new.example"),
        (None, "", "site_id"),
    ],
)
def test_an_unknown_site_is_answered_with_how_to_add_it(
    browser: Browser, site_id: str | None, origin: str, advice: str
) -> None:
    with pytest.raises(ProblemError) as error:
        browser.token(site_id=site_id, origin=origin)
    assert code_of(error) == (403, "unknown_site")
    assert advice in error.value.problem.detail


@pytest.mark.parametrize(
    ("token", "session", "expected"),
    [
        ("", SESSION, (401, "token_missing")),
        ("x", "", (401, "session_missing")),
        ("", "", (401, "token_missing")),
        ("x", SESSION, (403, "token_malformed")),
        (None, "session-2", (403, "token_wrong_session")),
    ],
)
def test_without_good_credentials_no_event_is_looked_at(
    browser: Browser,
    sink: MemoryEventSink,
    token: str | None,
    session: str,
    expected: tuple[int, str],
) -> None:
    with pytest.raises(ProblemError) as error:
        browser.send(page_view(), token=token, session=session)
    assert code_of(error) == expected
    assert sink.puts == []


def test_an_old_token_must_be_renewed(browser: Browser) -> None:
    token = browser.token().csrf_token
    browser.now += timedelta(hours=12)
    with pytest.raises(ProblemError) as error:
        browser.send(page_view(), token=token)
    assert code_of(error) == (403, "token_expired")
