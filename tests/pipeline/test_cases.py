"""Public bug reports of other analytics, tried over HTTP on a running engine."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from liveinsight.caller import Caller
from tests.pipeline.engine import Engine, eventually, liveinsight, running

pytestmark = pytest.mark.pipeline

EDGE = "198.51.100.7"
MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Behind a web server of this machine, and a CDN before that."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LIVEINSIGHT_TRUSTED_PROXIES", "198.51.100.0/24")
        with running(tmp_path_factory.mktemp("cases")) as engine:
            yield engine


@pytest.fixture
def site(engine: Engine) -> str:
    site_id = f"{uuid4().hex[:12]}.example"
    liveinsight("site", "add", site_id, "--public", "--data", engine.data)
    return site_id


def send(
    engine: Engine, site: str, *events: dict[str, Any], client: str = "203.0.113.1"
) -> dict[str, Any]:
    """Send events of a session of their own, as its visitor's browser does behind both proxies."""
    chain = {"X-Forwarded-For": f"{client}, {EDGE}"}
    caller, session = Caller(engine.url, site, sent=chain), uuid4().hex
    answer = caller.send(session, caller.ask_token(session).token(), events)
    assert answer.status == 200, answer.content
    return answer.document()


def view(site: str, path: str, minutes_ago: float = 0, **fields: Any) -> dict[str, Any]:
    return {
        "event_type": "page_view",
        "page_url": f"https://{site}{path}",
        "age_ms": minutes_ago * MINUTE_MS,
        **fields,
    }


def event(site: str, name: str, minutes_ago: float = 0, **fields: Any) -> dict[str, Any]:
    return view(site, "/", minutes_ago, event_type="custom", name=name, **fields)


def counted(engine: Engine, site: str, views: int, events: int = 0) -> dict[str, Any]:
    """The answer of today and yesterday once so much is counted, and nothing waits."""

    def answer() -> dict[str, Any]:
        found: dict[str, Any] = engine.get("/api/stats", site_id=site, period="7d")
        return found

    def is_counted() -> bool:
        totals = answer()["totals"]
        return bool((totals["pageviews"], totals["events"]) == (views, events))

    eventually(is_counted, within=25)
    return answer()


def visits_by(answer: dict[str, Any], dimension: str) -> dict[str, int]:
    return {row["value"]: row["visits"] for row in answer["breakdowns"][dimension]}


def test_who_returns_from_a_payment_stays_the_visitor_of_a_search(
    engine: Engine, site: str
) -> None:
    """matomo-org/matomo#18612, TryGhost/Ghost#17606."""
    pay = "https://checkout.stripe.com/c/pay"
    send(engine, site, view(site, "/", 20, referrer="https://www.google.com/"))
    send(engine, site, view(site, "/thanks", 5, referrer=pay), event(site, "purchase", 4))
    send(engine, site, view(site, "/thanks", 3, referrer=pay), client="203.0.113.2")
    answer = counted(engine, site, views=3, events=1)
    assert visits_by(answer, "source") == {"Google": 1, "Direct": 1}
    assert visits_by(answer, "channel") == {"Organic Search": 1, "Direct": 1}
    assert answer["totals"]["visits"] == 2


def test_a_referrer_that_a_site_ignores_is_no_source(engine: Engine, site: str) -> None:
    rules = ("site", "rules", site, "--data", engine.data)
    liveinsight(*rules, "--ignore-referrer", "pay.partner.example")
    paid = view(site, "/thanks", referrer="https://pay.partner.example/done")

    def is_direct() -> bool:
        send(engine, site, paid, client=f"203.0.113.{int(time.monotonic()) % 200}")
        found = engine.get("/api/stats", site_id=site)["breakdowns"].get("source", [])
        return any(row["value"] == "Direct" for row in found)

    eventually(is_direct, within=90)


def test_visitors_behind_a_cdn_and_a_web_server_are_told_apart(engine: Engine, site: str) -> None:
    """plausible/analytics#4473, nuxt-modules/plausible#40, umami-software/umami#3943."""
    for number in (1, 2, 3):
        send(engine, site, view(site, "/"), client=f"203.0.113.{number}")
    assert counted(engine, site, views=3)["totals"]["visitors"] == 3


def test_a_visit_with_a_page_and_an_event_is_no_bounce(engine: Engine, site: str) -> None:
    """umami-software/umami#3518 and #4408, umami-software/website#219."""
    send(engine, site, view(site, "/", 200), event(site, "signup", 195))
    send(engine, site, view(site, "/bounced", 200), client="203.0.113.2")
    read = [
        view(site, "/long", ago, event_type="engagement", engaged_ms=1000)
        for ago in (175, 150, 125, 100, 75, 50)
    ]
    send(engine, site, view(site, "/long", 200), *read, client="203.0.113.3")
    ahead = int(time.time() * 1000) + 5 * 60 * MINUTE_MS
    wrong = {"event_type": "page_view", "page_url": f"https://{site}/ahead", "timestamp": ahead}
    refused = send(engine, site, wrong, client="203.0.113.4")
    assert [one["code"] for one in refused["rejected"]] == ["timestamp_out_of_range"]
    send(engine, site, {**wrong, "age_ms": 200 * MINUTE_MS}, client="203.0.113.4")
    answer = counted(engine, site, views=4, events=1)
    assert answer["totals"]["visits"] == 4
    by_entry = {row["value"]: row for row in answer["breakdowns"]["entry_page"]}
    assert {page: row["bounce_rate"] for page, row in by_entry.items()} == {
        "/": 0,
        "/bounced": 1,
        "/ahead": 1,
        "/long": 1,
    }
    assert by_entry["/"]["visit_duration_seconds"] == 5 * 60
